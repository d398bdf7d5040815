"""Rules for metrics."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from quorate.evidence import Performance
from quorate.providers import Plugin
from quorate.specs import MetricSpec
from quorate.testing import _altered as altered
from quorate.testing._altered import quiet
from quorate.testing._base import NotApplicable, Violation
from quorate.testing.market import performance, undefined
from quorate.testing.reference_cases import cases, names

NAN = "return math.nan where it is undefined"


def check_metric_computes(plugin: Plugin) -> str | None:
    """A number on every ordinary performance: binary or not, with and without trades and forecasts."""
    none = np.empty(0)
    given = altered.ordinary()
    defined = [name for name, p in given.items() if math.isfinite(_value(plugin, p, name))]
    for name, p in {
        "no closed trade": performance(trades=none),
        "no forecasts, as for buy and hold": performance(predictions=none, labels=none),
    }.items():
        _value(plugin, p, name)
    return None if defined else "it was NaN on every sample performance"


def check_metric_undefined_is_nan(plugin: Plugin) -> str | None:
    """Where it is undefined it is NaN: it never raises, is never infinite, and is not zero for want of data."""
    for name, p in {**undefined(), **_one_sided()}.items():
        value = _value(plugin, p, name)
        if math.isinf(value):
            raise Violation(
                f"on the performance {name!r} it is {value}: a figure with nothing to divide by is undefined. "
                f"Look at the denominator and {NAN}",
                performance=name,
                expected="NaN or a finite number",
                found=str(value),
            )
    _value(plugin, altered.with_returns(performance(), np.full(300, -1.0)), "all was lost on the first bar")
    _check_no_risk(plugin)
    _check_nothing_to_average(plugin)
    return None


def check_metric_unit(plugin: Plugin) -> str | None:
    """The declared unit fits: currency grows with the capital, nothing else does; a count is a whole number."""
    unit = _spec(plugin).unit
    for name, p in altered.ordinary().items():
        value = _value(plugin, p, name)
        if not math.isfinite(value) or value == 0:
            continue
        larger = _value(plugin, altered.enlarged(p, 10.0), f"{name}, with ten times the capital")
        expected = value * 10 if unit == "currency" else value
        if not _close(larger, expected, 1e-6):
            how = "10 times as much" if unit == "currency" else "the same"
            other = "declare the unit it has" if unit == "currency" else 'divide by the capital, or declare unit="currency"'
            raise Violation(
                f"unit={unit!r}, but with ten times the capital, sizes, gains and costs it goes from {value:g} to "
                f"{larger:g}; it must be {how}: {other}",
                performance=name,
                expected=expected,
                found=larger,
            )
        _check_size(plugin, unit, value, name)
    return None


def check_metric_direction(plugin: Plugin) -> str | None:
    """``higher_is_better`` agrees: what is better in every way does not get a worse value."""
    higher = _spec(plugin).higher_is_better
    if higher is None:
        raise NotApplicable("higher_is_better is None: neither is better")
    moved = False
    for group in altered.BETTER:
        found = [_moves(plugin, alter) for _, alter in group]
        if not any(any(after != before for before, after in moves) for moves in found):
            continue
        moved = True
        worse = [(after < before) == higher and after != before for moves in found for before, after in moves]
        if worse and all(worse):
            before, after = found[0][0]
            raise Violation(
                f"higher_is_better={higher}, but when {group[0][0]} it goes from {before:.6g} to {after:.6g}, which "
                f"would be worse: declare higher_is_better={not higher}, or turn the sign of the value",
                change=group[0][0],
                before=before,
                after=after,
            )
        if group is altered.BETTER[0] or group is altered.BETTER[2]:
            break
    return None if moved else "no sample improvement changes it: consider higher_is_better=None"


def check_metric_annualisation(plugin: Plugin) -> str | None:
    """``annualised`` says whether the number depends on how many bars a year has."""
    declared = _spec(plugin).annualised
    samples = altered.ordinary()
    seen = False
    for name, p in samples.items():
        value = _value(plugin, p, name)
        if not math.isfinite(value) or (declared and value == 0):
            continue
        seen = True
        others = [replace(p, bars_per_year=1008.0)]
        if declared:  # per year already, or by the calendar: both are the platform's own figures
            spread = p.times[0] + (p.times - p.times[0]) * 3
            others += [replace(p, bars_per_year=1008.0, turnover=p.turnover * 4), replace(p, times=spread)]
        found = [_value(plugin, other, f"{name}, with 1008 bars a year") for other in others]
        changed = [v for v in found if not _close(v, value, 1e-9)]
        if changed and not declared:
            raise Violation(
                f"annualised=False, but it is {value:g} with 252 bars a year and {changed[0]:g} with 1008: "
                "declare annualised=True, so that a reader knows it is a figure per year",
                performance=name,
                expected=value,
                found=changed[0],
            )
        if changed:
            return None
    if declared and seen:
        raise Violation(
            "annualised=True, but it is the same with 252 and with 1008 bars a year: scale it by "
            "performance.bars_per_year instead of a fixed number, or declare annualised=False",
            expected="another value",
        )
    if not seen:
        raise NotApplicable("it was undefined or zero on every sample performance")
    return None


def check_metric_order_free(plugin: Plugin) -> str | None:
    """It does not depend on the order of the bars, unless it says so by ``ordered=True``."""
    ordered = _spec(plugin).ordered
    moved = False
    for name, p in altered.ordinary().items():
        value = _value(plugin, p, name)
        for part in ("returns", "trades", "forecasts"):
            other = _value(plugin, altered.shuffled(p, part), f"{name}, {part} in another order")
            if _close(other, value, 1e-8):
                continue
            moved = True
            if not ordered:
                raise Violation(
                    f"with the same {part} in another order it goes from {value:.9g} to {other:.9g}: declare "
                    "ordered=True, if the order is meant to matter (a drawdown, a streak), or do not let it",
                    part=part,
                    expected=value,
                    found=other,
                )
    return "ordered=True, but no sample order changed it" if ordered and not moved else None


def check_metric_deterministic(plugin: Plugin) -> str | None:
    """The same performance gives the same number, whatever was measured before."""
    one, other = performance(seed=3), performance(seed=4)
    first = _value(plugin, one, "a performance")
    _value(plugin, other, "another performance")
    again = _value(plugin, performance(seed=3), "the same performance")
    if not _same(first, again):
        raise Violation(
            f"the same performance gave {first!r} and then {again!r}: seed what is drawn at random with a fixed "
            "number, and keep nothing between calls",
            expected=first,
            found=again,
        )
    return None


def check_metric_input_unmodified(plugin: Plugin) -> str | None:
    """The performance is as it was: arrays and trades are shared with every other metric and gate."""
    for name, p in altered.ordinary().items():
        before = altered.snapshot(p)
        _value(plugin, p, name)
        field = altered.first_change(before, altered.snapshot(p))
        if field is not None:
            raise Violation(
                f"it changed performance.{field} in place, which every metric and gate after it reads: work on a "
                f"copy, e.g. performance.{field}.copy()",
                field=field,
                performance=name,
            )
    return None


def check_metric_reference(plugin: Plugin) -> str | None:
    """It agrees with the published values of the statistic that ``reference`` names."""
    reference = _spec(plugin).reference
    if not reference:
        raise NotApplicable("no reference is declared")
    if reference not in names():
        raise Violation(
            f"reference={reference!r} is no known statistic: it must be one of {', '.join(names())}",
            found=reference,
            expected=list(names()),
        )
    known = cases(reference)
    for case in known:
        value = _value(plugin, case.performance(), f"of the reference case {case.name}")
        agrees = math.isnan(value) if case.expected is None else abs(value - case.expected) <= case.tolerance
        if not agrees:
            expected = "NaN" if case.expected is None else f"{case.expected:.10g}"
            raise Violation(
                f"in the case {case.name!r} it is {value:.10g}; {reference} is {expected} there, +- {case.tolerance:g} "
                f"({case.source}). {case.note}. The inputs are in quorate.testing.reference_cases".replace(". .", "."),
                case=case.name,
                expected=expected,
                found=str(value),
                inputs=dict(case.inputs),
            )
    return f"{len(known)} cases"


def _spec(plugin: Plugin) -> MetricSpec:
    assert isinstance(plugin.spec, MetricSpec)
    return plugin.spec


def _value(plugin: Plugin, p: Performance, name: str) -> float:
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


def _close(a: float, b: float, tolerance: float) -> bool:
    return _same(a, b) or abs(a - b) <= tolerance * max(abs(a), abs(b)) + tolerance * 1e-3


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _moves(plugin: Plugin, alter: altered.Alter) -> list[tuple[float, float]]:
    """Return the values before and after of every sample that has both, the very close ones as equal."""
    out = []
    for seed in (0, 10):
        for name, p in altered.ordinary(seed=seed).items():
            before, after = _value(plugin, p, name), _value(plugin, alter(p), f"{name}, made better")
            if math.isfinite(before) and math.isfinite(after):
                out.append((before, before if _close(before, after, 1e-7) else after))
    return out


def _one_sided() -> dict[str, Performance]:
    """Return performances on which one half of a ratio is missing."""
    rng = np.random.default_rng(8)
    gains = np.abs(rng.normal(0.001, 0.01, 300)) + 1e-4
    half = np.full(300, 0.5)
    return {
        "every return and trade gains": performance(gains, trades=gains[::10]),
        "every return and trade loses": performance(-gains, trades=-gains[::10]),
        "no trade gains or loses": performance(trades=np.zeros(20)),
        "one closed trade": performance(trades=np.array([0.02])),
        "one class of labels": performance(labels=np.ones(300), predictions=half + 0.1),
        "all forecasts alike": performance(predictions=half),
    }


def _check_no_risk(plugin: Plugin) -> None:
    """Raise, if a ratio whose limit for ever smaller positions depends on the series is a number at none at all."""
    if _spec(plugin).unit != "ratio":
        return
    limits = []
    for seed in (0, 1):
        p = performance(seed=seed)
        a, b, near = (
            _value(plugin, altered.with_returns(p, r), "small returns")
            for r in (p.returns * 1e-3, p.returns * 1e-4, p.returns * 1e-3 * (1 + 1e-3 * np.sin(np.arange(300))))
        )
        if not math.isfinite(a + b + near) or not _close(a, b, 0.02) or _close(a, near, 1e-9):
            return
        limits.append(a)
    if _close(limits[0], limits[1], 0.05):
        return
    p = altered.with_returns(performance(), np.zeros(300))
    value = _value(plugin, p, "the returns are all zero")
    if not math.isnan(value):
        raise Violation(
            f"when all returns are zero it is {value:g}, but it is a ratio with nothing to divide by: {limits[0]:.3g} "
            f"and {limits[1]:.3g} for two series however small the positions. Where the denominator is zero "
            "return math.nan, not a number that reads like a result",
            performance="the returns are all zero",
            expected="NaN",
            found=value,
        )


def _check_nothing_to_average(plugin: Plugin) -> None:
    """Raise, if an average or share over trades or forecasts is a number when there are none."""
    empty = np.empty(0, dtype=np.int64)
    for what, p in (("closed trades", performance(seed=2)), ("forecasts", performance(seed=2))):
        keep = altered.with_trades if what == "closed trades" else altered.with_forecasts
        n = len(p.trades) if what == "closed trades" else len(p.labels)
        every = np.arange(n)
        value = _value(plugin, p, "ordinary")
        twice = _value(plugin, keep(p, np.repeat(every, 2)), f"all {what} twice")
        some = [_value(plugin, keep(p, np.append(every, [i] * 5)), f"one of the {what} six times") for i in (1, 2, 3)]
        if not math.isfinite(value) or not _close(value, twice, 1e-9) or any(_close(value, s, 1e-9) for s in some):
            continue
        found = _value(plugin, keep(p, empty), f"no {what}")
        if not math.isnan(found):
            raise Violation(
                f"without {what} it is {found:g}: an average or share of nothing is undefined. Where there are no "
                f"{what} return math.nan, not a number that reads like a result",
                performance=f"no {what}",
                expected="NaN",
                found=found,
            )


def _check_size(plugin: Plugin, unit: str, value: float, name: str) -> None:
    if unit == "count" and not _spec(plugin).annualised and (value < 0 or value != round(value)):
        raise Violation(
            f"unit='count', but it is {value:g}: a count is a whole number that is not negative. "
            "Declare unit='ratio'",
            performance=name,
            found=value,
            expected="a whole number >= 0",
        )
    if unit == "fraction" and abs(value) > 5:
        raise Violation(
            f"unit='fraction', but it is {value:g} on a mild series of returns, which prints as {value:.0%}: "
            "return the fraction itself, 0.5 for 50 %, or declare unit='ratio'",
            performance=name,
            found=value,
            expected="a fraction",
        )
