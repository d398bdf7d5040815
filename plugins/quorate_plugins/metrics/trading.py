"""Metrics of what was traded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def sharpe(performance: quorate.Performance) -> float:
    """Return the annualised Sharpe ratio, of returns in excess of cash."""
    return quorate.statistics.sharpe(performance.returns, performance.bars_per_year)


def lo_sharpe(performance: quorate.Performance) -> float:
    """Return the Sharpe ratio in excess of cash, annualised with regard to the autocorrelation of the returns."""
    return quorate.statistics.lo_sharpe(performance.returns, performance.bars_per_year)


def sortino(performance: quorate.Performance) -> float:
    """Return the annualised Sortino ratio in excess of cash, downside deviation over all bars."""
    return quorate.statistics.sortino(performance.returns, performance.bars_per_year)


def calmar(performance: quorate.Performance) -> float:
    """Return the compound growth per year over the depth of the deepest drawdown."""
    return quorate.statistics.calmar(performance.equity, performance.bars_per_year)


def total_return(performance: quorate.Performance) -> float:
    """Return last over first equity, minus one."""
    return float(performance.equity[-1] / performance.equity[0] - 1)


def cagr(performance: quorate.Performance) -> float:
    """Return the compound growth per year, by bars."""
    return quorate.statistics.cagr(performance.equity, performance.bars_per_year)


def volatility(performance: quorate.Performance) -> float:
    """Return the annualised standard deviation of returns."""
    return quorate.statistics.volatility(performance.total_returns, performance.bars_per_year)


def max_drawdown(performance: quorate.Performance) -> float:
    """Return the deepest drawdown, negative or zero."""
    return quorate.statistics.max_drawdown(performance.equity)


def drawdown_bars(performance: quorate.Performance) -> float:
    """Return the bars from the peak of the deepest drawdown to its recovery or the end; zero without one."""
    if math.isnan(max_drawdown(performance)):
        return math.nan
    worst = quorate.statistics.worst_drawdown(performance.equity)
    return float(worst.bars) if worst else 0.0


def value_at_risk(performance: quorate.Performance, level: float = 0.95) -> float:
    """Return the loss of one bar, positive, that the share `level` of bars does not exceed.

    Parameters
    ----------
    level : float, share
        How many of the bars lose no more.
    """
    return quorate.statistics.value_at_risk(performance.total_returns, level)


def expected_shortfall(performance: quorate.Performance, level: float = 0.95) -> float:
    """Return the mean loss, positive, of the worst ``1 - level`` of bars.

    Parameters
    ----------
    level : float, share
        How many of the bars are left out: the best ones.
    """
    return quorate.statistics.expected_shortfall(performance.total_returns, level)


def beta(performance: quorate.Performance) -> float:
    """Return the slope of the returns on those of buy and hold, both in excess of cash."""
    return quorate.statistics.beta(performance.returns, performance.market)


def alpha(performance: quorate.Performance) -> float:
    """Return the mean return that beta does not explain, per year, in excess of cash."""
    return quorate.statistics.alpha(performance.returns, performance.market, performance.bars_per_year)


def information_ratio(performance: quorate.Performance) -> float:
    """Return the annualised Sharpe ratio of the returns above those of buy and hold."""
    return quorate.statistics.information_ratio(performance.returns, performance.market, performance.bars_per_year)


def win_rate(performance: quorate.Performance) -> float:
    """Return the share of closed round trips with a net gain; a zero gain is no win."""
    return quorate.statistics.win_rate(_gains(performance))


def win_rate_low(performance: quorate.Performance) -> float:
    """Return the one-sided 95 % lower bound of the win rate (Wilson 1927)."""
    gains = _gains(performance)
    if math.isnan(quorate.statistics.win_rate(gains)):
        return math.nan
    return quorate.statistics.wilson_lower(int((gains > 0).sum()), len(gains))


def expectancy(performance: quorate.Performance) -> float:
    """Return the mean net gain of a closed round trip, as a fraction of its entry value."""
    return quorate.statistics.expectancy(_gains(performance, "pnl_fraction"))


def profit_factor(performance: quorate.Performance) -> float:
    """Return the gains of closed round trips over their losses."""
    return quorate.statistics.profit_factor(_gains(performance))


def payoff(performance: quorate.Performance) -> float:
    """Return the mean gain of closed round trips that won over the mean loss of those that lost."""
    return quorate.statistics.payoff(_gains(performance))


def closed_trades(performance: quorate.Performance) -> float:
    """Return how many round trips were closed."""
    return float(len(performance.closed))


def exposure(performance: quorate.Performance) -> float:
    """Return the share of bars with a position."""
    return performance.exposure


def turnover(performance: quorate.Performance) -> float:
    """Return the traded value over mean equity, per year."""
    return performance.turnover


def costs(performance: quorate.Performance) -> float:
    """Return fees and slippage paid, in currency."""
    return performance.fees + performance.slippage


def _gains(performance: quorate.Performance, column: str = "pnl") -> NDArray[np.float64]:
    return performance.closed[column].to_numpy(dtype=float)
