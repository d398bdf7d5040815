"""Labels of bars: what is to be learnt, and when each becomes known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.dataset.horizons import in_bars, reach, sessions_in
from quorate.errors import PluginError
from quorate.plugins.calling import call
from quorate.plugins.specs import LabelSpec
from quorate.statistics import Floats


@dataclass(frozen=True, eq=False)
class Labels:
    """Values and the position of the bar at which each becomes known, both (n_bars, n_symbols).

    Where a label is not known within the data its value is NaN and its end `NEVER`.
    """

    values: Floats
    ends: NDArray[np.int64]


def build_labels(bars: Bars, spec: LabelSpec, horizon: int | str, fill: str, params: Mapping[str, object]) -> Labels:
    """Compute the labels and check that none reaches past the last bar.

    Parameters
    ----------
    horizon : int or str
        Bars, or sessions as of `quorate.recipe.schema.learning.Labels`. A label asked for sessions is known once the
        last of them is over, though it may say that it is sooner.

    Raises
    ------
    PluginError
        If the label breaks its contract.
    """
    prices = bars.fill("open" if fill == "open" else "close")
    if isinstance(horizon, str):
        sessions = sessions_in(horizon)
        among = in_bars(bars, sessions)
        if among is None:
            return _of_sessions(bars, spec, prices, sessions, params)
        horizon = among
    return _of_bars(bars, spec, prices, horizon, params)


def _of_sessions(bars: Bars, spec: LabelSpec, prices: Floats, sessions: int, params: Mapping[str, object]) -> Labels:
    """Return the labels of sessions: of each bar the one of as many bars as its sessions have."""
    far = reach(bars, prices, sessions)
    if spec.horizons and not spec.cross_sectional:
        values = _of_bars(bars, spec, prices, np.maximum(far.bars, 1), params).values
        values[far.bars == 0] = np.nan
        return Labels(values, np.where(np.isnan(values), NEVER, far.ends))
    values = np.full(prices.shape, np.nan)
    for length in np.unique(far.bars[far.bars > 0]).tolist():
        here = far.bars == length
        values[here] = _of_bars(bars, spec, prices, length, params).values[here]
    return Labels(values, np.where(np.isnan(values), NEVER, far.ends))


def _of_bars(
    bars: Bars, spec: LabelSpec, prices: Floats, horizon: int | NDArray[np.int64], params: Mapping[str, object]
) -> Labels:
    if isinstance(horizon, int) and spec.cross_sectional and bars.universe is not None:
        prices = np.where(_traded(bars.member, horizon), prices, np.nan)
    return call(spec, bars.__repr__, (prices, horizon), params, partial(_labels, spec, bars))


def _traded(member: NDArray[np.bool_], horizon: int) -> NDArray[np.bool_]:
    """Return where the prices of trades lie that members decide: from the bar after one to the end of its label."""
    rows = np.arange(len(member))
    before = np.cumsum(np.vstack([np.zeros_like(member[:1]), member]), axis=0)  # members at earlier bars
    found: NDArray[np.bool_] = before[rows] > before[np.maximum(rows - 1 - horizon, 0)]
    return found


def _labels(spec: LabelSpec, bars: Bars, answer: Any) -> Labels:
    """Return a label's answer, checked."""
    values, ends = answer
    values, ends = np.array(values, dtype=np.float64), np.array(ends, dtype=np.int64)
    shape = bars.close.shape
    if values.shape != shape or ends.shape != shape:
        raise PluginError(f"label {spec.name!r} must give two arrays {shape}; it gave {values.shape} and {ends.shape}")
    values[~bars.present] = np.nan
    known = ~np.isnan(values)
    if (ends[known] >= len(bars)).any():
        raise PluginError(
            f"label {spec.name!r} has a value that ends after the last bar: it reads prices that do not exist"
        )
    if (ends <= np.arange(len(bars))[:, None])[known].any():
        raise PluginError(f"label {spec.name!r} has a value that ends at or before its own bar: it is no forecast")
    if not np.isfinite(values[known]).all():
        raise PluginError(f"label {spec.name!r} has an infinite value: it must be finite, or NaN where it is not known")
    if spec.task == "classification" and not np.isin(values[known], (0.0, 1.0)).all():
        raise PluginError(f"label {spec.name!r} is a classification: its values must be 0 and 1")
    return Labels(values, np.where(known, ends, NEVER))
