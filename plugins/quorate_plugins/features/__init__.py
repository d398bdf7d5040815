"""The built-in features: causal, free of scale, finite after their warm-up for any valid bars.

A feature's group is the module that holds its function. Where a ratio is 0/0 (a price that stands
still, days without volume) the value is 0, the middle of every such feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate

C = ("close",)
CV = ("close", "volume")
OC = ("open", "close")
HL = ("high", "low")
HLC = ("high", "low", "close")
OHLC = ("open", "high", "low", "close")
HLCV = ("high", "low", "close", "volume")


@quorate.hookimpl
def quorate_features() -> Iterator[quorate.FeatureSpec]:
    """Yield the built-in features."""
    yield from _momentum()
    yield from _trend()
    yield from _volatility()
    yield from _shape()
    yield from _volume()


def _feature(
    group: str,
    function: str,
    name: str,
    inputs: tuple[str, ...],
    lookback: int,
    description: str,
    recursive: bool = False,
    **params: Any,
) -> quorate.FeatureSpec:
    return quorate.FeatureSpec(
        name,
        f"{__name__}.{group}:{function}",
        params,
        description=description,
        inputs=inputs,
        lookback=lookback,
        recursive=recursive,
        group=group,
    )


def _momentum() -> Iterator[quorate.FeatureSpec]:
    for n in (1, 2, 5, 10, 20, 60, 126):
        text = f"return of the last {n} bars" if n > 1 else "return of the last bar"
        yield _feature("momentum", "past_return", f"return_{n}", C, n + 1, text, window=n)
    for n in (20, 60):
        text = f"return over volatility, {n} bars"
        yield _feature("momentum", "return_to_volatility", f"return_to_volatility_{n}", C, n + 1, text, window=n)
    text = "return of the last 10 bars less that of the 10 before"
    yield _feature("momentum", "acceleration", "acceleration_10", C, 21, text, window=10)
    for n in (10, 20):
        text = f"rising less falling bars among {n}"
        yield _feature("momentum", "up_share", f"up_share_{n}", C, n + 1, text, window=n)
    for n, lookback in ((5, 50), (14, 127)):
        text = f"Wilder's relative strength index, {n} bars, in -1..1"
        yield _feature("momentum", "rsi", f"rsi_{n}", C, lookback, text, recursive=True, window=n)


def _trend() -> Iterator[quorate.FeatureSpec]:
    for n in (5, 10, 20, 50, 100):
        yield _feature("trend", "sma_ratio", f"sma_ratio_{n}", C, n, f"close against its mean of {n} bars", window=n)
    for fast, slow in ((5, 20), (20, 100)):
        name, text = f"sma_cross_{fast}_{slow}", f"mean of {fast} bars against that of {slow}"
        yield _feature("trend", "sma_cross", name, C, slow, text, fast=fast, slow=slow)
    text = "exponential means of 8 and 17 bars, their difference"
    yield _feature("trend", "macd", "macd", C, 88, text, recursive=True, fast=8, slow=17)
    text = "macd less its exponential mean of 9 bars"
    yield _feature("trend", "macd_histogram", "macd_histogram", C, 96, text, recursive=True, fast=8, slow=17, signal=9)
    for n in (20, 60):
        text = f"close less its mean of {n} bars, in standard deviations"
        yield _feature("trend", "zscore", f"zscore_{n}", C, n, text, window=n)
    for n in (14, 60):
        text = f"close within the range of {n} bars, in -1..1"
        yield _feature("trend", "stochastic", f"stochastic_{n}", HLC, n, text, window=n)
    for n in (20, 60):
        text = f"close against the highest high of {n} bars"
        yield _feature("trend", "below_maximum", f"high_distance_{n}", ("close", "high"), n, text, window=n)
        text = f"close against the lowest low of {n} bars"
        yield _feature("trend", "above_minimum", f"low_distance_{n}", ("close", "low"), n, text, window=n)
    text = "close against the highest close of 126 bars"
    yield _feature("trend", "drawdown", "drawdown_126", C, 126, text, window=126)
    for n in (10, 60):
        text = f"net move over the path of {n} bars"
        yield _feature("trend", "efficiency_ratio", f"efficiency_ratio_{n}", C, n + 1, text, window=n)
    text = "upward less downward movement over the true range, 14 bars"
    yield _feature("trend", "directional_movement", "directional_movement_14", HLC, 15, text, window=14)


def _volatility() -> Iterator[quorate.FeatureSpec]:
    for n in (5, 20, 60):
        text = f"standard deviation of {n} returns"
        yield _feature("volatility", "volatility", f"volatility_{n}", C, n + 1, text, window=n)
    for fast, slow in ((5, 20), (20, 60)):
        name, text = f"volatility_ratio_{fast}_{slow}", f"volatility of {fast} bars against that of {slow}"
        yield _feature("volatility", "volatility_ratio", name, C, slow + 1, text, fast=fast, slow=slow)
    text = "standard deviation of 20 gaps"
    yield _feature("volatility", "overnight_volatility", "overnight_volatility_20", OC, 21, text, window=20)
    text = "Wilder's average true range, 14 bars, over the close"
    yield _feature("volatility", "atr", "atr_14", HLC, 127, text, recursive=True, window=14)
    text = "volatility from the highs and lows of 20 bars"
    yield _feature("volatility", "parkinson", "parkinson_20", HL, 20, text, window=20)
    text = "volatility from all four prices of 20 bars"
    yield _feature("volatility", "garman_klass", "garman_klass_20", OHLC, 20, text, window=20)
    text = "standard deviation of 20 closes over their mean"
    yield _feature("volatility", "bollinger_width", "bollinger_width_20", C, 20, text, window=20)
    text = "mean range of 5 bars against that of 20"
    yield _feature("volatility", "range_trend", "range_trend_5_20", HLC, 20, text, fast=5, slow=20)
    text = "squared returns of falling less rising bars among 20"
    yield _feature("volatility", "downside_share", "downside_share_20", C, 21, text, window=20)
    for n in (20, 60):
        text = f"skewness of {n} returns"
        yield _feature("volatility", "skewness", f"skewness_{n}", C, n + 1, text, window=n)
    text = "correlation of 20 returns with those a bar before"
    yield _feature("volatility", "autocorrelation", "autocorrelation_20", C, 22, text, window=20)


def _shape() -> Iterator[quorate.FeatureSpec]:
    yield _feature("shape", "gap", "gap", OC, 2, "open against the close before")
    yield _feature("shape", "overnight_return", "overnight_return_20", OC, 21, "sum of 20 gaps", window=20)
    yield _feature("shape", "body", "body", OC, 1, "close against the open")
    yield _feature("shape", "body_share", "body_share", OHLC, 1, "body over the range, in -1..1")
    yield _feature("shape", "upper_shadow", "upper_shadow", ("open", "high", "close"), 1, "high above the body")
    yield _feature("shape", "lower_shadow", "lower_shadow", ("open", "low", "close"), 1, "low below the body")
    yield _feature("shape", "bar_range", "bar_range", HLC, 1, "high less low over the close")
    yield _feature("shape", "range_ratio", "range_ratio_20", HL, 20, "range against its mean of 20 bars", window=20)
    text = "close within the bar's range, in -1..1"
    yield _feature("shape", "close_location", "close_location", HLC, 1, text, window=1)
    text = "close within the bar's range, mean of 10 bars"
    yield _feature("shape", "close_location", "close_location_10", HLC, 10, text, window=10)


def _volume() -> Iterator[quorate.FeatureSpec]:
    for n in (5, 20, 60):
        text = f"volume against its mean of {n} bars"
        yield _feature("volume", "volume_ratio", f"volume_ratio_{n}", ("volume",), n, text, window=n)
    text = "volume less its mean of 20 bars, in standard deviations"
    yield _feature("volume", "volume_zscore", "volume_zscore_20", ("volume",), 20, text, window=20)
    for fast, slow in ((5, 20), (20, 60)):
        name, text = f"volume_trend_{fast}_{slow}", f"mean volume of {fast} bars against that of {slow}"
        yield _feature("volume", "volume_trend", name, ("volume",), slow, text, fast=fast, slow=slow)
    text = "standard deviation of 20 volumes over their mean"
    yield _feature("volume", "volume_variation", "volume_variation_20", ("volume",), 20, text, window=20)
    text = "value traded at rising less falling prices, 14 bars"
    yield _feature("volume", "money_flow", "money_flow_14", HLCV, 15, text, window=14)
    text = "volume of rising less falling bars among 20"
    yield _feature("volume", "signed_volume", "signed_volume_20", CV, 21, text, window=20)
    text = "close within the bars' ranges, weighted by volume, 20 bars"
    yield _feature("volume", "accumulation", "accumulation_20", HLCV, 20, text, window=20)
    for fast, slow in ((5, 20), (20, 60)):
        name, text = f"illiquidity_{fast}_{slow}", f"price impact of {fast} bars against that of {slow}"
        yield _feature("volume", "illiquidity", name, CV, slow + 1, text, fast=fast, slow=slow)
    text = "correlation of 20 returns with volumes"
    yield _feature("volume", "volume_return_correlation", "volume_return_correlation_20", CV, 21, text, window=20)
    text = "close against the volume-weighted price of 20 bars"
    yield _feature("volume", "vwap_distance", "vwap_distance_20", HLCV, 20, text, window=20)
