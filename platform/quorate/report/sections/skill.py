"""What the members learnt, and what of it was left on days that they had not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quorate.errors import QuorateError
from quorate.report.figures import figure, signed
from quorate.report.report import Report
from quorate.report.sections.model import Cell, Column, Table, Tone

WORDS: Mapping[str, Tone] = {"better than naive": "good", "worse than naive": "bad"}


@dataclass(frozen=True)
class Spread:
    """How much a member's forecasts differ: the share of their more frequent direction, and sd over the labels'."""

    one_way: float
    dispersion: float


@dataclass(frozen=True)
class Learnt:
    """The share of directions that was told right: on training rows, and on those after them."""

    in_sample: float
    out_of_sample: float

    @property
    def kept(self) -> float:
        """The difference: what of it the days after the training did not bear out is below zero."""
        return self.out_of_sample - self.in_sample


def learnt(report: Report, part: str, by: str, role: str = "member") -> dict[str, Learnt]:
    """Return what the members learnt by ``fold`` or by ``model``; nothing for a run that did not keep it.

    Baselines learn nothing and have a role of their own. Folds count by the rows that they were tested on.
    """
    try:
        rows = report.rows(part, "fits", ["model", "fold", "in_sample", "out_of_sample"])
    except QuorateError:
        return {}
    members = {series["name"] for series in report.results[part]["series"] if series["role"] == role}
    tested = {fold["fold"]: fold["test_rows"] for fold in report.results[part]["folds"]}
    found: dict[str, list[tuple[float, float, int]]] = {}
    for model, fold, *shares in rows:
        if model in members and all(share is not None and math.isfinite(share) for share in shares):
            name = model if by == "model" else str(fold)
            found.setdefault(name, []).append((shares[0], shares[1], tested.get(fold, 0)))
    return {name: together(fits) for name, fits in found.items() if sum(n for _, _, n in fits)}


def together(fits: Sequence[tuple[float, float, int]]) -> Learnt:
    """Return the mean of shares in-sample and out-of-sample, weighted by rows."""
    whole = sum(n for _, _, n in fits)
    return Learnt(sum(a * n for a, _, n in fits) / whole, sum(b * n for _, b, n in fits) / whole)


def cells(found: Learnt | None) -> list[Cell]:
    """Return the cells of `columns`."""
    if found is None:
        return [Cell("-")] * 3
    kept = Cell(signed(found.kept, "fraction"), found.kept)
    return [*(Cell(figure(value, "fraction"), value) for value in (found.in_sample, found.out_of_sample)), kept]


def columns(keep: int) -> list[Column]:
    """Return the headings of in-sample and out-of-sample figures."""
    return [Column("in-sample", keep=keep), Column("out-of-sample", keep=keep), Column("decay", keep=keep)]


def spreads(report: Report, part: str) -> dict[str, Spread]:
    """Return how much the forecasts of each model differ, its folds by their rows; nothing for an earlier run."""
    try:
        rows = report.rows(part, "fits", ["model", "fold", "direction_share", "sd", "label_sd"])
    except QuorateError:
        return {}
    tested = {fold["fold"]: fold["test_rows"] for fold in report.results[part]["folds"]}
    found: dict[str, list[tuple[float, float, int]]] = {}
    for model, fold, share, sd, label_sd in rows:
        if share is not None and math.isfinite(share) and label_sd:
            found.setdefault(model, []).append((share, sd / label_sd, tested.get(fold, 0)))
    weighed = {name: together(fits) for name, fits in found.items() if sum(n for _, _, n in fits)}
    return {name: Spread(one.in_sample, one.out_of_sample) for name, one in weighed.items()}


def skill(report: Report, part: str, names: Sequence[str]) -> Table | None:
    """Return of each member what it learnt, and whether its forecasts beat the naive one; None for earlier runs.

    Baselines stand below: they are what a member that says nothing comes to.
    """
    known, tested, spread = learnt(report, part, "model"), _tested(report, part), spreads(report, part)
    if not known and not tested:
        return None
    known |= learnt(report, part, "model", "baseline")
    baselines = [s["name"] for s in report.results[part]["series"] if s["role"] == "baseline"] if spread else []
    groups = [_skill_rows(group, known, tested, spread) for group in (names, baselines) if group]
    heads = [Column("DM", keep=1), Column("p-value", keep=3), Column("against naive", "left")]
    widths = [Column("one way", keep=2), Column("dispersion", keep=4)] if spread else []
    return Table([Column("member", "left"), *(columns(2) if known else ()), *widths, *heads], groups)


def _skill_rows(
    names: Sequence[str],
    known: Mapping[str, Learnt],
    tested: Mapping[str, tuple[float | None, float | None, str]],
    spread: Mapping[str, Spread],
) -> list[list[Cell]]:
    shown = []
    for name in names:
        statistic, p_value, words = tested.get(name, (None, None, "-"))
        one = spread.get(name)
        wide = [(one.one_way, "fraction"), (one.dispersion, "ratio")] if one else []
        shown.append(
            [
                Cell(name),
                *(cells(known.get(name)) if known else ()),
                *(([Cell(figure(v, u), v) for v, u in wide] or [Cell("-")] * 2) if spread else ()),
                Cell(figure(statistic, "ratio"), statistic),
                Cell(figure(p_value, "p-value"), p_value),
                Cell(words, tone=WORDS.get(words, "")),
            ]
        )
    return shown


def _tested(report: Report, part: str) -> dict[str, tuple[float | None, float | None, str]]:
    """Return by member the statistic of Diebold and Mariano, below zero where it errs less, its p-value and words."""
    try:
        rows = report.rows(part, "skill", ["model", "dm", "p_value", "verdict"])
    except QuorateError:
        return {}
    return {model: (dm, p_value, verdict) for model, dm, p_value, verdict in rows}
