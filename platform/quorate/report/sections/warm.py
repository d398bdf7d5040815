"""What going on from the fold before did, beside the same model that begins afresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import QuorateError
from quorate.report.figures import figure, signed, span
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text, Tone

WORDS: Mapping[str, Tone] = {"better than fresh": "good", "worse than fresh": "bad"}


def warm(report: Report, part: str) -> Section | None:
    """Return what warm starts did to errors, and what they took; None where no model has one."""
    rows: Sequence[Mapping[str, Any]] = report.results[part].get("warm_starts") or ()
    if not rows:
        return None
    compared = [row for row in rows if "difference" in row]
    blocks: list[Block] = []
    if compared:
        blocks.append(_table(report, part, compared))
        blocks.append(
            Text(
                "The difference is that of the mean squared error, as a share of the fresh model's, with its 95% "
                "interval by the test of Diebold and Mariano. Both draw other seeds: how far that alone moves them is "
                "not in the interval. Both are members, so both are counted among what was tried."
            )
        )
    for row in rows:
        if row["fresh"] is None:
            blocks.append(Text(_remedy(report, row["series"])))
        elif "difference" not in row:
            blocks.append(Text(f"No forecast of {row['series']} can be compared with one of {row['fresh']}."))
    sentence = (
        f"How models that go on from the fold before forecast on the {said_of(part)}, beside the same models that "
        f"begin afresh: on the folds that had one before, {figure(rows[0]['folds'], 'count')} of them."
    )
    return Section("warm-starts", "Warm starts", sentence, blocks, part)


def _table(report: Report, part: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    took, epochs = _sums(report, part, "fits", "seconds"), _sums(report, part, "training", "epoch")
    columns = [
        Column("member", "left"), Column("fresh", "left", keep=2), Column("difference"),
        Column("95% interval", keep=1), Column("p-value", keep=3), Column("against fresh", "left"),
        Column("fit time"), Column("fresh fit time", keep=1),
        *([Column("epochs", keep=2), Column("fresh epochs", keep=2)] if epochs else ()),
    ]  # fmt: skip
    found = []
    for row in rows:
        base, pair = row["fresh_loss"] or float("nan"), (row["series"], row["fresh"])
        shares = [None if row[name] is None else row[name] / base for name in ("difference", "low", "high")]
        found.append(
            [
                Cell(row["series"]),
                Cell(row["fresh"]),
                Cell(signed(shares[0], "fine"), shares[0]),
                Cell(f"{signed(shares[1], 'fine')} to {signed(shares[2], 'fine')}"),
                Cell(figure(row["p_value"], "p-value"), row["p_value"]),
                Cell(row["verdict"], tone=WORDS.get(row["verdict"], "")),
                *(Cell(span(took[name]) if name in took else "-", took.get(name)) for name in pair),
                *(Cell(figure(epochs.get(name), "count"), epochs.get(name)) for name in pair if epochs),
            ]
        )
    return Table(columns, [found])


def _sums(report: Report, part: str, table: str, column: str) -> dict[str, float]:
    """Return by model the sum over folds of the largest value that each has; nothing without such a table."""
    try:
        rows = report.rows(part, table, ["model", "fold", column])
    except QuorateError:
        return {}
    most: dict[tuple[str, int], float] = {}
    for model, fold, value in rows:
        most[model, fold] = max(most.get((model, fold), 0.0), float(value or 0.0))
    return {name: sum(value for (model, _), value in most.items() if model == name) for name, _ in most}


def _remedy(report: Report, name: str) -> str:
    """Return how a run compares a model with one that begins afresh."""
    options = report.provenance["recipe"]["models"][name]
    plugin = options.get("plugin") or name
    return (
        f"What it did to {name} is not known: no member of the run is the same and begins afresh. To compare, add one "
        f'with the same options but warm_start: [models.{name}-fresh] with plugin = "{plugin}".'
    )
