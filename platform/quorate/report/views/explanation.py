"""What the forecasts of a run rest on, in words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from quorate.report import console
from quorate.report.figures import figure

TINY, NARROW, WIDE = 56, 72, 100
LEVEL = 0.05  # of the p-value below which something is said to matter
STABLE, UNSTABLE = 0.5, 0.2  # mean rank correlation of the folds, from which on and below which
NAMED = 3

UNITS = ("feature", "group")


def render(document: Mapping[str, Any], by: str, top: int) -> None:
    """Print the most important features, or groups of them, by forecaster; `document` is that of an `Explanation`."""
    target = console.out()
    target.print(console.escape(headline(document, by)), style="bold")
    if by == "feature":
        target.print("Correlated features share their importance; --by group shuffles those of a group jointly.")
    target.print()
    target.print(console.facts(_facts(document, by, target.width)))
    for one in document["forecasters"]:
        _forecaster(one, by, top, target)
    for one in document["unexplained"]:
        target.print(f"not explained: {console.escape(one['name'])}: {console.escape(one['reason'])}")
    for warning in document["warnings"]:
        target.print(f"[yellow]warning[/yellow] {console.escape(warning)}")


def _facts(document: Mapping[str, Any], by: str, width: int) -> list[tuple[str, str]]:
    span, folds = document["span"], document["folds"]
    rows = [fold["rows"] for fold in folds]
    sample = f"{min(rows)}" if min(rows) == max(rows) else f"{min(rows)} to {max(rows)}"
    forecasters = document["forecasters"]
    facts = [
        ("run", document["run"]),
        ("rows", f"{span['first']}..{span['last']}, {console.plural(len(folds), 'fold')}; the holdout is not read"),
        ("sample", f"{sample} rows a fold, shuffled {console.plural(document['repeats'], 'time')}"),
        ("rise", f"of the {document['loss']}, if a {by}'s values change places among a fold's rows; mean over folds"),
        ("folds", "in which it rises"),
        ("p", f"that the rise beyond what labels in any order show is luck; adjusted for {by}s (Holm)"),
    ]
    if width >= WIDE:
        facts.append(("chance", "the rise that labels in any order show"))
    if width >= TINY and any(row["shap"] is not None for one in forecasters for row in one["features"]):
        facts.append(("|SHAP|", "mean size of what it adds to the model's raw score (log-odds in built-in trees)"))
    return facts


def _forecaster(one: Mapping[str, Any], by: str, top: int, target: console.Console) -> None:
    rows, alike = one[f"{by}s"], one[f"{by}s_agreement"]
    ranked = f"ranked over {console.plural(len(one['folds']), 'fold')}: {agreement(alike)}"
    figure = "" if alike is None else f" (mean rank correlation {alike:.2f})"
    target.print()
    target.print(f"[bold]{console.escape(one['name'])}[/bold]  {one['role']}, {ranked}{figure}")
    if one["role"] != "ensemble":
        target.print(console.escape(said(one, by)))
    target.print(_table(rows[:top], len(one["folds"]), by, target.width))
    if len(rows) > top:
        target.print(f"and {len(rows) - top} more (--top)")


def _table(rows: Sequence[Mapping[str, Any]], n_folds: int, by: str, width: int) -> Any:
    shown = _decimals([row["importance"] for row in rows])
    columns: list[console.Column] = [
        (by, "left", 0, itemgetter("name")),
        ("rise", "right", 0, lambda row: f"{row['importance']:+.{shown}f}"),
        ("sd", "right", NARROW, lambda row: console.figure(row["sd"], f".{shown}f")),
        ("folds", "right", 0, lambda row: f"{round(row['folds_risen'] * n_folds)}/{n_folds}"),
        ("p", "right", 0, lambda row: figure(row["p"], "p-value")),
        ("t", "right", WIDE, lambda row: console.figure(row["t"], ".1f")),
        ("chance", "right", WIDE, lambda row: f"{row['chance']:+.{shown}f}"),
    ]
    if any(row["shap"] is not None for row in rows):
        columns.append(("|SHAP|", "right", TINY, lambda row: console.figure(row["shap"], ".3g")))
    return console.listing(columns, [rows], width)


def _decimals(values: Sequence[float]) -> int:
    """Return how many decimals show the largest with three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    return min(max(2 - math.floor(math.log10(largest)), 2), 12) if largest else 2


def headline(document: Mapping[str, Any], by: str) -> str:
    """Return whether any feature, or group of them, matters beyond chance, in plain words."""
    forecasters = document["forecasters"]
    if forecasters[0]["role"] == "ensemble":
        return said(forecasters[0], by)
    if max(len(one["folds"]) for one in forecasters) < 2:
        return "With one fold nothing can be said about chance."
    # Each member is a chance of its own to find something.
    told = {one["name"]: matters(one[f"{by}s"], LEVEL / len(forecasters)) for one in forecasters}
    found = [f"{name} ({_names(rows)})" for name, rows in told.items() if rows]
    if found:
        return f"What matters beyond chance, by member: {'; '.join(found)}."
    return f"No {by} matters to any member's forecasts beyond chance."


def said(one: Mapping[str, Any], by: str) -> str:
    """Return how many features, or groups, matter beyond chance to a forecaster, and which."""
    rows, found = one[f"{by}s"], matters(one[f"{by}s"])
    if len(one["folds"]) < 2:
        return f"With one fold nothing can be said about chance: it is not known which {by} matters."
    to = " to the ensemble's forecasts" if one["role"] == "ensemble" else ""
    if not found:
        return f"No {by} of {len(rows)} matters{to} beyond chance."
    verb = "matters" if len(found) == 1 else "matter"
    return f"{len(found)} of {len(rows)} {by}s {verb}{to} beyond chance: {_names(found)}."


def matters(rows: Sequence[Mapping[str, Any]], level: float = LEVEL) -> list[str]:
    """Return the names of those that matter beyond chance."""
    return [row["name"] for row in rows if row["p"] is not None and row["p"] < level]


def agreement(value: float | None) -> str:
    """Return whether the folds rank alike, in a word."""
    if value is None:
        return "unknown"
    return "stable" if value >= STABLE else "unstable" if value < UNSTABLE else "partly stable"


def _names(found: Sequence[str]) -> str:
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more} more" if more > 0 else "")
