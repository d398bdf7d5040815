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


class CrossSection(Object):
    """How the forecasts of a series rank the symbols of a bar, at one step."""

    series: str
    step: int
    """Bars from the fill."""
    bars: int
    """With three symbols or more."""
    ic: Number
    """Mean rank correlation of forecasts and labels."""
    sd: Number
    icir: Number
    """Mean over deviation."""
    t: Number
    p_value: Number
    """Of a mean of zero, two-sided."""
    low: Number
    """Lower bound of the mean, 95 % one-sided."""
    positive: Number
    """Share of bars above zero."""
    freedom: int
    """Degrees of freedom of the t distribution."""
    spread: Number
    """Mean label of the highest fifth of forecasts less that of the lowest."""
    spread_t: Number
    spread_p: Number
    buckets: list[float]
    """Mean label of each fifth of a bar's forecasts, the lowest first; empty for fewer than five symbols."""


class WarmStart(Object):
    """A member whose models go on from the fold before, beside the same one that begins afresh."""

    series: str
    fresh: str | None
    """That one; null, where no member is it, and then nothing follows but the folds."""
    folds: int
    """That went on from another."""
    n: int = 0
    loss: Number = None
    fresh_loss: Number = None
    """Mean squared errors, by bar."""
    difference: Number = None
    low: Number = None
    high: Number = None
    """95 % interval of the difference."""
    dm: Number = None
    """Statistic of Diebold and Mariano, below zero where going on errs less."""
    p_value: Number = None
    verdict: str = ""


class PretrainedFigures(Object):
    """A member that begins with weights which were trained elsewhere."""

    model: str
    weights: str
    licence: str
    commercial: bool
    """Whether the licence lets them be used for profit."""
    sha256: str
    trained_until: str | None
    """The last day of all that they were trained on; null, where that is not known."""
    released: str | None
    rows: int
    """That it forecast, and that are judged."""
    seen: int
    """Of these, on days that its weights may have seen."""
    words: str
    """The same in words; empty, where there are none."""


class NetworkFigures(Object):
    """How a network's forecasts compare with those of a linear control, or of boosted trees."""

    network: str
    rival: str
    family: str
    """Of the rival: ``linear`` or ``boosting``."""
    loss: str
    """``squared error``, of classes ``Brier score``: the squared error of the probability."""
    bars: int
    """Of the rows that all that are compared forecast."""
    effective: Number
    """Independent bars that the difference rests on."""
    freedom: int
    """Degrees of freedom of the t distribution."""
    network_loss: Number
    rival_loss: Number
    change: Number
    """The network's loss over the rival's, less 1: below zero the network is better."""
    change_low: Number
    change_high: Number
    """95 % interval of the change, by the variance of the test."""
    dm: Number
    """Statistic of Diebold and Mariano, below zero where the network errs less."""
    p_value: Number
    """Of it, two-sided."""
    p_among: Number
    """That the network is not better than this rival, adjusted for all networks (Romano and Wolf)."""
    networks: int
    """How many were compared with this rival."""
    spa_p: Number
    """That none of them is better than this rival (Hansen)."""
    block: Number
    """Mean block of that resampling, in bars."""
    verdict: str
    """``better``, ``no better``, ``worse`` or ``not tested``."""


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
