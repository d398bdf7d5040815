"""Sweeps: what tuning came to, in words first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from quorate.errors import QuorateError, plural
from quorate.report import console
from quorate.store import Run

SHOWN = 6  # trials in all, the best of each model first


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
    return row


def render_list(rows: Sequence[Mapping[str, Any]], home: Path) -> None:
    """Print sweeps, one a line."""
    if not rows:
        console.err().print(f"no sweeps in {home}: start one, e.g. quorate sweep planted", markup=False)
        return
    target = console.out()
    columns: list[console.Column] = [
        ("sweep", "left", 0, lambda row: re.sub(r"^\d{8}T\d{6}\.\d+-", "", row["sweep"])),
        ("recipe", "left", 80, lambda row: row["recipe"] or "-"),
        ("state", "left", 0, lambda row: row["state"]),
        ("what came of it", "left", 0, lambda row: shorten(row["said"] or row["reason"], 160)),
    ]
    target.print(console.listing(columns, [rows], target.width))


def render(document: Mapping[str, Any]) -> None:
    """Print what a sweep found: the sentence to act on, then figures, then the best trials."""
    target = console.out()
    first, *more = document["sentences"]
    target.print(f"[bold]{console.escape(first)}[/bold]")
    for sentence in more:
        target.print(console.escape(sentence))
    if opened := document.get("holdout"):
        looks = plural(opened["recipes_that_opened_it"], "recipe")
        target.print(f"[bold]holdout[/bold]  {opened['first']}..{opened['last']}, opened by {looks} so far")
        for sentence in opened["sentences"]:
            target.print(console.escape(sentence))
    target.print()
    inner, outer = document["inner"], document["outer"]
    rows = [
        ("sweep", document["sweep"]),
        ("tried on", f"{inner['first']}..{inner['last']}, {plural(inner['folds'], 'inner fold')}"),
        ("judged on", f"{outer['first']}..{outer['last']}, {plural(outer['folds'], 'fold')} that no trial saw"),
        ("fits", _fits(document["telemetry"])),
    ]
    target.print(console.facts(rows))
    target.print(_models(document, target.width))
    for name, found in document["models"].items():
        target.print(f"[bold]{console.escape(name)}[/bold]  {_counts(found['trials'])}")
        target.print(_trials(found, target.width, max(SHOWN // len(document["models"]), 1)))
    target.print(_next(document), style="bright_black", markup=False)


def _fits(told: Mapping[str, Any]) -> str:
    kept = f", {told['cached']:,} of them kept from before" if told["cached"] else ""
    return f"{told['fits']:,}{kept}, {console.span(told['fit_cpu_seconds'])} of processor time on {told['executor']}"


def _models(document: Mapping[str, Any], width: int) -> Any:
    columns: list[console.Column] = [
        ("model", "left", 0, lambda row: row[0]),
        ("tuned", "right", 0, lambda row: console.figure(row[1]["verdict"]["tuned"], ".5f")),
        ("own", "right", 0, lambda row: console.figure(row[1]["verdict"]["own"], ".5f")),
        ("constant", "right", 64, lambda row: console.figure(row[1]["verdict"]["constant"], ".5f")),
        ("p", "right", 0, lambda row: console.p_value(row[1]["verdict"]["p"])),
        ("kept", "left", 0, lambda row: row[1]["kept"]),
        ("parameters", "left", 100, lambda row: _params(row[1]["kept_params"])),
    ]
    return console.listing(columns, [list(document["models"].items())], width)


def _trials(found: Mapping[str, Any], width: int, most: int) -> Any:
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    best = sorted(complete, key=lambda trial: (trial["value"], trial["trial"]))[:most]
    own = {"trial": "own", "value": found["own"]["value"], "params": found["own"]["params"]}
    columns: list[console.Column] = [
        ("trial", "right", 0, lambda trial: str(trial["trial"])),
        ("inner loss", "right", 0, lambda trial: console.figure(trial["value"], ".5f")),
        ("parameters", "left", 0, lambda trial: _params(trial["params"])),
    ]
    return console.listing(columns, [best, [own]], width)


def _counts(trials: Sequence[Mapping[str, Any]]) -> str:
    states = [trial["state"] for trial in trials]
    words = {"complete": "complete", "raced": "stopped early", "failed": "failed"}
    told = [f"{states.count(state):,} {word}" for state, word in words.items() if state in states]
    return f"{plural(len(trials), 'trial')}: {', '.join(told)}" if told else "no trial"


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {format(v, '.4g') if isinstance(v, float) else v}" for n, v in params.items())


def _next(document: Mapping[str, Any]) -> str:
    name = re.sub(r"^\d{8}T\d{6}\.\d+-", "", document["sweep"])
    tuned = any(found["kept"] == "tuned" for found in document["models"].values())
    run = [f"a run with what was found: quorate run RECIPE --params {name}"] if tuned else []
    return "\n".join([*run, f"all trials: quorate sweep show {name} --json"])
