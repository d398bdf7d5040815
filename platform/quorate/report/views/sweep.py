"""Sweeps: what tuning came to, in words first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from quorate.errors import QuorateError, plural
from quorate.report import console
from quorate.report.figures import figure
from quorate.store import Run
from quorate.store.label import default_name

SHOWN = 6  # trials in all, the best of each search first
IMPORTANT = 4  # parameters whose share is told


def listed(sweeps: Iterable[Run]) -> list[dict[str, Any]]:
    """Return sweeps as plain data: recipe, state, and the first sentence of what came of them."""
    return [_listed(sweep) for sweep in sweeps]


def _listed(sweep: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"sweep": sweep.id, "recipe": None, "state": sweep.state, "said": "", "reason": sweep.failure}
    try:
        if sweep.state == "finished":
            document = sweep.report()
            row |= {"recipe": document["recipe"]["name"], "said": document["sentences"][0]}
        elif sweep.begun_at:
            row["recipe"] = sweep.begun()["recipe"]["name"]
    except (QuorateError, LookupError, TypeError) as e:
        row |= {"state": "unreadable", "reason": str(e)}
    return {**row, "name": default_name(sweep, row["recipe"]) if row["recipe"] else ""}


def render_list(rows: Sequence[Mapping[str, Any]], home: Path) -> None:
    """Print sweeps, one a line."""
    if not rows:
        console.err().print(f"no sweeps in {home}: start one, e.g. quorate sweep planted", markup=False)
        return
    target = console.out()
    target.print(console.listing(columns(target.width), [rows], target.width))


def columns(width: int) -> list[console.Column]:
    """Return the columns of a list of sweeps."""
    return [
        ("sweep", "left", 0, lambda row: re.sub(r"^\d{8}T\d{6}\.\d+-", "", row["sweep"])),
        ("name", "left", 80, lambda row: shorten(row["name"].replace(" models.", " ") or "-", 40, placeholder=" ...")),
        ("state", "left", 0, lambda row: row["state"]),
        ("what came of it", "left", 0, lambda row: shorten(row["said"] or row["reason"], 160)),
    ]


def render(document: Mapping[str, Any]) -> None:
    """Print what a sweep found: the sentence to act on, then figures, then the best trials."""
    target = console.out()
    first, *more = document["sentences"]
    target.print(f"[bold]{console.escape(first)}[/bold]")
    for sentence in more:
        target.print(console.escape(sentence))
    for warning in document["warnings"]:
        target.print(f"[yellow]warning:[/yellow] {console.escape(warning)}")
    if opened := document.get("holdout"):
        looks = plural(opened["recipes_that_opened_it"], "recipe")
        target.print(f"[bold]holdout[/bold]  {opened['first']}..{opened['last']}, opened by {looks} so far")
        for sentence in opened["sentences"]:
            target.print(console.escape(sentence))
    target.print()
    inner, outer = document["inner"], document["outer"]
    windows = f" of each of {inner['windows']} windows" if inner["windows"] > 1 else ""
    rows = [
        ("sweep", document["sweep"]),
        ("tried on", f"{inner['first']}..{inner['last']}, {plural(inner['folds'], 'inner fold')}{windows}"),
        ("judged on", f"{outer['first']}..{outer['last']}, {plural(outer['folds'], 'fold')} that no trial saw"),
        ("fits", _fits(document["telemetry"])),
    ]
    target.print(console.facts(rows))
    target.print(_verdicts(document, target.width))
    for name, found in document["searches"].items():
        target.print(f"[bold]{console.escape(name)}[/bold]  {_counts(found['trials'])}")
        target.print(_trials(document, found, target.width, max(SHOWN // len(document["searches"]), 1)))
        for objective, shares in found["importance"].items():
            told = ", ".join(
                f"{parameter.removeprefix('models.')} {share:.0%}"
                for parameter, share in list(shares.items())[:IMPORTANT]
            )
            target.print(f"what made {console.escape(objective)} good: {console.escape(told)}")
    target.print(_next(document), style="bright_black", markup=False)


def render_beside(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print sweeps one below the other: what each was called, what it tried, what it found, and what is kept."""
    target = console.out()
    rows = [
        (name, document, what, found, verdict)
        for name, document in zip(names, documents, strict=True)
        for what, found in document["searches"].items()
        for verdict in found["verdicts"]
    ]
    columns: list[console.Column] = [
        ("sweep", "left", 0, lambda row: re.sub(r"^\d{8}T\d{6}\.\d+-", "", row[1]["sweep"])),
        ("name", "left", 110, lambda row: shorten(row[0].replace(" models.", " "), 40, placeholder=" ...")),
        ("tuned what", "left", 90, lambda row: row[2]),
        ("by", "left", 0, lambda row: _name(row[1], row[4]["objective"])),
        ("trials", "right", 0, lambda row: f"{len(row[3]['trials']):,}"),
        ("tuned", "right", 0, lambda row: console.figure(row[4]["tuned"], ".5g")),
        ("own", "right", 0, lambda row: console.figure(row[4]["own"], ".5g")),
        ("p", "right", 70, lambda row: figure(row[4]["p"], "p-value")),
        ("kept", "left", 0, lambda row: row[3]["kept"]),
        ("parameters", "left", 124, lambda row: params_text(row[3]["kept_params"])),
    ]
    target.print(console.listing(columns, [rows], target.width))
    spans = {(one["outer"]["first"], one["outer"]["last"]) for one in documents}
    if len(spans) > 1:
        told = ", ".join(f"{first}..{last}" for first, last in sorted(spans))
        target.print(f"they were judged on different days, {told}: their figures are not to be compared", markup=False)


def _fits(told: Mapping[str, Any]) -> str:
    kept = f", {told['cached']:,} of them kept from before" if told["cached"] else ""
    return f"{told['fits']:,}{kept}, {console.span(told['fit_cpu_seconds'])} of processor time on {told['executor']}"


def _verdicts(document: Mapping[str, Any], width: int) -> Any:
    rows = [(name, found, verdict) for name, found in document["searches"].items() for verdict in found["verdicts"]]
    columns: list[console.Column] = [
        ("tuned what", "left", 0, lambda row: row[0]),
        ("by", "left", 0 if len(document["objectives"]) > 1 else 70, lambda row: _name(document, row[2]["objective"])),
        ("tuned", "right", 0, lambda row: console.figure(row[2]["tuned"], ".5g")),
        ("own", "right", 0, lambda row: console.figure(row[2]["own"], ".5g")),
        ("constant", "right", 64, lambda row: console.figure(row[2]["constant"], ".5g")),
        ("p", "right", 0, lambda row: figure(row[2]["p"], "p-value")),
        ("kept", "left", 0, lambda row: row[1]["kept"]),
        ("parameters", "left", 100, lambda row: params_text(row[1]["kept_params"])),
    ]
    return console.listing(columns, [rows], width)


def _name(document: Mapping[str, Any], objective: str) -> str:
    return document["loss"] if objective == "loss" else objective


def _trials(document: Mapping[str, Any], found: Mapping[str, Any], width: int, most: int) -> Any:
    """Return the best trials beside the recipe's own; of several objectives those that no other dominates."""
    aims = document["objectives"]
    complete = [trial for trial in found["trials"] if trial["state"] == "complete" and trial["value"] is not None]
    if len(aims) > 1:
        complete = [trial for trial in complete if trial["trial"] in found["front"]]
    sign = -1 if aims[0]["higher_is_better"] else 1
    best = sorted(complete, key=lambda trial: (sign * trial["value"], trial["trial"]))[
        : None if len(aims) > 1 else most
    ]
    own = {**found["own"], "trial": "own"}

    def value(trial: Mapping[str, Any], k: int) -> float | None:
        found: float | None = trial["values"][k] if len(aims) > 1 else trial["value"]
        return found

    chosen = found["best"]["trial"]
    columns: list[console.Column] = [
        ("trial", "right", 0, lambda trial: f"{'*' if trial['trial'] == chosen else ''}{trial['trial']}"),
        *(
            (
                f"inner {one['name']}",
                "right",
                0,
                lambda trial, k=k: console.figure(value(trial, k), ".5g"),
            )
            for k, one in enumerate(aims)
        ),
        ("parameters", "left", 0, lambda trial: params_text(trial["params"])),
    ]
    return console.listing(columns, [best, [own]], width)


def _counts(trials: Sequence[Mapping[str, Any]]) -> str:
    states = [trial["state"] for trial in trials]
    words = {"complete": "complete", "raced": "stopped early", "failed": "failed"}
    told = [f"{states.count(state):,} {word}" for state, word in words.items() if state in states]
    return f"{plural(len(trials), 'trial')}: {', '.join(told)}" if told else "no trial"


def params_text(params: Mapping[str, Any]) -> str:
    """Return parameters in a line."""
    named = {name.removeprefix("models."): value for name, value in params.items()}
    return ", ".join(f"{n} {format(v, '.4g') if isinstance(v, float) else v}" for n, v in named.items())


def _next(document: Mapping[str, Any]) -> str:
    name = re.sub(r"^\d{8}T\d{6}\.\d+-", "", document["sweep"])
    tuned = any(found["kept"] == "tuned" for found in document["searches"].values())
    run = [f"a run with what was found: quorate run RECIPE --params {name}"] if tuned else []
    return "\n".join([*run, f"all trials: quorate sweep show {name} --json"])
