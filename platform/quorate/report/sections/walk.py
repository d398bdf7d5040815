"""How it came about: folds, members and what they weighed, thresholds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from quorate.errors import QuorateError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.curves import OWN, cash_of, curves, day
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Heat, Lines, Section, Spans, Table, Text
from quorate.report.sections.series import gain
from quorate.report.sections.skill import cells, learnt, skill
from quorate.report.sections.skill import columns as learnt_columns

LETTERS = "ABCDEFGHIJKL"  # that stand for members above a column
TOP = 2  # weights that are named
FULL = 1.0  # a Sharpe ratio of which has the strongest colour
ALONE = "{}"  # the options of a grid that has thresholds alone
GRID = ("role", "series", "options", "threshold", "sharpe", "strategy")  # the columns of `Report.grid` that are shown


def folds(report: Report, part: str) -> Section:
    """Return the folds: what was learnt from, what was predicted, and what was earned there."""
    found = report.results[part]
    earned, told = _by_fold(report, part), learnt(report, part, "fold")
    columns = [
        Column("fold"),
        Column("train rows", keep=2),
        Column("tested"),
        Column("threshold"),
        Column("return", keep=1),
        Column("Sharpe", keep=2),
        *(learnt_columns(3) if told else ()),
        Column("largest weights", "left", keep=5),
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
                *(cells(told.get(str(fold["fold"]))) if told else ()),
                Cell(_votes(fold["weights"])),
            ]
        )
    gained = [total for total, _ in earned.values() if total is not None]
    counted = f" {sum(total > 0 for total in gained)} of {len(gained)} folds gained." if gained else ""
    sentence = f"What each fold of the {said_of(part)} learnt from, predicted and earned.{counted}"
    blocks: list[Block] = [_strip(found["folds"]), Table(columns, [rows])]
    if told:
        blocks.append(Text(_decay(report, part)))
    return Section("folds", "Folds", sentence, blocks, part)


def _strip(folds: Sequence[Mapping[str, Any]]) -> Spans:
    def span(fold: Mapping[str, Any], name: str) -> tuple[date, date]:
        first, last = (date.fromisoformat(fold[f"{name}_{end}"][:10]) for end in ("first", "last"))
        return first, last

    return Spans("folds", [(str(fold["fold"]), span(fold, "train"), span(fold, "test")) for fold in folds])


def _decay(report: Report, part: str) -> str:
    """Return in words what of the skill on training rows was left after them."""
    models = list(learnt(report, part, "model").values())
    inside, outside = (
        figure(sum(values) / len(models), "fraction")
        for values in ([one.in_sample for one in models], [one.out_of_sample for one in models])
    )
    return (
        f"The members told the direction of {inside} of their latest training rows, and of {outside} of the rows "
        "after them: what lies between is what they learnt by heart."
    )


def _by_fold(report: Report, part: str) -> dict[int, tuple[float | None, float | None]]:
    """Return total return and annual Sharpe ratio of the judged series on each fold's days."""
    found = curves(report, part)
    if found is None:
        return {}
    import numpy as np

    from quorate.statistics import sharpe
    from quorate.statistics._excess import excess_of

    days, equity = [day(time) for time in found[0]], found[1][OWN]
    cash = cash_of(report, part)
    year = report.provenance["data"]["bars_per_year"]
    told: dict[int, tuple[float | None, float | None]] = {}
    for fold in report.results[part]["folds"]:
        inside = [i for i, one in enumerate(days) if fold["test_first"][:10] <= one <= fold["test_last"][:10]]
        if len(inside) < 2:
            continue
        since = max(inside[0] - 1, 0)
        within = equity[since : inside[-1] + 1]  # what its first bar earned counts
        total = within[-1] / within[0] - 1 if within[0] else None  # nothing was left
        earned = None if cash is None else np.array(cash[since : inside[-1]])
        told[fold["fold"]] = (total, sharpe(excess_of(np.array(within), earned), year))
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
    if 1 < len(names) <= len(LETTERS) and told.get("correlation"):
        letters = LETTERS[: len(names)]
        columns = [Column("correlation", "left"), *map(Column, letters)]
        rows = [
            [Cell(f"{letter}  {name}"), *(Cell(figure(value, "ratio"), value) for value in row)]
            for letter, name, row in zip(letters, names, told["correlation"], strict=True)
        ]
        blocks.append(Table(columns, [rows]))
    if (weights := _weights(report, part, names)) is not None:
        blocks.insert(0, weights)
    if (table := skill(report, part, names)) is not None:
        blocks.insert(0, table)
    blocks += [Text(warning, "warn") for warning in told.get("warnings", ())]
    sentence = (
        f"What each member learnt and what of it was left on the {said_of(part)}, what it weighed in the ensemble, and "
        "how alike the predictions are."
    )
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
    """Return the Sharpe ratio at each threshold: of each series, or with each option of the strategy's grid."""
    try:
        rows = report.rows(part, "grid", GRID)
    except QuorateError:
        return None
    judged = report.results[part]["series"][0]["strategy"]
    shown = [row[:-1] for row in rows if row[0] in ("ensemble", "member") and row[-1] == judged]
    if not shown:
        return None
    levels = sorted({level for _, _, _, level, _ in shown})
    if all(options == ALONE for _, _, options, _, _ in shown):
        series = sorted({(row[0], row[1]) for row in shown})  # ensembles, then members
        names = [name for _, name in series]
        known = {(role, name, level): sharpe for role, name, _, level, sharpe in shown}
        values = [[_number(known.get((*row, level))) for level in levels] for row in series]
    else:  # a surface of the judged series
        own = [row for row in shown if row[0] == "ensemble"]
        names = list(dict.fromkeys(_options(row[2]) for row in own))
        found = {(_options(options), level): sharpe for _, _, options, level, sharpe in own}
        values = [[_number(found.get((name, level))) for level in levels] for name in names]
    heat = Heat("Sharpe by threshold", names, [f"{level:g}" for level in levels], values, "ratio", full=FULL)
    sentence = f"What each threshold earned on the {said_of(part)}; each fold takes the one that was best before it."
    return Section("thresholds", "Thresholds", sentence, [heat], part)


def _options(text: str) -> str:
    """Return options of a strategy as they are read."""
    return ", ".join(f"{name} {value}" for name, value in json.loads(text).items()) or "without options"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
