"""What is said about what a run's forecasts rest on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.cli._base import print_json, printing, working
from quorate.errors import RecipeError, near_misses, one_of
from quorate.report import console
from quorate.runs.explain import Explanation, explain
from quorate.runs.explain.explanation import UNITS, By, agreement, headline, said

TINY, NARROW, WIDE = 56, 72, 100
UNDEFINED = "-"


def show(run: str, by: str, top: int, home: Path | None, as_json: bool) -> None:
    """Explain a run and print the most important features, or groups of them, by forecaster."""
    if by not in UNITS:
        raise RecipeError(f"--by must be one of {one_of(UNITS)}; it was {by!r}{near_misses(by, UNITS)}")
    with working() as progress:
        found = explain(run, home=home, progress=progress)
    with printing():
        if as_json:
            print_json(found.to_dict())
        else:
            _render(found, "group" if by == "group" else "feature", top)


def _render(found: Explanation, by: By, top: int) -> None:
    target, document = console.out(), found.document
    target.print(console.literal(headline(document, by)), style="bold")
    if by == "feature":
        target.print("Correlated features share their importance; --by group shuffles those of a group jointly.")
    target.print()
    target.print(console.facts(_facts(document, by, target.width)))
    for one in document["forecasters"]:
        _forecaster(one, by, top, target)
    for one in document["unexplained"]:
        target.print(f"not explained: {console.literal(one['name'])}: {console.literal(one['reason'])}")
    for warning in document["warnings"]:
        target.print(f"[yellow]warning[/yellow] {console.literal(warning)}")


def _facts(document: Mapping[str, Any], by: By, width: int) -> list[tuple[str, str]]:
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


def _forecaster(one: Mapping[str, Any], by: By, top: int, target: console.Console) -> None:
    rows, alike = one[f"{by}s"], one[f"{by}s_agreement"]
    ranked = f"ranked over {console.plural(len(one['folds']), 'fold')}: {agreement(alike)}"
    figure = "" if alike is None else f" (mean rank correlation {alike:.2f})"
    target.print()
    target.print(f"[bold]{console.literal(one['name'])}[/bold]  {one['role']}, {ranked}{figure}")
    if one["role"] != "ensemble":
        target.print(console.literal(said(one, by)))
    target.print(_table(rows[:top], len(one["folds"]), by, target.width))
    if len(rows) > top:
        target.print(f"and {len(rows) - top} more (--top)")


def _table(rows: Sequence[Mapping[str, Any]], n_folds: int, by: By, width: int) -> Any:
    shown = _decimals([row["importance"] for row in rows])
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        by: lambda row: row["name"],
        "rise": lambda row: f"{row['importance']:+.{shown}f}",
        **({"sd": lambda row: _figure(row["sd"], f".{shown}f")} if width >= NARROW else {}),
        "folds": lambda row: f"{round(row['folds_risen'] * n_folds)}/{n_folds}",
        "p": lambda row: UNDEFINED if row["p"] is None else console.p_value(row["p"]),
    }
    if width >= WIDE:
        columns["t"] = lambda row: _figure(row["t"], ".1f")
        columns["chance"] = lambda row: f"{row['chance']:+.{shown}f}"
    if width >= TINY and any(row["shap"] is not None for row in rows):
        columns["|SHAP|"] = lambda row: _figure(row["shap"], ".3g")
    heads = [(name, "left" if name == by else "right") for name in columns]
    return console.table(heads, [[[cell(row) for cell in columns.values()] for row in rows]])


def _decimals(values: Sequence[float]) -> int:
    """Return how many decimals show the largest with three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    return min(max(2 - math.floor(math.log10(largest)), 2), 12) if largest else 2


def _figure(value: float | None, form: str) -> str:
    return UNDEFINED if value is None else format(value, form)
