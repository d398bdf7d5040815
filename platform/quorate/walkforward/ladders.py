"""What the same decisions would have earned, filled later or at worse prices: step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from quorate import statistics
from quorate.evidence.evidence import Performance
from quorate.statistics import Floats
from quorate.trading.backtest import equity_curves
from quorate.trading.carry import in_excess
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.series import Series

LAGS = (1, 2, 3, 5)  # bars from a decision to its fill; the first is what is traded
SLIPPAGE = (0, 5, 10, 20)  # basis points per side, on top of the recipe's; the first is what is traded


def ladders(walk: WalkForward, judged: Series, traded: Performance, first: int, stop: int) -> list[dict[str, Any]]:
    """Return the Sharpe ratio and the gain of the judged series at each lag, and with each slippage added.

    Parameters
    ----------
    traded : Performance
        What the judged series earned as it is, on bars `first` to ``stop - 1``.
    """
    found = []
    rates = walk.trading.take(first, stop).carry
    for ladder, step, equity in _traded(walk, judged, traded, first, stop):
        sharpe = statistics.sharpe(in_excess(equity, rates), traded.bars_per_year)
        told = {"sharpe": sharpe, "total_return": float(equity[-1] / equity[0] - 1)}
        found.append({"ladder": ladder, "step": step, **told})
    return found


def _traded(
    walk: WalkForward, judged: Series, traded: Performance, first: int, stop: int
) -> Iterator[tuple[str, int, Floats]]:
    span, trading = walk.bars.take(first, stop), walk.trading.take(first, stop)
    decided = judged.decisions.targets[first:stop]
    yield "lag", LAGS[0], traded.equity
    for lag in LAGS[1:]:
        late = np.zeros_like(decided)
        late[lag - 1 :] = decided[: max(len(decided) - lag + 1, 0)]
        yield "lag", lag, equity_curves(span, late[:, :, None], trading)[:, 0]
    yield "slippage", SLIPPAGE[0], traded.equity
    for points in SLIPPAGE[1:]:
        yield "slippage", points, equity_curves(span, decided[:, :, None], trading.worse(points / 10_000))[:, 0]
