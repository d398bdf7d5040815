"""What was earned beside the user's own benchmark and factors: active return, betas, and alpha."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.bars.references import Aligned, ReferenceSeries, align
from quorate.errors import plural
from quorate.evidence.evidence import AlongFactors, Performance
from quorate.statistics import Coefficient, Floats

LEAST = 126  # bars in common, below which nothing is told
LEAST_PERIODS = 36  # of longer periods, such as months
CONFIDENCE = 0.9  # of intervals
Told = dict[str, Any]


def along_factors(span: Bars, judged: Performance) -> AlongFactors | None:
    """Return what a series earned beside the recipe's factors; None, where there are none."""
    one = span.factors
    return None if one is None else _along(one, align(one, span.times, span.sessions), judged)


def _along(one: ReferenceSeries, found: Aligned, performance: Performance) -> AlongFactors:
    factors = np.column_stack([found.values[name] for name in one.names])
    if one.rate:  # what cash earns by the factors' own file, in place of the recipe's
        own = found.earned(performance.total_returns) - found.values[one.rate]
    else:
        own = found.earned(performance.returns)
    per_year, reason = _per_year(found, performance), _too_little(one, found, factors)
    return AlongFactors(one.names, own, factors, per_year, found.bars, reason)


def factor_facts(span: Bars, series: dict[str, Performance]) -> Told:
    """Return what the report tells of the factors, by series; nothing, where the recipe has none."""
    one = span.factors
    if one is None:
        return {}
    found = align(one, span.times, span.sessions)
    along = {name: _along(one, found, performance) for name, performance in series.items()}
    first = next(iter(along.values()))
    rows = [
        {"series": name, **_model(own.returns, own.factors, own.names, own.per_year)}
        for name, own in along.items()
        if not first.reason
    ]
    told = {"names": list(one.names), "rate": one.rate or None}
    return {**told, **_facts(span, found, first.per_year, first.reason), "series": rows}


def benchmark_facts(span: Bars, series: dict[str, Performance]) -> Told:
    """Return what the report tells of the recipe's own benchmark, by series; nothing, where it has none."""
    one = span.benchmark
    if one is None:
        return {}
    found = align(one, span.times, span.sessions)
    (market,) = found.values.values()
    first = next(iter(series.values()))
    per_year, reason = _per_year(found, first), _too_little(one, found, market[:, None])
    told = {"name": one.name, "prices": one.prices, **_facts(span, found, per_year, reason)}
    if reason:
        return {**told, "series": []}
    rows = [
        {"series": name, **_active(found, performance, market, one.name, per_year)}
        for name, performance in series.items()
    ]
    curve, stamps = statistics.equity_curve(market), span.times[[found.begin[0], *found.end]]
    own = {"cagr": statistics.cagr_calendar(curve, stamps), "volatility": statistics.volatility(market, per_year)}
    return {**told, **own, "max_drawdown": statistics.max_drawdown(curve), "series": rows}


def _active(found: Aligned, performance: Performance, market: Floats, name: str, per_year: float) -> Told:
    returns = found.earned(performance.total_returns)
    cash = returns - found.earned(performance.returns)  # nothing, where the recipe has none
    active = statistics.mean_test(returns - market, confidence=(1 + CONFIDENCE) / 2)
    up, down = statistics.capture(returns, market)
    model = _model(returns - cash, (market - cash)[:, None], (name,), per_year)
    (beta,) = model.pop("betas")
    varies = min(float(np.std(one)) for one in (returns, market)) >= statistics.TINY
    return {
        "active": active.mean * per_year,
        "active_low": active.low * per_year,
        "active_high": (2 * active.mean - active.low) * per_year,
        "tracking_error": active.sd * math.sqrt(per_year),
        "information_ratio": statistics.information_ratio(returns, market, per_year),
        "up_capture": up,
        "down_capture": down,
        "max_drawdown": statistics.max_drawdown(statistics.equity_curve(returns)),
        "correlation": float(np.corrcoef(returns, market)[0, 1]) if varies else math.nan,
        **{name: model[name] for name in ("alpha", "alpha_low", "alpha_high", "p_value")},
        **{name: beta[name] for name in ("beta", "beta_low", "beta_high")},
    }


def _model(returns: Floats, factors: Floats, names: tuple[str, ...], per_year: float) -> Told:
    """Return alpha a year, the betas, and what is left."""
    found = statistics.factor_model(returns, factors, CONFIDENCE)
    yearly = {key: value * per_year for key, value in _interval("alpha", found.alpha).items()}
    return {
        **yearly,
        "p_value": found.p_above,
        "r_squared": found.r_squared,
        "residual": found.residual * math.sqrt(per_year),
        "appraisal": found.appraisal * math.sqrt(per_year),
        "betas": [
            {"factor": name, **_interval("beta", one), "p_value": one.p_value}
            for name, one in zip(names, found.betas, strict=True)
        ],
    }


def _interval(name: str, one: Coefficient) -> dict[str, float]:
    return {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}


def _facts(span: Bars, found: Aligned, per_year: float, reason: str) -> Told:
    """Return over which periods something is told, and why nothing is."""
    some = len(found.end) > 0
    return {
        "periods": len(found.end),
        "per_year": per_year,
        "bars": found.bars,
        "left_out": found.left_out,
        "first": str(span.sessions[found.begin[0]]) if some else None,
        "last": str(span.sessions[found.end[-1]]) if some else None,
        **({"reason": reason} if reason else {}),
    }


def _per_year(found: Aligned, performance: Performance) -> float:
    """Return how many periods a year has, by the bars that they span."""
    return performance.bars_per_year * len(found.end) / found.bars if found.bars else performance.bars_per_year


def _too_little(one: ReferenceSeries, found: Aligned, factors: Floats) -> str:
    """Return why nothing can be said; empty, where something can."""
    n = len(found.end)
    if found.bars < LEAST:
        return f"{plural(found.bars, 'bar')} in common, and {LEAST} are needed"
    if n < found.bars and n < LEAST_PERIODS:
        return f"{plural(n, 'period')} in common, and {LEAST_PERIODS} are needed"
    at = statistics.factor_model(factors.sum(axis=1), factors).dependent
    if at is not None:
        return f"{one.names[at]} does not vary here, or is made of the factors before it"
    return ""
