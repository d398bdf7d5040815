"""What ``report.json`` holds of regimes, of a break, and of what is left later, dearer and with more capital, typed."""

from __future__ import annotations

from typing import Literal

from quorate.report.schema_base import Number, Object


class RegimeFigures(Object):
    """What a series came to in a regime of the market, or in a year."""

    kind: Literal["volatility", "trend", "year"]
    regime: str | None
    """``calm``, ``usual`` or ``wild``; ``above`` or ``below`` the trailing mean; a year. Null: not known yet."""
    bars: int
    series: str
    """The judged one, or ``buy-and-hold/hold``."""
    total_return: Number
    sharpe: Number
    sharpe_low: Number
    sharpe_high: Number
    """90 % interval."""
    max_drawdown: Number
    """Of these bars, put one behind the other."""
    share: Number
    """Of the sum of all logarithmic returns; null, where that is no gain."""


class MeanBreak(Object):
    """Whether the mean return of the judged series changed once."""

    statistic: Number
    """OLS-CUSUM."""
    p_value: Number
    """Of a mean that never changes; null for too few bars."""
    day: str | None
    """Session of the first return after the most likely change."""
    before: Number
    after: Number
    """Mean returns, times bars per year."""
    bars: int


class CarryFigures(Object):
    """What cash earned for a series, and what its positions paid."""

    series: str
    cash: Number
    """What cash earned on average, per year: returns are judged in excess of it."""
    interest: Number
    """Earned by the cash of the account, in currency."""
    interest_per_year: Number
    """As a share of the account; the others alike."""
    borrow: Number
    """Paid for what was short."""
    borrow_per_year: Number
    funding: Number
    """Paid for what was long, less what was earned on what was short."""
    funding_per_year: Number


class LadderStep(Object):
    """What the same decisions earn filled later, at worse prices, or with other capital."""

    ladder: Literal["lag", "slippage", "capital"]
    step: float
    """Bars from a decision to its fill, basis points per side on top of the recipe's, or currency."""
    sharpe: Number
    total_return: Number
    cagr: Number = None
    """This and what follows are of the ladder ``capital`` alone: growth per year."""
    impact_bp: Number = None
    """Mean impact in basis points, by the value of orders."""
    largest_share: Number = None
    """Largest share that an order had of what was traded in its session; null, where no volume is known."""


class CapacityLevel(Object):
    """The capital with which the Sharpe ratio falls to a level."""

    level: Literal["half", "gate"]
    """Half of what it is with next to no capital, or what the gate ``sharpe`` asks for."""
    at_none: Number
    """The Sharpe ratio with next to no capital."""
    sharpe: Number
    """The level."""
    capital: Number
    """In currency; null, where no capital is small enough."""
    reached: Literal["at", "above", "never"]
    """``at`` the capital, between two that were tried; only ``above`` it, the most that was; ``never``."""
