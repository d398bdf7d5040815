"""What the judged series did with each of several symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from quorate import statistics
from quorate.evidence.evidence import Performance
from quorate.evidence.result import plain
from quorate.plugins.specs import StrategySpec
from quorate.trading.attribution import attributed
from quorate.trading.backtest import each_symbol
from quorate.trading.carry import in_excess
from quorate.trading.orders import gone_after
from quorate.trading.portfolio import share_of_capital
from quorate.trading.strategy import score_of, to_panel
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.series import Series, judged_rows


def by_symbol(
    walk: WalkForward, judged: Series, performance: Performance, first: int, stop: int
) -> list[dict[str, Any]]:
    """Return figures of each symbol, as plain data; nothing, if there is but one.

    A symbol is traded as in the portfolio, but on an account of its own with all the capital, so that its figures do
    not depend on how many others there are; but for ``contribution``, its part of the total return that trades add up
    to, and ``turnover``, its part of that of the portfolio.

    Parameters
    ----------
    performance : Performance
        That of the judged series over bars `first` to ``stop - 1``.
    """
    bars = walk.bars
    if len(bars.symbols) < 2:
        return []
    targets = judged.decisions.targets
    if walk.registry.get(StrategySpec, judged.strategy).portfolio:  # beside an equal share of what is held
        sizes = np.abs(targets)
        share = sizes.sum(axis=1, keepdims=True) / np.maximum((sizes > 0).sum(axis=1, keepdims=True), 1)
    else:
        score = to_panel(score_of(judged.predictions, walk.binary), walk.dataset, bars)
        share = share_of_capital(np.isfinite(score), gone_after(bars), bars.member)
    weights = np.divide(targets, share, out=np.zeros(targets.shape), where=share > 0)
    span, trading = bars.take(first, stop), walk.trading.take(first, stop)
    equity, closed = each_symbol(span, np.clip(weights[first:stop], -1.0, 1.0), trading)
    earned = attributed(span, targets[first:stop], trading, performance.equity)
    years = (stop - first - 1) / span.bars_per_year
    turnover = earned.traded / max(performance.traded.mean() * years, np.finfo(float).tiny)
    returns = in_excess(equity, trading.carry)
    symbol = walk.dataset.symbol[judged_rows(walk, judged, first, stop)]
    found: list[dict[str, Any]] = plain(
        [
            {
                "symbol": name,
                "rows": int((symbol == k).sum()),
                "sharpe": statistics.sharpe(returns[:, k], span.bars_per_year),
                "max-drawdown": statistics.max_drawdown(equity[:, k]),
                "closed-trades": int(closed[k]),
                "contribution": float(earned.pnl[:, k].sum() / trading.capital),
                "turnover": float(turnover[k]),
                **_forecasts(performance, symbol == k),
            }
            for k, name in enumerate(bars.symbols)
        ]
    )
    return found


def _forecasts(performance: Performance, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    """Return how good the forecasts of some rows were."""
    y, p, naive = performance.labels[rows], performance.predictions[rows], performance.naive[rows]
    known = np.isfinite(naive)
    last = performance.entry_price[rows] if len(performance.entry_price) else performance.entry_price
    n = len(last)
    prices = last * (1 + y[:n])
    accuracy = statistics.accuracy(y > 0.5, p > 0.5) if performance.binary else statistics.direction_accuracy(y, p)
    return {
        "accuracy": accuracy,
        "mase": statistics.mase(y[known], p[known], (y - naive)[known]),
        "pct-mae": statistics.pct_mae(prices, last * (1 + p[:n])),
        "pct-naive": statistics.pct_mae(prices, last),
        "price-mae": statistics.mae(prices, last * (1 + p[:n])),
    }
