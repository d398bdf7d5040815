"""How much the choice of a seed decides, where models are fitted with several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text

# Of each figure its heading and its unit.
FIGURES = {
    "log_loss": ("log loss", "nats"),
    "rmse": ("RMSE", "fine"),
    "direction_accuracy": ("accuracy", "fraction"),
    "sharpe": ("Sharpe", "ratio"),
}


def seeds(report: Report, part: str) -> Section | None:
    """Return how each seed of a model did, and how far they differ; None where no model has several."""
    found = report.results[part]
    rows: Sequence[Mapping[str, Any]] = found.get("seed_spread") or ()
    if not rows:
        return None
    blocks: list[Block] = [_spread(rows)]
    blocks += [_told(row) for row in rows if row["metric"] in ("log_loss", "rmse")]
    blocks += [Text("Seed by seed:"), _each(found["seeds"], list(dict.fromkeys(row["metric"] for row in rows)))]
    sentence = (
        f"How much the choice of a seed decides on the {said_of(part)}: the forecast of these models is the mean over "
        "their seeds. Sharpe ratios are those of a model that is traded alone, with the default threshold."
    )
    return Section("seeds", "Seeds", sentence, blocks, part)


def _cell(row: Mapping[str, Any], name: str, unit: str) -> Cell:
    return Cell(figure(row[name], unit), row[name])


def _spread(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("member", "left"), Column("figure", "left"), Column("mean forecast"), Column("mean seed", keep=1),
        Column("SD over seeds"), Column("lowest seed", keep=2), Column("highest seed", keep=2),
    ]  # fmt: skip
    groups: dict[str, list[list[Cell]]] = {}
    for row in rows:
        heading, unit = FIGURES[row["metric"]]
        values = [_cell(row, name, unit) for name in ("of_mean", "mean", "sd", "lowest", "highest")]
        groups.setdefault(row["series"], []).append([Cell(row["series"]), Cell(heading), *values])
    return Table(columns, list(groups.values()))


def _told(row: Mapping[str, Any]) -> Text:
    """Return in words what the spread of a model over its seeds means."""
    name, count = row["series"], row["seeds"]
    if not row["sd"] and not row["disagree"]:
        return Text(f"{name}: its {count} seeds forecast the same: nothing in it is drawn at random.", "faint")
    agree = f"{name}: its {count} seeds disagree on the direction of {figure(row['disagree'], 'fraction')} of the rows."
    if not row["blurred"]:
        return Text(f"{agree} The spread over seeds is smaller than what separates it from any other forecast.")
    near = ", ".join(row["blurred"])
    return Text(f"{agree} The spread over seeds is larger than what separates it from {near}.", "warn")


def _each(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Table:
    columns = [Column("member", "left"), Column("seed"), *(Column(FIGURES[name][0]) for name in metrics)]
    groups: dict[str, list[list[Cell]]] = {}
    for row in rows:
        values = [_cell(row, name, FIGURES[name][1]) for name in metrics]
        seed = Cell(str(row["replicate"] + 1), row["replicate"] + 1)
        groups.setdefault(row["series"], []).append([Cell(row["series"]), seed, *values])
    return Table(columns, list(groups.values()))
