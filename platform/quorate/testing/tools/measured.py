"""What a metric gives, and whether it is undefined where it must be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quorate.evidence.evidence import Performance
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import MetricSpec
from quorate.testing._base import Violation
from quorate.testing.markets import performance
from quorate.testing.tools import altered
from quorate.testing.tools.altered import quiet

NAN = "return math.nan where it is undefined"


def spec_of(plugin: Plugin) -> MetricSpec:
    """Return the spec as a metric's."""
    assert isinstance(plugin.spec, MetricSpec)
    return plugin.spec


def value_of(plugin: Plugin, p: Performance, name: str) -> float:
    """Return the metric of a performance, or raise `Violation` naming it."""
    try:
        found = quiet(plugin, p)
    except Violation as e:
        raise Violation(f"on the performance {name!r} {e.message}: {NAN}", performance=name) from e
    try:
        if isinstance(found, str | bytes):
            raise TypeError
        return float(found)
    except (TypeError, ValueError) as e:
        raise Violation(
            f"on the performance {name!r} it returned {_short(found)}; it must return one number: {NAN}",
            performance=name,
            found=_short(found),
            expected="float",
        ) from e


def _short(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:60]!r}"


def close(a: float, b: float, tolerance: float) -> bool:
    """Whether two values are alike, NaN like NaN."""
    return same(a, b) or abs(a - b) <= tolerance * max(abs(a), abs(b)) + tolerance * 1e-3


def same(a: float, b: float) -> bool:
    """Whether two values are equal, NaN like NaN."""
    return a == b or (math.isnan(a) and math.isnan(b))


def missing() -> dict[str, Performance]:
    """Return performances without trades or without forecasts."""
    none = np.empty(0)
    return {
        "no closed trade": performance(trades=none),
        "no forecasts, as for buy and hold": performance(predictions=none, labels=none),
    }


def extremes() -> dict[str, Performance]:
    """Return performances better and worse than any other, and one of another length."""
    rng = np.random.default_rng(9)
    noise = rng.normal(0, 1e-3, 300)
    truth = (rng.random(300) < 0.5).astype(np.float64)
    sure = 0.5 + 0.49 * (2 * truth - 1)
    good, bad = np.abs(noise[:40]) + 0.05, -np.abs(noise[:40]) - 0.05
    return {
        "a much better one": performance(noise + 0.02, trades=good, predictions=sure, labels=truth),
        "a much worse one": performance(noise - 0.02, trades=bad, predictions=1 - sure, labels=truth),
        "another one": performance(seed=4),
        "a short one": performance(seed=5, n=60),
    }


def one_sided() -> dict[str, Performance]:
    """Return performances on which one half of a ratio is missing."""
    rng = np.random.default_rng(8)
    gains = np.abs(rng.normal(0.001, 0.01, 300)) + 1e-4
    half = np.full(300, 0.5)
    alike = np.tile([-0.5, 1.0, -0.5, -0.5, 3.0], 60)  # powers of two: no rounding hides that they are equal
    return {
        "every return and trade gains": performance(gains, trades=gains[::10]),
        "every return and trade loses": performance(-gains, trades=-gains[::10]),
        "no trade gains or loses": performance(trades=np.zeros(20)),
        "one closed trade": performance(trades=np.array([0.02])),
        "one return and trade loses, once": performance(np.append(gains, -0.01), trades=np.append(gains[::10], -0.01)),
        "all losses are equal": performance(alike, trades=alike[:20]),
        "one class of labels": performance(labels=np.ones(300), predictions=half + 0.1),
        "all forecasts alike": performance(predictions=half),
    }


def check_no_risk(plugin: Plugin) -> None:
    """Raise, if a ratio whose limit for ever smaller positions depends on the series is a number at none at all."""
    if spec_of(plugin).unit != "ratio":
        return
    limits = []
    for seed in (0, 1):
        p = performance(seed=seed)
        a, b, near = (
            value_of(plugin, altered.with_returns(p, r), "small returns")
            for r in (p.returns * 1e-3, p.returns * 1e-4, p.returns * 1e-3 * (1 + 1e-3 * np.sin(np.arange(300))))
        )
        if not math.isfinite(a + b + near) or not close(a, b, 0.02) or close(a, near, 1e-9):
            return
        limits.append(a)
    if close(limits[0], limits[1], 0.05):
        return
    p = altered.with_returns(performance(), np.zeros(300))
    value = value_of(plugin, p, "the returns are all zero")
    if not math.isnan(value):
        raise Violation(
            f"when all returns are zero it is {value:g}, but it is a ratio with nothing to divide by: {limits[0]:.3g} "
            f"and {limits[1]:.3g} for two series however small the positions. Where the denominator is zero "
            "return math.nan, not a number that reads like a result",
            performance="the returns are all zero",
            expected="NaN",
            found=value,
        )


def check_nothing_to_average(plugin: Plugin) -> None:
    """Raise, if an average or share over trades or forecasts is a number when there are none."""
    empty = np.empty(0, dtype=np.int64)
    for what, p in (("closed trades", performance(seed=2)), ("forecasts", performance(seed=2))):
        keep = altered.with_trades if what == "closed trades" else altered.with_forecasts
        n = len(p.trades) if what == "closed trades" else len(p.labels)
        every = np.arange(n)
        value = value_of(plugin, p, "ordinary")
        twice = value_of(plugin, keep(p, np.repeat(every, 2)), f"all {what} twice")
        some = [value_of(plugin, keep(p, np.append(every, [i] * 5)), f"one of the {what} six times") for i in (1, 2, 3)]
        if not math.isfinite(value) or not close(value, twice, 1e-9) or any(close(value, s, 1e-9) for s in some):
            continue
        found = value_of(plugin, keep(p, empty), f"no {what}")
        if not math.isnan(found):
            raise Violation(
                f"without {what} it is {found:g}: an average or share of nothing is undefined. Where there are no "
                f"{what} return math.nan, not a number that reads like a result",
                performance=f"no {what}",
                expected="NaN",
                found=found,
            )
