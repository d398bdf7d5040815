"""What the members learnt, and what of it was left on days that they had not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quorate.errors import QuorateError
from quorate.report.figures import figure, signed
from quorate.report.report import Report
from quorate.report.sections.model import Cell, Column, Table, Tone

SIZE = 0.05  # of the two-sided test whose words are told
WORDS: Mapping[str, Tone] = {"better than naive": "good", "worse than naive": "bad"}


@dataclass(frozen=True)
class Learnt:
    """The share of directions that was told right: on training rows, and on those after them."""

    in_sample: float
    out_of_sample: float

    @property
    def kept(self) -> float:
        """The difference: what of it the days after the training did not bear out is below zero."""
        return self.out_of_sample - self.in_sample


def learnt(report: Report, part: str, by: str) -> dict[str, Learnt]:
    """Return what the members learnt by ``fold`` or by ``model``; nothing for a run that did not keep it.

    Baselines learn nothing and are left out. Folds count by the rows that they were tested on.
    """
    try:
        rows = report.rows(part, "fits", ["model", "fold", "in_sample", "out_of_sample"])
    except QuorateError:
        return {}
    members = {series["name"] for series in report.results[part]["series"] if series["role"] == "member"}
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


def skill(report: Report, part: str, names: Sequence[str]) -> Table | None:
    """Return of each member what it learnt, and whether its forecasts beat the naive one; None without tables."""
    try:
        rows = report.rows(part, "predictions", ["time", "label", "naive", *(f"member/{name}" for name in names)])
    except QuorateError:
        return None
    known, shown = learnt(report, part, "model"), []
    for place, name in enumerate(names):
        statistic, p_value, words = _against_naive(report, [(r[0], r[1], r[2], r[3 + place]) for r in rows])
        shown.append(
            [
                Cell(name),
                *(cells(known.get(name)) if known else ()),
                Cell(figure(statistic, "ratio"), statistic),
                Cell(figure(p_value, "p-value"), p_value),
                Cell(words, tone=WORDS.get(words, "")),
            ]
        )
    heads = [
        *(columns(2) if known else ()),
        Column("DM", keep=1),
        Column("p-value", keep=1),
        Column("against naive", "left"),
    ]
    return Table([Column("member", "left"), *heads], [shown])


def _against_naive(report: Report, rows: Sequence[tuple[object, ...]]) -> tuple[float, float, str]:
    """Return the statistic of Diebold and Mariano, below zero where a member errs less, its p-value and words."""
    import numpy as np

    from quorate.statistics import diebold_mariano

    known = [row for row in rows if all(v is not None and v == v for v in row)]
    if not known:
        return math.nan, math.nan, "no evidence"
    _, bar = np.unique(np.array([str(row[0]) for row in known]), return_inverse=True)
    label, naive, forecast = (np.array([row[i] for row in known], dtype=np.float64) for i in (1, 2, 3))
    horizon = int(report.provenance["recipe"]["labels"]["horizon"])
    found = diebold_mariano(label - forecast, label - naive, h=horizon, bar=bar)
    return found.statistic, found.p_value, found.verdict(SIZE / 2)
