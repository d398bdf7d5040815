"""What series forecast of the distribution of labels, and how that is judged: by quantile, by interval, by its tail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.ensemble.conformal import conformal
from quorate.evidence.result import finite_or_none
from quorate.execution.task import FitResult
from quorate.plugins.specs.outputs import level_of, step_of
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

SAME = 1e-9  # levels that are as near as this are one
TAILS = (0.95, 0.99)  # of values at risk
NEAR = 0.05  # levels further apart tell too little of those between them
MEDIAN = "q0.5"

Rows = list[dict[str, Any]]


class Distribution(NamedTuple):
    """Quantiles of one series at one step, and the labels that they are of.

    Parameters
    ----------
    levels : ndarray of float64, (n_levels,)
        Ascending, at least two.
    values : ndarray of float64, (n_rows, n_levels)
        NaN where there is no forecast.
    labels : ndarray of float64, (n_rows,)
        NaN where unknown.
    step : int
        Bars that a label spans.
    """

    levels: Floats
    values: Floats
    labels: Floats
    step: int

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
    horizon, found = walk.horizon, {}
    for column, name in enumerate(() if walk.binary else walk.members):
        median = predictions[:, column] if walk.learnt(name).prediction == MEDIAN else None
        one = _given(walk, [fit for fit in fits if fit.model == name], horizon, walk.dataset.y, median)
        if one is not None:
            found[name] = one
    return found


def of_other_steps(walk: WalkForward, fits: Sequence[FitResult]) -> list[tuple[str, Distribution]]:
    """Return the quantiles of members at the steps that are not traded, by name and step."""
    horizon, found = walk.horizon, []
    for name in walk.members:
        own = [fit for fit in fits if fit.model == name]
        for column, step in enumerate(walk.dataset.steps):
            one = None if step == horizon else _given(walk, own, step, walk.dataset.path[:, column], None)
            found += [] if one is None else [(name, one)]
    return found


def _given(
    walk: WalkForward, fits: Sequence[FitResult], step: int, labels: Floats, median: Floats | None
) -> Distribution | None:
    """Return the quantiles that a member's fits gave at a step; None for fewer than two."""
    horizon, tests = walk.horizon, {fold.index: fold.test for fold in walk.folds}
    named = {output: step_of(output, horizon) for fit in fits for output in fit.outputs}
    found = {output: level_of(plain) for output, (plain, own) in named.items() if own == step}
    levels = {output: level for output, level in found.items() if level is not None}
    if levels and median is not None:
        levels[MEDIAN] = 0.5
    if len(levels) < 2:
        return None
    names = sorted(levels, key=lambda output: levels[output])
    named_apart = any(MEDIAN in fit.outputs for fit in fits)  # where the prediction is on another scale
    values = np.full((len(walk.dataset), len(names)), math.nan)
    for fit in fits:
        rows = tests[fit.fold]
        for j, output in enumerate(names) if not fit.error else ():
            own = output == MEDIAN and median is not None and not named_apart
            values[rows, j] = median[rows] if own and median is not None else fit.outputs[output]
    return Distribution(np.array([levels[output] for output in names]), values, labels, step)


def around(walk: WalkForward, predictions: Floats) -> Distribution | None:
    """Return the quantiles around an ensemble's predictions, (n_rows,), that the recipe asks for; None for none."""
    wanted = walk.recipe.ensemble
    if wanted.interval is None:
        return None
    values = conformal(predictions, walk.dataset, walk.folds, wanted.levels, wanted.interval)
    return Distribution(np.array(wanted.levels), values, walk.dataset.y, walk.horizon)


def around_unseen(walk: WalkForward, known: Floats, own: Floats) -> Distribution | None:
    """Return the quantiles around predictions of rows that are held out, of errors on the other symbols alone.

    Parameters
    ----------
    known, own : ndarray of float64, (n_rows,)
        What an ensemble predicts of the other symbols' rows, and of these.
    """
    unseen = walk.unseen
    assert unseen is not None
    n = len(unseen.seen)
    folds = [replace(fold, test=np.concatenate([fold.test, n + unseen.rows(fold)])) for fold in walk.folds]
    beside = replace(walk, dataset=unseen.beside, folds=folds, unseen=None)
    found = around(beside, np.concatenate([known, own]))
    return None if found is None else found._replace(values=found.values[n:], labels=unseen.dataset.y)


def judged(
    walk: WalkForward,
    found: Mapping[str, Distribution],
    others: Sequence[tuple[str, Distribution]],
    folds: Mapping[int, NDArray[np.int64]],
) -> dict[str, Rows]:
    """Return what the report says of distributions: ``quantiles``, ``intervals`` and ``tails``, those that there are.

    Parameters
    ----------
    others : sequence of (series, Distribution)
        Of steps that are not traded: told of all folds together.
    folds : mapping of int to ndarray of int64
        The rows that each fold of the part predicts.
    """
    rows: dict[str, Rows] = {"quantiles": [], "intervals": [], "tails": []}
    every = np.concatenate(list(folds.values()))
    traded = [(name, one, *part) for name, one in found.items() for part in ((None, every), *folds.items())]
    for name, one, fold, among in (*traded, *((name, one, None, every) for name, one in others)):
        known = among[np.isfinite(one.labels[among]) & np.isfinite(one.values[among]).all(axis=1)]
        if len(known):
            told = {"series": name, "step": one.step, "fold": fold, "n": len(known)}
            rows["quantiles"] += [{**told, **row} for row in _by_level(one, known)]
            rows["intervals"] += [{**told, **row} for row in _by_pair(one, known, walk.dataset.bar[known])]
            if fold is None:
                alone = len(np.unique(walk.dataset.symbol[known])) == 1
                about = {"series": name, "step": one.step, "n": len(known)}
                rows["tails"] += [{**about, **row} for row in _by_tail(one, known, alone)]
    return {name: table for name, table in rows.items() if table}


def _by_level(one: Distribution, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    y = one.labels[rows]
    for level, values in zip(one.levels.tolist(), one.values[rows].T, strict=True):
        yield {"level": level, "below": float(np.mean(y <= values)), "pinball": statistics.pinball(y, values, level)}


def _by_pair(one: Distribution, rows: NDArray[np.int64], bar: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    for i, j in statistics.pairs_of(one.levels):
        low, high = one.values[rows, i], one.values[rows, j]
        covered = statistics.coverage_interval(one.labels[rows], low, high, one.step, bar)
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


def _by_tail(one: Distribution, rows: NDArray[np.int64], alone: bool) -> Iterator[dict[str, Any]]:
    """Tell of each tail that the quantiles reach how large a loss was forecast, and how often it was exceeded."""
    y = one.labels[rows]
    for confidence in TAILS:
        level = round(1 - confidence, 9)
        if not _reached(one.levels, level):
            continue
        edge = statistics.quantile_at(one.values[rows], one.levels, level)
        beyond = y < edge
        mean = statistics.tail_mean(one.values[rows], one.levels, level)
        yield {
            "confidence": confidence,
            "value_at_risk": float(-edge.mean()),
            "expected_shortfall": float(-mean.mean()),
            "exceeded": int(beyond.sum()),
            "expected": level * len(rows),
            "mean_excess": float(-y[beyond].mean()) if beyond.any() else math.nan,
            **_tested(beyond, level, one.step, alone),
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
