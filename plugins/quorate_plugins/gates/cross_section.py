"""Whether forecasts tell symbols apart."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

import quorate
from quorate_plugins.gates._base import Fraction, counted

Correlation = Annotated[float, Field(ge=-1, lt=1)]


def rank_ic(
    evidence: quorate.Evidence, threshold: Correlation = 0.0, confidence: Fraction = 0.95
) -> quorate.GateResult:
    """Pass, if the mean rank correlation across symbols is above `threshold` with this confidence.

    Its lower bound is judged, one-sided, by a standard error that allows for labels that overlap (Lazarus, Lewis,
    Stock and Watson 2018).

    Parameters
    ----------
    threshold : float, correlation
        What the lower bound must be above.
    confidence : float, probability
        With which the mean is above the bound.
    """
    from quorate import statistics

    p = evidence.performance
    coefficients = statistics.information_coefficients(p.labels, p.predictions, p.forecast_bar)
    found = statistics.mean_test(coefficients, evidence.horizon, confidence)
    result = quorate.judge(
        "rank-ic",
        found.low,
        ">",
        threshold,
        undefined="no bar has three symbols with a forecast and a label, or too few have",
        unit="fraction",
        uncertainty=f"mean {found.mean:.1%}, t {found.t:.2f}" if math.isfinite(found.t) else "",
        sample=f"{counted(found.n, 'bar')}, {counted(found.freedom, 'degree')} of freedom",
        inputs={**vars(found), "ir": found.ir, "horizon": evidence.horizon, "confidence": confidence},
    )
    if result.value is None:
        return result.insufficient(result.reason)
    if result.verdict == "PASS":
        return result
    return result.failed("no evidence that symbols which are ranked higher earn more")
