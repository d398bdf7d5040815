"""Rules for metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from quorate.errors import near_misses
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.markets import performance, undefined
from quorate.testing.reference_cases import ALIASES, Case, cases, either_sign, names
from quorate.testing.tools import altered
from quorate.testing.tools.compare import number
from quorate.testing.tools.constants import in_proportion
from quorate.testing.tools.fresh import fresh
from quorate.testing.tools.identity import demand_no_memory
from quorate.testing.tools.measured import (
    NAN,
    check_no_risk,
    check_nothing_to_average,
    close,
    extremes,
    missing,
    one_sided,
    same,
    spec_of,
    value_of,
)

# Bars of a year that authors write down: days, weeks, months, hours of a session, and square roots of the first.
YEARS = (252, 250, 251, 253, 260, 261, 365, 365.25, 360, 52, 12, 1638, 8760, 252**0.5, 365**0.5)
PERCENT = (100, 0.01, 10_000, 0.0001)


def check_metric_computes(plugin: Plugin) -> str | None:
    """A number on every ordinary performance, its forecasts probabilities or expected returns."""
    given = altered.ordinary()
    defined = [name for name, p in given.items() if math.isfinite(value_of(plugin, p, name))]
    return None if defined else "it was NaN on every sample performance"


@after("computes", "deterministic")
def check_metric_undefined_is_nan(plugin: Plugin) -> str | None:
    """Where it is undefined it is NaN: it never raises, is never infinite, and is not zero for want of data."""
    for name, p in {**missing(), **undefined(), **one_sided()}.items():
        value = value_of(plugin, p, name)
        if math.isinf(value):
            raise Violation(
                f"on the performance {name!r} it is {value}: a figure with nothing to divide by is undefined. "
                f"Look at the denominator and {NAN}",
                performance=name,
                expected="NaN or a finite number",
                found=str(value),
            )
    value_of(plugin, altered.with_returns(performance(), np.full(300, -1.0)), "all was lost on the first bar")
    check_no_risk(plugin)
    check_nothing_to_average(plugin)
    return None


@after("computes", "deterministic")
def check_metric_unit(plugin: Plugin) -> str | None:
    """The declared unit fits: currency grows with the capital, nothing else does; a count is a whole number."""
    unit = spec_of(plugin).unit
    for name, p in altered.ordinary().items():
        value = value_of(plugin, p, name)
        if not math.isfinite(value) or value == 0:
            continue
        larger = value_of(plugin, altered.enlarged(p, 10.0), f"{name}, with ten times the capital")
        expected = value * 10 if unit == "currency" else value
        if not close(larger, expected, 1e-6):
            how = "10 times as much" if unit == "currency" else "the same"
            other = (
                "declare the unit it has" if unit == "currency" else 'divide by the capital, or declare unit="currency"'
            )
            raise Violation(
                f"unit={unit!r}, but with ten times the capital, sizes, gains and costs it goes from {value:g} to "
                f"{larger:g}; it must be {how}: {other}",
                performance=name,
                expected=expected,
                found=larger,
            )
        _check_size(plugin, unit, value, name)
    if unit == "fraction":
        _check_percent(plugin)
    return None


@after("computes", "deterministic")
def check_metric_direction(plugin: Plugin) -> str | None:
    """``higher_is_better`` agrees: what is better in every way does not get a worse value."""
    higher = spec_of(plugin).higher_is_better
    if higher is None:
        raise NotApplicable("higher_is_better is None: neither is better")
    moved: set[str] = set()
    for part, group in altered.BETTER:
        if part in moved:
            continue
        found = [(label, *pair) for label, alter in group for pair in _moves(plugin, alter) if pair[0] != pair[1]]
        if not found or found[0][0] != group[0][0]:  # what the first leaves alone, the others need not make better
            continue
        moved.add(part)
        if all((after < before) == higher for _, before, after in found):
            label, before, after = found[0]
            raise Violation(
                f"higher_is_better={higher}, but when {label} it goes from {number(before, after)} to "
                f"{number(after, before)}, which "
                f"would be worse: declare higher_is_better={not higher}, or turn the sign of the value",
                change=label,
                before=before,
                after=after,
            )
    return None if moved else "no sample improvement of returns, trades or forecasts changes it"


@after("computes", "deterministic")
def check_metric_annualisation(plugin: Plugin) -> str | None:
    """``annualised`` says whether the number depends on how many bars a year has."""
    declared = spec_of(plugin).annualised
    samples = altered.ordinary()
    seen = False
    for name, p in samples.items():
        value = value_of(plugin, p, name)
        if not math.isfinite(value) or (declared and value == 0):
            continue
        seen = True
        others = [replace(p, bars_per_year=1008.0)]
        if declared:  # per year already, or by the calendar: both are the platform's own figures
            spread = p.times[0] + (p.times - p.times[0]) * 3
            others += [replace(p, bars_per_year=1008.0, turnover=p.turnover * 4), replace(p, times=spread)]
        found = [value_of(plugin, other, f"{name}, with 1008 bars a year") for other in others]
        changed = [v for v in found if not close(v, value, 1e-9)]
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
    if seen:
        _check_year(plugin)
    if declared and seen:
        raise Violation(
            "annualised=True, but it is the same with 252 and with 1008 bars a year. If it is meant as a figure per "
            "year, it must scale with performance.bars_per_year (a mean by it, a deviation or a ratio of both by its "
            "square root), and no fixed number; only a figure that is none per year is annualised=False",
            expected="another value",
        )
    if not seen:
        raise NotApplicable("it was undefined or zero on every sample performance")
    return None


@after("computes", "deterministic")
def check_metric_order_free(plugin: Plugin) -> str | None:
    """It does not depend on the order of the bars, unless it says so by ``ordered=True``."""
    ordered = spec_of(plugin).ordered
    moved = False
    for name, p in altered.ordinary().items():
        value = value_of(plugin, p, name)
        for part in ("returns", "trades", "forecasts"):
            other = value_of(plugin, altered.shuffled(p, part), f"{name}, {part} in another order")
            if close(other, value, 1e-8):
                continue
            moved = True
            if not ordered:
                raise Violation(
                    f"with the same {part} in another order it goes from {number(value, other)} to "
                    f"{number(other, value)}: declare "
                    "ordered=True, if the order is meant to matter (a drawdown, a streak), or do not let it",
                    part=part,
                    expected=value,
                    found=other,
                )
    return "ordered=True, but no sample order changed it" if ordered and not moved else None


@after("computes")
def check_metric_deterministic(plugin: Plugin) -> str | None:
    """The same performance gives the same number, whatever was measured before."""
    demand_no_memory(plugin)
    anew = fresh(plugin)
    first = value_of(anew, performance(seed=3), "a performance")
    second = value_of(anew, performance(seed=3), "the same performance")
    if not same(first, second):
        raise Violation(
            f"the same performance gave {first!r} and, asked again, {second!r}: seed what is drawn at random with a "
            "fixed number, e.g. np.random.default_rng(0), and keep nothing between calls",
            expected=first,
            found=second,
        )
    for name, p in extremes().items():
        value_of(plugin, p, name)
        again = value_of(plugin, performance(seed=3), "the first performance again")
        if not same(first, again):
            raise Violation(
                f"the same performance gave {first!r} at first and {again!r} after {name!r}: it remembers an earlier "
                "call. Compute the value from the given performance alone; keep nothing in globals, defaults, caches "
                "or attributes",
                after=name,
                expected=first,
                found=again,
            )
    return None


@after("computes")
def check_metric_input_unmodified(plugin: Plugin) -> str | None:
    """The performance is as it was: arrays and trades are shared with every other metric and gate."""
    for name, p in altered.ordinary().items():
        before = altered.snapshot(p)
        value_of(plugin, p, name)
        field = altered.first_change(before, altered.snapshot(p))
        if field is not None:
            raise Violation(
                f"it changed performance.{field} in place, which every metric and gate after it reads: work on a "
                f"copy, e.g. performance.{field}.copy()",
                field=field,
                performance=name,
            )
    return None


@after("computes", "deterministic")
def check_metric_reference(plugin: Plugin) -> str | None:
    """It agrees with the published values of the statistic that ``reference`` names."""
    reference = spec_of(plugin).reference
    if not reference:
        raise NotApplicable("no reference is declared")
    statistic = ALIASES.get(reference, reference.replace("-", "_"))
    if statistic not in names():
        raise Violation(
            f"reference={reference!r} is no known statistic: it must be one of {', '.join(names())}"
            f"{near_misses(reference, {*names(), *ALIASES})}",
            found=reference,
            expected=list(names()),
        )
    known = cases(statistic)
    found = {case.name: value_of(plugin, case.performance(), f"of the reference case {case.name}") for case in known}
    signs = (1, -1) if either_sign(statistic) else (1,)
    wrong = [(sign, [case for case in known if not case.agrees(sign * found[case.name])]) for sign in signs]
    sign, failed = min(wrong, key=lambda pair: len(pair[1]))
    if failed:
        _differs(failed[0], sign, found[failed[0].name])
    return f"{len(known)} cases"


def _differs(case: Case, sign: int, value: float) -> None:
    expected = "NaN" if case.expected is None else f"{sign * case.expected + 0.0:.10g}"
    note = f". {case.note}" if case.note else ""
    raise Violation(
        f"in the case {case.name!r} it is {value:.10g}; {case.statistic} is {expected} there, +- {case.tolerance:g} "
        f"({case.source}){note}. Follow that definition, or drop the reference",
        case=case.name,
        expected=expected,
        found=str(value),
        inputs=dict(case.inputs),
    )


def _moves(plugin: Plugin, alter: altered.Alter) -> list[tuple[float, float]]:
    """Return the values before and after of every sample that has both; two that hardly differ are equal."""
    out = []
    for seed in (0, 10):
        for name, p in altered.ordinary(seed=seed).items():
            before, after = value_of(plugin, p, name), value_of(plugin, alter(p), f"{name}, made better")
            if math.isfinite(before) and math.isfinite(after):
                out.append((before, before if close(before, after, 1e-7) else after))
    return out


def _check_year(plugin: Plugin) -> None:
    """Raise, if it is in proportion to a number of bars per year that is written down, whatever market there is."""
    if any(not close(*pair, 1e-9) for pair in _by_the_calendar(plugin)):
        return
    found = in_proportion(plugin, YEARS, lambda one: _values(one), compounded=True)
    if found is not None:
        raise Violation(
            f"it is in proportion to the number {found[0]:g} (line {found[1]}), or to its root: it is annualised as if "
            "every market had as many bars a year; hourly bars, or a market that never closes, have others. Take "
            "performance.bars_per_year in its place, and declare annualised=True",
            number=found[0],
            line=found[1],
        )


def _by_the_calendar(plugin: Plugin) -> list[tuple[float, float]]:
    """Return values beside those with the same bars spread over three times as long: a year of days is no market's."""
    found = []
    for name, p in altered.ordinary().items():
        later = replace(p, times=p.times[0] + (p.times - p.times[0]) * 3)
        found.append((value_of(plugin, p, name), value_of(plugin, later, f"{name}, over a longer time")))
    return found


def _values(plugin: Plugin) -> list[float]:
    return [value_of(plugin, p, name) for name, p in altered.ordinary().items()]


def _check_percent(plugin: Plugin) -> None:
    found = in_proportion(plugin, PERCENT, _values)
    if found is not None:
        many = {True: "per cent", False: "basis points"}[found[0] in (100, 0.01)]
        raise Violation(
            f"unit='fraction', but it is in proportion to the number {found[0]:g} (line {found[1]}): it is in {many}, "
            "and "
            "a report, which prints a fraction as a percentage, would show it a hundred or more times too large. "
            "Return "
            "the fraction itself, 0.02 for 2 %, or declare unit='ratio'",
            number=found[0],
            line=found[1],
        )


def _check_size(plugin: Plugin, unit: str, value: float, name: str) -> None:
    if unit == "count" and not spec_of(plugin).annualised and (value < 0 or value != round(value)):
        raise Violation(
            f"unit='count', but it is {value:g}: a count is a whole number that is not negative. Declare unit='ratio'",
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
