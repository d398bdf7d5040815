"""Registered versions: which there are, in which stage, and what each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from quorate.errors import plural, visible
from quorate.report import console

NARROW, WIDE = 72, 110  # columns below which some are left out, and from which all fit
STAGES = {"champion": "green", "shadow": "cyan", "candidate": "yellow", "retired": "dim"}


def render_list(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print versions, those of each name together."""
    if not rows:
        print("no version is registered yet: quorate promote registers what passes")
        return
    target = console.out()
    groups = [list(group) for _, group in groupby(rows, itemgetter("name"))]
    target.print(console.listing(_columns(target.width), groups, target.width))


def _columns(width: int) -> list[console.Column]:
    def judged(row: Mapping[str, Any]) -> str:
        return f"{row['verdict']}, overridden" if row["override"] else str(row["verdict"])

    def stamp(row: Mapping[str, Any], name: str) -> str:
        return str(row[name][:16]).replace("T", " ") if width >= WIDE else str(row[name][:10])

    return [
        ("version", "left", 0, lambda row: f"{row['name']}@{row['version']}"),
        ("stage", "left", 0, itemgetter("stage")),
        ("since", "left", 0, lambda row: stamp(row, "since")),
        ("verdict", "left", 0, judged),
        ("registered", "left", NARROW, lambda row: stamp(row, "registered")),
        ("run", "left", NARROW, itemgetter("run")),
        ("reason", "left", WIDE, lambda row: row["override"] or row["reason"]),
    ]


def render(version: Mapping[str, Any]) -> None:
    """Print what a version is; `version` is a `Version` as plain data."""
    target, document = console.out(), version["document"]
    stage = version["stage"]
    target.print(f"{version['name']}@{version['version']}: [bold]{stage}[/bold]", style=STAGES[stage])
    data, judged, training = document["data"], document["judged"], document["training"]
    more = len(data["symbols"]) - 3
    symbols = ", ".join(data["symbols"][:3]) + (f" and {more} more" if more > 0 else "")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in judged["weights"].items() if weight is not None)
    overridden = [("overridden", version["override"])] if version["override"] else []
    rows = [
        ("run", document["run"]),
        ("verdict", version["verdict"]),
        *overridden,
        *([("updates", document["updates"])] if "updates" in document else []),
        ("since", version["since"][:16].replace("T", " ") + (f": {version['reason']}" if version["reason"] else "")),
        ("registered", version["registered"][:16].replace("T", " ")),
        ("data", f"{symbols}; {data['bars']:,} bars, {data['first']} to {data['last']}, {data['fingerprint'][:12]}"),
        ("trained", f"{training['train_rows']:,} rows, labels up to {training['label_end']}"),
        ("judged", f"{judged['series']}/{judged['strategy']}, threshold {judged['threshold']:.4g}"),
        ("weights", weights or "-"),
        ("models", f"{plural(len(document['models']), 'model')}, {_size(document['files'])}"),
        ("made by", f"quorate {document['quorate']}"),
    ]
    target.print(console.facts([(name, visible(value)) for name, value in rows]))
    parts = document["evidence"].items()
    columns = [("", "left"), ("verdict", "left"), ("Sharpe", "right"), ("drawdown", "right"), ("win rate", "right")]
    lines = [
        [
            part,
            console.verdict_text(found["verdict"]),
            console.figure(found["metrics"]["sharpe"], ".2f"),
            console.figure(found["metrics"]["max-drawdown"], ".1%"),
            console.figure(found["metrics"]["win-rate"], ".1%"),
        ]
        for part, found in parts
    ]
    target.print(console.table(columns, [lines]))
    target.print(f"in {version['path']}", markup=False)


def _size(files: Mapping[str, Any]) -> str:
    own = sum(told["bytes"] for place, told in files.items() if place.startswith("models/"))
    return f"{own / 1e6:.1f} MB"


def render_moved(version: Mapping[str, Any]) -> None:
    """Print in which stage a version is now."""
    since = version["since"][:16].replace("T", " ")
    print(visible(f"{version['name']}@{version['version']} is {version['stage']} since {since}"))


def render_updated(found: Mapping[str, Any]) -> None:
    """Print what became of an update."""
    before, run = found["version"], found["run"]
    if run is None:
        print(visible(f"{before} is up to date: there is no bar that it was not judged on"))
        return
    print(visible(f"{before} was run again on the bars until now: {found['verdict']}, run {run}"))
    if found["registered"]:
        print(visible(f"registered as {found['registered']}, a candidate: quorate registry diff {before} "
                      f"{found['registered']}"))  # fmt: skip
    elif found["promoted"]:
        print(visible(f"promoted, but not registered: quorate registry add {run}"))
    else:
        print(visible(f"{before} stays what it was; quorate promote {run} opens the holdout again, if it was not"))


def render_diff(found: Mapping[str, Any]) -> None:
    """Print how two versions differ."""
    print(visible(f"{found['before']} -> {found['now']}"))
    topics = {name: lines for name, lines in found.items() if name not in ("before", "now") and lines}
    for topic, lines in topics.items():
        print(f"{topic}:")
        for line in lines:
            print(f"  {visible(line)}")
    if not topics:
        print("nothing differs")


def render_checked(found: Mapping[str, Any]) -> None:
    """Print which files of a version are not as they were."""
    for line in found["differing"]:
        print(f"changed: {visible(line)}")
    print(visible(f"{found['version']}: {'CHANGED' if found['differing'] else 'all files as they were registered'}"))
