"""What series forecast of the distribution of labels, and how that is judged: by quantile, by interval, by its tail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.folds import NEVER
from quorate.ensemble.conformal import conformal
from quorate.evidence.evidence import finite_or_none
from quorate.execution.fit import FitResult
from quorate.plugins.specs.outputs import level_of
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

SAME = 1e-9  # levels that are as near as this are one
TAILS = (0.95, 0.99)  # of values at risk
NEAR = 0.05  # levels further apart tell too little of those between them
MEDIAN = "q0.5"

Rows = list[dict[str, Any]]


class Distribution(NamedTuple):
    """Quantiles of one series.

    Parameters
    ----------
    levels : ndarray of float64, (n_levels,)
        Ascending, at least two.
    values : ndarray of float64, (n_rows, n_levels)
        NaN where there is no forecast.
    """

    levels: Floats
    values: Floats

    def of(self, row: int) -> dict[str, float | None]:
        """Return the quantiles of a row by level, None where there is none."""
        return {
            f"{level:g}": finite_or_none(value)
            for level, value in zip(self.levels.tolist(), self.values[row].tolist(), strict=True)
        }


def distributions(walk: WalkForward, fits: Sequence[FitResult], predictions: Floats) -> dict[str, Distribution]:
    """Return the quantiles of each member that gives at least two, by its name; none of classes.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions, the median of a member whose prediction that is.
    """
    tests = {fold.index: fold.test for fold in walk.folds}
    found: dict[str, Distribution] = {}
    for column, name in enumerate(() if walk.binary else walk.members):
        own = [fit for fit in fits if fit.model == name and not fit.error]
        outputs = {output: level_of(output) for fit in own for output in fit.outputs}
        levels = {output: level for output, level in outputs.items() if level is not None}
        if levels and walk.learnt(name).prediction == MEDIAN:
            levels[MEDIAN] = 0.5
        if len(levels) < 2:
            continue
        names = sorted(levels, key=lambda output: levels[output])
        values = np.full((len(walk.dataset), len(names)), math.nan)
        for fit in own:
            rows = tests[fit.fold]
            for j, output in enumerate(names):
                values[rows, j] = fit.outputs[output] if output in fit.outputs else predictions[rows, column]
        found[name] = Distribution(np.array([levels[output] for output in names]), values)
    return found


def around(walk: WalkForward, predictions: Floats) -> Distribution | None:
    """Return the quantiles around an ensemble's predictions, (n_rows,), that the recipe asks for; None for none."""
    wanted = walk.recipe.ensemble
    if wanted.interval is None:
        return None
    values = conformal(predictions, walk.dataset, walk.folds, wanted.levels, wanted.interval)
    return Distribution(np.array(wanted.levels), values)


def pairs_of(levels: Floats) -> list[tuple[int, int]]:
    """Return the positions of levels that lie as far from both ends: 0.1 and 0.9; the widest first."""
    return [
        (i, j) for i in range(len(levels)) for j in range(i + 1, len(levels)) if abs(levels[i] + levels[j] - 1) < SAME
    ]


def judged(
    walk: WalkForward, found: Mapping[str, Distribution], folds: Mapping[int, NDArray[np.int64]]
) -> dict[str, Rows]:
    """Return what the report says of distributions: ``quantiles``, ``intervals`` and ``tails``, those that there are.

    Parameters
    ----------
    folds : mapping of int to ndarray of int64
        The rows that each fold of the part predicts.
    """
    rows: dict[str, Rows] = {"quantiles": [], "intervals": [], "tails": []}
    for name, one in found.items():
        for fold, among in (None, np.concatenate(list(folds.values()))), *folds.items():
            known = among[(walk.dataset.end[among] != NEVER) & np.isfinite(one.values[among]).all(axis=1)]
            if len(known):
                told = {"series": name, "fold": fold, "n": len(known)}
                rows["quantiles"] += [{**told, **row} for row in _by_level(walk, one, known)]
                rows["intervals"] += [{**told, **row} for row in _by_pair(walk, one, known)]
                if fold is None:
                    rows["tails"] += [{"series": name, "n": len(known), **row} for row in _by_tail(walk, one, known)]
    return {name: table for name, table in rows.items() if table}


def _by_level(walk: WalkForward, one: Distribution, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    y = walk.dataset.y[rows]
    for level, values in zip(one.levels.tolist(), one.values[rows].T, strict=True):
        yield {"level": level, "below": float(np.mean(y <= values)), "pinball": statistics.pinball(y, values, level)}


def _by_pair(walk: WalkForward, one: Distribution, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    y, bar = walk.dataset.y[rows], walk.dataset.bar[rows]
    for i, j in pairs_of(one.levels):
        low, high = one.values[rows, i], one.values[rows, j]
        covered = statistics.coverage_interval(y, low, high, walk.recipe.labels.horizon, bar)
        yield {
            "low": float(one.levels[i]),
            "high": float(one.levels[j]),
            "nominal": round(float(one.levels[j] - one.levels[i]), 9),
            "coverage": covered.share,
            "coverage_low": covered.low,
            "coverage_high": covered.high,
            "effective": covered.effective,
            "width": statistics.interval_width(low, high),
        }


def _reached(levels: Floats, level: float) -> bool:
    """Say whether a level is among those that were forecast, or close between two of them."""
    below, above = levels[levels <= level + SAME], levels[levels >= level - SAME]
    return bool(len(below) and len(above) and above[0] - below[-1] <= NEAR + SAME)


def _by_tail(walk: WalkForward, one: Distribution, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """Tell of each tail that the quantiles reach how large a loss was forecast, and how often it was exceeded."""
    dataset = walk.dataset
    for confidence in TAILS:
        level = round(1 - confidence, 9)
        if not _reached(one.levels, level):
            continue
        edge = statistics.quantile_at(one.values[rows], one.levels, level)
        beyond = dataset.y[rows] < edge
        mean = statistics.tail_mean(one.values[rows], one.levels, level)
        yield {
            "confidence": confidence,
            "value_at_risk": float(-edge.mean()),
            "expected_shortfall": float(-mean.mean()),
            "exceeded": int(beyond.sum()),
            "expected": level * len(rows),
            "mean_excess": float(-dataset.y[rows][beyond].mean()) if beyond.any() else math.nan,
            **_tested(beyond, level, walk.recipe.labels.horizon, len(np.unique(dataset.symbol[rows])) == 1),
        }


def _tested(beyond: NDArray[np.bool_], level: float, horizon: int, alone: bool) -> dict[str, float]:
    """Return the tests of how often, and of how independently, of labels that do not overlap: each `horizon`-th.

    Of several symbols there are none: what falls together is exceeded together.
    """
    few = beyond[::horizon]
    often, apart = statistics.kupiec(few, level), statistics.christoffersen(few)
    found = {
        "kupiec": often.statistic,
        "kupiec_p": often.p_value,
        "christoffersen": apart.statistic,
        "christoffersen_p": apart.p_value,
    }
    return found if alone else dict.fromkeys(found, math.nan)
