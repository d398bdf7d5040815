"""Metrics of the symbols of a bar among each other; NaN where no bar has three of them."""

from __future__ import annotations

import quorate


def rank_ic(performance: quorate.Performance) -> float:
    """Return the mean rank correlation of forecasts and labels across the symbols of a bar."""
    return _tested(performance).mean


def rank_ic_low(performance: quorate.Performance) -> float:
    """Return what that mean is above with 95 % confidence, labels that overlap allowed for."""
    return _tested(performance).low


def rank_ic_t(performance: quorate.Performance) -> float:
    """Return that mean over its standard error, labels that overlap allowed for."""
    return _tested(performance).t


def rank_ic_positive(performance: quorate.Performance) -> float:
    """Return the share of bars with a rank correlation above zero."""
    return _tested(performance).positive


def quantile_spread(performance: quorate.Performance) -> float:
    """Return the mean label of the highest fifth of forecasts less that of the lowest, bar by bar, mean over bars."""
    p = performance
    return quorate.statistics.mean_test(quorate.statistics.bucket_spread(p.labels, p.predictions, p.forecast_bar)).mean


def _tested(performance: quorate.Performance) -> quorate.statistics.MeanTest:
    p = performance
    return quorate.statistics.rank_ic(p.labels, p.predictions, p.forecast_bar, p.horizon)
