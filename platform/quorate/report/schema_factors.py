"""What ``report.json`` holds of the recipe's own benchmark and factors, typed."""

from __future__ import annotations

from typing import Any

from quorate.report.schema_base import Number, Object


class Reference(Object):
    """A series that returns are held against."""

    table: str
    """Of the recipe: ``benchmark`` or ``factors``."""
    name: str
    source: str | None
    """Null: a symbol of the bars."""
    sha256: str
    """Of the records."""
    values: list[str]
    rate: str | None
    """The value that is the return of cash."""
    prices: bool
    records: int
    first: str | None
    last: str | None
    read: list[dict[str, Any]] | None = None
    """As of the bars."""


class _Periods(Object):
    """Over which periods both are known. A period is a bar, or longer where the series are."""

    periods: int
    per_year: float
    bars: int
    """That the periods span."""
    left_out: int
    """Bars after the first that lie in none of them."""
    first: str | None
    last: str | None
    reason: str | None = None
    """Why nothing is told."""


class Beta(Object):
    """What a factor moves a series by."""

    factor: str
    beta: Number
    beta_low: Number
    beta_high: Number
    """90 % interval."""
    p_value: Number
    """Of zero, two-sided."""


class FactorFigures(Object):
    """What a series has of the factors, and what is left."""

    series: str
    """The judged one, or ``buy-and-hold/hold``."""
    alpha: Number
    alpha_low: Number
    alpha_high: Number
    """A year, with its 90 % interval."""
    p_value: Number
    """Of no alpha, one-sided."""
    r_squared: Number
    residual: Number
    """Volatility of what the factors do not explain, annual."""
    appraisal: Number
    """Alpha over it."""
    betas: list[Beta]


class FactorTable(_Periods):
    """What was earned beside the recipe's factors."""

    names: list[str]
    rate: str | None
    """The value that was taken off what was earned."""
    series: list[FactorFigures]


class ActiveFigures(Object):
    """What a series earned beside the benchmark; annual, with 90 % intervals."""

    series: str
    active: Number
    active_low: Number
    active_high: Number
    """Mean return less the benchmark's."""
    tracking_error: Number
    information_ratio: Number
    up_capture: Number
    down_capture: Number
    """Mean return over the benchmark's, in periods in which that rose, and in which it fell."""
    max_drawdown: Number
    """Over the same periods."""
    correlation: Number
    alpha: Number
    alpha_low: Number
    alpha_high: Number
    p_value: Number
    """Of no alpha, one-sided."""
    beta: Number
    beta_low: Number
    beta_high: Number


class BenchmarkTable(_Periods):
    """What was earned beside the recipe's own benchmark."""

    name: str
    prices: bool
    cagr: Number = None
    """Growth of the benchmark over these periods, by the calendar."""
    volatility: Number = None
    max_drawdown: Number = None
    series: list[ActiveFigures]
