"""How it came about: folds, members and what they weighed, thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from quorate.errors import QuorateError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.curves import OWN, curves, day
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Lines, Section, Table, Text
from quorate.report.sections.series import gain

TOP = 4  # weights that are named
ALONE = "{}"  # the options of a grid that has thresholds alone
GRID = ("role", "series", "options", "threshold", "sharpe")  # the columns of `Report.grid` that are shown


def folds(report: Report, part: str) -> Section:
    """Return the folds: what was learnt from, what was predicted, and what was earned there."""
    found = report.results[part]
    earned = _by_fold(report, part)
    columns = [
        Column("fold"),
        Column("train rows"),
        Column("tested"),
        Column("threshold"),
        Column("return", keep=1),
        Column("Sharpe", keep=2),
        Column("largest weights", "left", keep=3),
    ]
    rows = []
    for fold in found["folds"]:
        total, sharpe = earned.get(fold["fold"], (None, None))
        rows.append(
            [
                Cell(str(fold["fold"]), fold["fold"]),
                Cell(figure(fold["train_rows"], "count"), fold["train_rows"]),
                Cell(f"{fold['test_first']}..{fold['test_last']}"),
                Cell(f"{fold['threshold']:g}", fold["threshold"]),
                Cell(figure(total, "fraction"), total),
                Cell(figure(sharpe, "ratio"), sharpe),
                Cell(_votes(fold["weights"])),
            ]
        )
    gained = [total for total, _ in earned.values() if total is not None]
    told = f" {sum(total > 0 for total in gained)} of {len(gained)} folds gained." if gained else ""
    sentence = f"What each fold of the {said_of(part)} learnt from, predicted and earned.{told}"
    return Section("folds", "Folds", sentence, [Table(columns, [rows])], part)


def _by_fold(report: Report, part: str) -> dict[int, tuple[float | None, float | None]]:
    """Return total return and annual Sharpe ratio of the judged series on each fold's days."""
    found = curves(report, part)
    if found is None:
        return {}
    import numpy as np

    from quorate.statistics import returns_of, sharpe

    days, equity = [day(time) for time in found[0]], found[1][OWN]
    year = report.provenance["data"]["bars_per_year"]
    told: dict[int, tuple[float | None, float | None]] = {}
    for fold in report.results[part]["folds"]:
        inside = [i for i, one in enumerate(days) if fold["test_first"][:10] <= one <= fold["test_last"][:10]]
        if len(inside) < 2:
            continue
        within = equity[max(inside[0] - 1, 0) : inside[-1] + 1]  # what its first bar earned counts
        total = within[-1] / within[0] - 1 if within[0] else None  # nothing was left
        told[fold["fold"]] = (total, sharpe(returns_of(np.array(within)), year))
    return told


def _votes(weights: Mapping[str, float | None]) -> str:
    """Return the members that weigh most, against the others, too; a method may have no weights."""
    known = [(name, weight) for name, weight in weights.items() if weight]
    if len({round(w, 12) for w in weights.values() if w is not None}) == 1:
        return "equal"
    top = sorted(known, key=lambda item: -abs(item[1]))[:TOP]
    return ", ".join(f"{name} {weight:.0%}" for name, weight in top) or "none"


def members(report: Report, part: str) -> Section | None:
    """Return what the members weighed through time, and how alike they are."""
    told = report.results[part].get("members")
    if not told:
        return None
    blocks: list[Block] = [Text(gain(told))]
    names = told["members"]
    if 1 < len(names) <= 12 and told.get("correlation"):
        columns = [Column("correlation", "left"), *(Column(name) for name in names)]
        rows = [
            [Cell(name), *(Cell(figure(value, "ratio"), value) for value in row)]
            for name, row in zip(names, told["correlation"], strict=True)
        ]
        blocks.append(Table(columns, [rows]))
    if (weights := _weights(report, part, names)) is not None:
        blocks.insert(0, weights)
    blocks += [Text(warning, "warn") for warning in told.get("warnings", ())]
    sentence = f"What each member weighed in the ensemble on the {said_of(part)}, and how alike their predictions are."
    return Section("members", "Members", sentence, blocks, part)


def _weights(report: Report, part: str, names: Sequence[str]) -> Lines | None:
    try:
        rows = report.rows(part, "votes", ["time", *(f"member/{name}" for name in names)])
    except QuorateError:
        return None
    found: dict[datetime, list[float]] = {}
    for row in rows:  # of several symbols: the first
        found.setdefault(row[0], [math.nan if value is None else value for value in row[1:]])
    if not any(math.isfinite(value) for values in found.values() for value in values):
        return None
    values = dict(zip(names, map(list, zip(*found.values(), strict=True)), strict=True))
    return Lines("weights of the members", list(found), values, "fraction")


def thresholds(report: Report, part: str) -> Section | None:
    """Return the Sharpe ratio of each member at each threshold; None where other options were chosen, too."""
    try:
        rows = report.rows(part, "grid", GRID)
    except QuorateError:
        return None
    shown = [row for row in rows if row[0] in ("ensemble", "member")]
    if not shown or any(options != ALONE for _, _, options, _, _ in shown):
        return None
    levels = sorted({level for _, _, _, level, _ in shown})
    found = {(role, series, level): sharpe for role, series, _, level, sharpe in shown}
    groups = [
        [
            [Cell(name), *(Cell(figure(value := found.get((role, name, level)), "ratio"), value) for level in levels)]
            for name in sorted({series for other, series, _ in found if other == role})
        ]
        for role in ("ensemble", "member")
    ]
    columns = [Column("Sharpe by threshold", "left"), *(Column(f"{level:g}") for level in levels)]
    sentence = f"What each threshold earned on the {said_of(part)}; each fold takes the one that was best before it."
    return Section("thresholds", "Thresholds", sentence, [Table(columns, [rows for rows in groups if rows])], part)
