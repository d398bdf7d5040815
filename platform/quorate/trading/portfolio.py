"""Weights that are shares of one capital."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.errors import PluginError
from quorate.plugins.specs import StrategySpec
from quorate.statistics import Floats
from quorate.trading.orders import GONE, recently

NUDGE = 2.0**-50  # of a weight: it is another number, and orders no other position


def check_shares(spec: StrategySpec, weights: Floats, bars: Bars) -> None:
    """Raise `PluginError`, if the sizes of a bar's weights, (n_bars, n_symbols), add up to more than the capital."""
    gross = np.abs(weights).sum(axis=1)
    if gross.max(initial=0.0) > 1 + 1e-9:
        where = f"on {bars.sessions[int(gross.argmax())]} they add up to {gross.max():g}"
        raise PluginError(f"strategy {spec.name!r}: sizes of a portfolio's weights must add up to 1 at most; {where}")


def renewed(weights: Floats) -> Floats:
    """Return weights that are all ordered anew at each bar at which one of them changes.

    An order is placed where a desired weight changes. What is held grows and shrinks with its price meanwhile: in a
    portfolio that is rebalanced here and there alone, what rises most would be sold short ever more. So all others
    change by a last digit with it, which brings them back to their shares.

    Parameters
    ----------
    weights : ndarray of float64, (n_bars, n_symbols, n_columns)
    """
    return weights * (1 + NUDGE * (changes(weights) % 2))


def changes(weights: Floats, before: Floats | float = 0.0) -> NDArray[np.int64]:
    """Return at how many bars one of the weights had changed up to each, (n_bars, 1, n_columns).

    Parameters
    ----------
    before : ndarray of float64, (n_symbols, n_columns)
        What they were before the first bar.
    """
    earlier = np.concatenate([np.broadcast_to(before, weights[:1].shape), weights[:-1]])
    return np.cumsum((weights != earlier).any(axis=1, keepdims=True), axis=0)


def share_of_capital(available: NDArray[np.bool_], gone: int = GONE, member: NDArray[np.bool_] | bool = True) -> Floats:
    """Return each symbol's equal share at each bar, zero where it is not available, (n_bars, n_symbols).

    One that misses bars keeps its share, as long as it may not have ended; one that leaves the universe does not.
    """
    alive = recently(available, gone) & member
    return np.where(alive, 1.0 / np.maximum(alive.sum(axis=1, keepdims=True), 1), 0.0)
