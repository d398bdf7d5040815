"""How well series tell the symbols of a bar apart, where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.folds import NEVER
from quorate.evidence.evidence import Performance
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.statistics._cross_section import buckets_by_bar
from quorate.statistics._forecasts import by_bar
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.series import Series
from quorate.walkforward.steps import forecasts_at

BUCKETS = 5


def across_symbols(
    walk: WalkForward,
    fits: Sequence[FitResult],
    judged: Sequence[tuple[Series, Performance]],
    tests: Mapping[int, NDArray[np.int64]],
) -> list[dict[str, Any]]:
    """Return figures of each series among the symbols of a bar, and of members at each step that is not traded.

    Nothing, where no bar has three forecasts.

    Parameters
    ----------
    tests : mapping of int to ndarray of int64
        The rows that each fold of the part predicts.
    """
    found = []
    horizon, roles = walk.horizon, {series.name: series.role for series, _ in judged}
    for name, one in _several(judged).items():
        found.append({"series": name, **_figures(one.labels, one.predictions, one.forecast_bar, horizon)})
    if not found:
        return []
    dataset, rows = walk.dataset, np.concatenate(list(tests.values()))
    for column, step in enumerate(dataset.steps):
        for name in (name for name in walk.members if step != horizon and roles.get(name) == "member"):
            forecasts, labels = forecasts_at(walk, fits, name, step, tests), dataset.path[:, column]
            known = rows[np.isfinite(forecasts[rows]) & (dataset.path_end[rows, column] != NEVER)]
            found.append({"series": name, **_figures(labels[known], forecasts[known], dataset.bar[known], step)})
    return [row for row in found if row["bars"]]


def coefficient_frames(
    part: str, judged: Sequence[tuple[Series, Performance]], times: pd.DatetimeIndex
) -> dict[str, pd.DataFrame]:
    """Return the table ``ic``, a row per series and bar; nothing, where no bar has three forecasts.

    Parameters
    ----------
    times : DatetimeIndex, (n_bars,)
        Of the bars of the part.
    """
    tables = []
    for name, one in _several(judged).items():
        bars, count, coefficients = by_bar(one.labels, one.predictions, one.forecast_bar)
        spread = pd.Series(*_spreads(one)).reindex(bars).to_numpy()
        told = {"series": name, "symbols": count, "ic": coefficients, "spread": spread}
        tables.append(pd.DataFrame({"part": part, "time": times[bars], **told}))
    return {"ic": pd.concat(tables, ignore_index=True)} if tables else {}


def _several(judged: Sequence[tuple[Series, Performance]]) -> dict[str, Performance]:
    """Return by name what forecasts three symbols or more at some bar; however it is traded, it is one."""
    found: dict[str, Performance] = {}
    for series, performance in judged:
        if series.name not in found and performance.cross_section:
            found[series.name] = performance
    return found


def _spreads(one: Performance) -> tuple[Floats, NDArray[np.int64]]:
    bars, means = buckets_by_bar(one.labels, one.predictions, one.forecast_bar, BUCKETS)
    return means[:, -1] - means[:, 0], bars


def _figures(labels: Floats, forecasts: Floats, bar: NDArray[np.int64], step: int) -> dict[str, Any]:
    """Return the figures of forecasts of labels that span `step` bars."""
    tested = statistics.rank_ic(labels, forecasts, bar, step)
    means = statistics.bucket_means(labels, forecasts, bar, BUCKETS)
    spread = statistics.mean_test(means[:, -1] - means[:, 0], step)
    return {
        "step": step,
        "bars": tested.n,
        "ic": tested.mean,
        "sd": tested.sd,
        "icir": tested.ir,
        "t": tested.t,
        "p_value": tested.p_value,
        "low": tested.low,
        "positive": tested.positive,
        "freedom": tested.freedom,
        "spread": spread.mean,
        "spread_t": spread.t,
        "spread_p": spread.p_value,
        "buckets": means.mean(axis=0) if len(means) else [],
    }
