"""What ``report.json`` holds of forecasts of a distribution, of several steps, and with several seeds, typed."""

from __future__ import annotations

from quorate.report.schema_base import Number, Object


class QuantileFigures(Object):
    """A quantile that a series forecasts."""

    series: str
    step: int
    """Bars from the fill."""
    fold: int | None
    """Null: of all folds."""
    n: int
    level: float
    below: Number
    """Share of labels at or below it; of a true quantile its level."""
    pinball: Number


class IntervalFigures(Object):
    """The interval between two quantiles that lie as far from both ends."""

    series: str
    step: int
    """Bars from the fill."""
    fold: int | None
    """Null: of all folds."""
    n: int
    low: float
    high: float
    """Levels of the quantiles."""
    nominal: float
    coverage: Number
    """Share of labels within it."""
    coverage_low: Number
    coverage_high: Number
    """95 % interval of the coverage."""
    effective: Number
    """Independent bars that it rests on."""
    width: Number


class TailFigures(Object):
    """The loss that a series forecasts to be rare, and how often it was exceeded."""

    series: str
    step: int
    """Bars from the fill."""
    n: int
    confidence: float
    value_at_risk: Number
    """Mean over rows, a loss above zero."""
    expected_shortfall: Number
    exceeded: int
    expected: float
    mean_excess: Number
    """Mean loss where it was exceeded."""
    kupiec: Number
    kupiec_p: Number
    christoffersen: Number
    christoffersen_p: Number


class StepFigures(Object):
    """How a member forecasts one step, where labels have several."""

    series: str
    step: int
    """Bars from the fill."""
    n: int
    mse: Number
    rmse: Number
    mae: Number
    direction_accuracy: Number
    mase: Number
    """Absolute error over that of the mean of the labels so far."""
    mase_persistence: Number
    """Absolute error over that of the forecast that nothing changes, 0."""
    dm: Number
    """Statistic of Diebold and Mariano, below zero where it errs less than the mean of the labels so far."""
    p_value: Number
    verdict: str


class SeedFigures(Object):
    """How a model did with one of its seeds, where it is fitted with several."""

    series: str
    replicate: int
    """Which of them, from 0 on."""
    seed: int
    """What its fits were seeded with."""
    n: int
    log_loss: Number
    """Null where the label is a number."""
    rmse: Number
    """Null where the label is a class."""
    direction_accuracy: Number
    sharpe: Number
    """Annual, traded alone with the default threshold."""


class SeedSpread(Object):
    """How far a figure of a model differs over its seeds."""

    series: str
    seeds: int
    metric: str
    """log_loss, rmse, direction_accuracy or sharpe."""
    of_mean: Number
    """Of the mean forecast, which is the model's."""
    mean: Number
    lowest: Number
    highest: Number
    sd: Number
    disagree: Number
    """Share of rows on whose direction not all seeds agree."""
    blurred: list[str]
    """Of a loss the forecasts that it separates from the model by less than `sd`."""
