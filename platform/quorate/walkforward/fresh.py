"""What going on from the fold before did to a model's forecasts, beside the same model that begins afresh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.folds import Fold
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.warm import starts_of, warm_of

SIZE = 0.05  # of the test, two-sided, and of the interval
OWN = "warm_"  # how options begin that only count where a model goes on


def against_fresh(walk: WalkForward, folds: Sequence[Fold], predictions: Floats) -> list[dict[str, Any]]:
    """Return how each member that goes on from the fold before did on these folds beside one that begins afresh.

    That one is another member of the same plugin with the same options; without one, there is nothing to compare. Only
    folds count that go on from another. The loss is the squared error; the interval of its difference is that of the
    test of Diebold and Mariano, from the same variance.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions.
    """
    warm = warm_of(walk)
    if not warm:
        return []
    starts, names = starts_of(walk), list(walk.members)
    tests = [fold.test for fold in folds if fold.index in starts]
    rows = np.concatenate(tests) if tests else np.empty(0, dtype=np.int64)
    found = []
    for name in warm:
        fresh = fresh_of(walk, name)
        told: dict[str, Any] = {"series": name, "fresh": fresh, "folds": len(tests)}
        pair = [predictions[:, names.index(one)] for one in (name, fresh or name)]
        known = np.isfinite(walk.dataset.y[rows]) & np.isfinite(pair[0][rows]) & np.isfinite(pair[1][rows])
        found.append({**told, **_figures(walk, rows[known], pair)} if fresh and known.any() else told)
    return found


def fresh_of(walk: WalkForward, name: str) -> str | None:
    """Return the member that is the same as this one, but begins afresh on every fold; None, if there is none."""
    models, own = walk.recipe.models, _options(walk, name)
    same = (
        other
        for other in walk.members
        if (model := models[other]) and not model.warm_start and walk.members[other].name == walk.members[name].name
    )
    return next((other for other in same if _options(walk, other) == own), None)


def _options(walk: WalkForward, name: str) -> Mapping[str, Any]:
    model = walk.recipe.models[name]
    assert model
    return {key: value for key, value in model.options.items() if not key.startswith(OWN)}


def _figures(walk: WalkForward, rows: NDArray[np.int64], pair: Sequence[Floats]) -> dict[str, Any]:
    y, bar = walk.dataset.y[rows], walk.dataset.bar[rows]
    errors, others = (y - one[rows] for one in pair)
    test = statistics.diebold_mariano(errors, others, h=walk.horizon, bar=bar, dependence="any")
    by_bar = [statistics.mean_by_bar(one**2, bar) for one in (errors, others)]
    loss, fresh_loss = (float(one.mean()) for one in by_bar)
    difference = loss - fresh_loss
    low, high = _interval(difference, test.statistic, test.freedom)
    verdict = "better than fresh" if high < 0 else "worse than fresh" if low > 0 else "no evidence"
    return {
        "n": len(rows),
        "loss": loss,
        "fresh_loss": fresh_loss,
        "difference": difference,
        "low": low,
        "high": high,
        "dm": test.statistic,
        "p_value": test.p_value,
        "verdict": verdict,
    }


def _interval(difference: float, statistic: float, freedom: int) -> tuple[float, float]:
    """Return between what the mean difference may truly be: it lies beside zero just where the test finds one."""
    if difference == 0.0:
        return 0.0, 0.0
    if not math.isfinite(statistic) or statistic == 0.0:
        return math.nan, math.nan
    from scipy.stats import t

    half = float(t.ppf(1 - SIZE / 2, freedom)) * abs(difference / statistic)
    return difference - half, difference + half
