"""How members forecast labels of several steps, each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.rows import Dataset
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.statistics._naive import naive_forecasts
from quorate.walkforward.layout import WalkForward

SIZE = 0.05  # of the test, two-sided, whose words are told


def by_step(
    walk: WalkForward, fits: Sequence[FitResult], predictions: Floats, tests: Mapping[int, NDArray[np.int64]]
) -> list[dict[str, Any]]:
    """Return the figures of each member at each step; nothing, where labels have one.

    Errors of labels that overlap hang together: the test of Diebold and Mariano takes each step's own length, and the
    naive forecast is the mean of the labels of that step that had ended.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions of the step that is traded.
    tests : mapping of int to ndarray of int64
        The rows that each fold of the part predicts.
    """
    dataset, rows = walk.dataset, np.concatenate(list(tests.values()))
    found = []
    for column, step in enumerate(dataset.steps):
        for j, name in enumerate(walk.members):
            own = step == walk.horizon
            forecasts = predictions[:, j] if own else forecasts_at(walk, fits, name, step, tests)
            if told := figures_at(dataset, column, forecasts, rows):
                found.append({"series": name, **told})
    return sorted(found, key=lambda row: (list(walk.members).index(row["series"]), row["step"]))


def forecasts_at(
    walk: WalkForward,
    fits: Sequence[FitResult],
    name: str,
    step: int,
    tests: Mapping[int, NDArray[np.int64]],
) -> Floats:
    """Return what a member forecast of a step that is not traded, (n_rows,); NaN where a fit failed."""
    output = f"{walk.learnt(name).prediction}@{step}"
    values = np.full(len(walk.dataset), np.nan)
    for fit in fits:
        if fit.model == name and not fit.error:
            values[tests[fit.fold]] = fit.outputs[output]
    return values


def figures_at(dataset: Dataset, column: int, forecasts: Floats, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Return the figures of forecasts, (n_rows,), at the step of a column, on some rows; nothing, if none has any."""
    step, labels = dataset.steps[column], dataset.path[:, column]
    expected = naive_forecasts(labels, dataset.path_end[:, column], dataset.bar)
    among = rows[np.isfinite(labels[rows]) & np.isfinite(expected[rows]) & np.isfinite(forecasts[rows])]
    if not len(among):
        return {}
    y, forecasts, naive = labels[among], forecasts[among], expected[among]
    test = statistics.diebold_mariano(y - forecasts, y - naive, h=step, bar=dataset.bar[among], dependence="any")
    return {
        "step": step,
        "n": len(among),
        "mse": statistics.mse(y, forecasts),
        "rmse": statistics.rmse(y, forecasts),
        "mae": statistics.mae(y, forecasts),
        "direction_accuracy": statistics.direction_accuracy(y, forecasts),
        "mase": statistics.mase(y, forecasts, y - naive),
        "mase_persistence": statistics.mase(y, forecasts, y),  # that nothing changes errs by the label
        "dm": test.statistic,
        "p_value": test.p_value,
        "verdict": test.verdict(SIZE / 2),
    }
