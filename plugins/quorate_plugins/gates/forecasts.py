"""Whether the forecasts themselves are worth anything, however they were traded."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import quorate
from quorate_plugins.gates._base import LEAST, Fraction, Text, chance, counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quorate.statistics import Floats, TwoForecasts


def forecast(evidence: quorate.Evidence, size: Fraction = 0.05) -> quorate.GateResult:
    """Pass, if the forecasts beat the naive one: the mean of all labels that were known at the decision.

    The naive forecast is nested in every model that has a constant, which makes the test of Diebold and
    Mariano too small; the one of Clark and West (2007) is judged, the other printed beside it. A constant that
    happens to be right passes that, so the forecasts must also move with what the naive one missed: the larger
    p-value counts. Labels that overlap are allowed for, and losses that come in calm and in wild times (Lazarus, Lewis,
    Stock and Watson 2018); symbols of one bar are averaged. Fewer than 126 bars decide nothing.

    Parameters
    ----------
    size : float, p-value
        What the larger p-value must be below.
    """
    import numpy as np

    from quorate import statistics

    p = evidence.performance
    known = np.isfinite(p.naive) if len(p.naive) == len(p.labels) else np.zeros(len(p.labels), dtype=bool)
    y, f = p.labels[known], p.predictions[known]
    # Without a naive forecast there is nothing to compare.
    naive, bar = (p.naive[known], p.forecast_bar[known]) if known.any() else (y, np.empty(0, dtype=np.int64))
    h = evidence.horizon
    nested = statistics.clark_west(y, naive, f, h, bar, "any")
    told = statistics.forecast_covariance(y, naive, f, h, bar, "any")
    plain = _compared(y - f, y - naive, h, bar)
    best = _against_best(evidence)
    result = quorate.judge(
        "forecast",
        max(nested.p_better, told.p_better) if math.isfinite(told.p_better) else math.nan,
        "<",
        size,
        undefined="there are too few forecasts with a naive one beside them, or they do not vary",
        unit="p-value",
        uncertainty=f"DM p {chance(plain.p_better)}: {plain.verdict(min(size, 1.0))}"
        if math.isfinite(plain.p_better)
        else "",
        sample=f"{counted(nested.n, 'bar')}, {counted(nested.freedom, 'degree')} of freedom",
        inputs={
            "clark_west": vars(nested),
            "covariance": vars(told),
            "diebold_mariano": vars(plain),
            "horizon": h,
            "against_best_member": best,
        },
    )
    if result.value is None:
        return result.insufficient(result.reason)
    if nested.n < LEAST:
        return result.insufficient(f"needs {LEAST} bars with a forecast to say anything")
    return result if result.verdict == "PASS" else result.failed("no evidence that the forecasts beat the naive one")


def _against_best(evidence: quorate.Evidence) -> dict[str, Any] | None:
    """Return how the ensemble's forecasts compare with those of the member with the least squared error."""
    import numpy as np

    p = evidence.performance
    errors = {
        name: member.labels - member.predictions
        for name, member in evidence.members.items()
        if len(member.labels) == len(p.labels) and np.array_equal(member.forecast_bar, p.forecast_bar)
    }
    errors = {name: e for name, e in errors.items() if len(e) and np.isfinite(e).all()}
    if not errors:
        return None
    best = min(errors, key=lambda name: float(np.mean(errors[name] ** 2)))
    found = _compared(p.labels - p.predictions, errors[best], evidence.horizon, p.forecast_bar)
    return {"member": best, **vars(found)}


class _Interval(NamedTuple):
    """An interval between two quantiles, and how often it held."""

    nominal: float
    covered: quorate.statistics.Covered
    p_value: float


def coverage(
    evidence: quorate.Evidence, size: Fraction = 0.05, precision: Fraction = 0.05, member: Text = ""
) -> quorate.GateResult:
    """Pass, if intervals hold as many labels as they say: 0.05 and 0.95 nine of ten.

    What an interval should hold must lie within the interval of what it held, that of Wilson with as many independent
    bars as the hits are worth: misses come together, and labels overlap (slow cosines, and a t distribution: Lazarus,
    Lewis, Stock and Watson 2018). The value is the p-value of that, of several
    intervals the smallest times their number (Bonferroni). Too narrow and too wide both fail. Where bars are too few to
    tell an interval that is wrong by `precision`, nothing is decided.

    Parameters
    ----------
    size : float, p-value
        What the p-value must reach.
    precision : float, share
        Of the labels, that must be told apart from what should be held.
    member : str
        Whose intervals are judged: a member's; without one those of the judged ensemble.
    """
    found = _intervals(evidence, member)
    worst = min(found, key=lambda one: one.p_value) if found else None
    held = f"{_percent(worst.nominal)} held {_percent(worst.covered.share)}" if worst else ""
    result = quorate.judge(
        "coverage",
        min(worst.p_value * len(found), 1.0) if worst else math.nan,
        ">=",
        size,
        undefined=_lacking(evidence, member),
        unit="p-value",
        uncertainty=f"{held}, {_percent(1 - size)} CI {_percent(worst.covered.low)} to {_percent(worst.covered.high)}"
        if worst
        else "",
        sample=f"{counted(worst.covered.n, 'bar')} worth {worst.covered.effective:,.0f}" if worst else "",
        inputs={"intervals": [{"nominal": n, "p_value": p, **vars(c)} for n, c, p in found], "member": member,
                "dependence": "any"},
    )  # fmt: skip
    if worst is None or result.value is None:
        return result.insufficient(result.reason)
    told = max(_told_apart(one, size / len(found)) for one in found)
    if told > precision:
        return result.insufficient(f"so few bars tell {_percent(told)} at best, and {_percent(precision)} is asked for")
    narrow = worst.covered.share < worst.nominal
    return result if result.verdict == "PASS" else result.failed(f"too {'narrow' if narrow else 'wide'}: {held}")


def _intervals(evidence: quorate.Evidence, member: str) -> list[_Interval]:
    """Return how often each interval between two quantiles as far from both ends held, the widest first."""
    import numpy as np

    from quorate import statistics

    p = evidence.members.get(member) if member else evidence.performance
    if p is None or len(p.levels) < 2 or len(p.forecast_bar) != len(p.labels):
        return []
    known = np.isfinite(p.quantiles).all(axis=1)
    found = []
    for i, j in statistics.pairs_of(p.levels):
        low, high = p.quantiles[known, i], p.quantiles[known, j]
        bar = p.forecast_bar[known]
        covered = statistics.coverage_interval(p.labels[known], low, high, evidence.horizon, bar, dependence="any")
        nominal = float(p.levels[j] - p.levels[i])
        if math.isfinite(covered.share) and covered.n > evidence.horizon:
            found.append(_Interval(nominal, covered, covered.p_value(nominal)))
    return found


def _lacking(evidence: quorate.Evidence, member: str) -> str:
    """Return why there is no interval to judge, and what to do."""
    given = [name for name, one in evidence.members.items() if len(one.levels) > 1]
    others = f"the members that do: {', '.join(given)}" if given else "no member does"
    if member:
        return f"member {member!r} forecasts no interval; {others}"
    return f"the judged ensemble forecasts no interval: set ensemble.interval, or coverage.member ({others})"


def _told_apart(one: _Interval, size: float) -> float:
    """Return by how much an interval must be wrong to fail."""
    from scipy.special import stdtrit

    spread = one.nominal * (1 - one.nominal) / max(one.covered.effective, 1.0)
    return -float(stdtrit(one.covered.freedom, size / 2)) * math.sqrt(spread)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _compared(errors: Floats, others: Floats, h: int, bar: NDArray[np.int64]) -> TwoForecasts:
    """Return the test of Diebold and Mariano, undefined where both lose the same: that compares nothing."""
    from quorate import statistics

    found = statistics.diebold_mariano(errors, others, h, bar=bar, dependence="any")
    if found.statistic == 0:
        return replace(found, statistic=math.nan, p_value=math.nan, p_better=math.nan, p_worse=math.nan)
    return found
