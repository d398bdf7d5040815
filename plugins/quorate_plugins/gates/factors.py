"""Whether more was earned than known factors explain."""

from __future__ import annotations

import math

import quorate
from quorate_plugins.gates._base import Fraction, counted, too_little


def factor_alpha(evidence: quorate.Evidence, size: Fraction = 0.05) -> quorate.GateResult:
    """Pass, if more was earned than the betas to the recipe's factors explain.

    The constant of a regression on all of ``[factors]``, with a standard error for returns that depend on each other:
    see `quorate.statistics.factor_model`. Without factors, or with fewer than 126 bars in common, nothing is decided.

    Parameters
    ----------
    size : float, p-value
        What the one-sided p-value must be below.
    """
    from quorate import statistics

    along = evidence.factors
    if along is None:
        why = "the recipe has no factors: name a file of them in [factors]"
        return too_little("factor-alpha", "<", size, evidence, why)
    if along.reason:
        return too_little("factor-alpha", "<", size, evidence, along.reason)
    found = statistics.factor_model(along.returns, along.factors)
    yearly = [value * along.per_year for value in (found.alpha.value, found.alpha.low, found.alpha.high)]
    betas = ", ".join(f"{name} {one.value:.2f}" for name, one in zip(along.names, found.betas, strict=True))
    result = quorate.judge(
        "factor-alpha",
        found.p_above,
        "<",
        size,
        undefined="it is undefined: the factors explain the returns to the last digit",
        unit="p-value",
        uncertainty=f"alpha {yearly[0]:+.1%} a year, betas {betas}" if math.isfinite(yearly[0]) else "",
        sample=counted(found.n, "bar" if found.n == along.bars else "period"),
        inputs={
            "alpha": yearly[0],
            "low": yearly[1],
            "high": yearly[2],
            "betas": {name: one.value for name, one in zip(along.names, found.betas, strict=True)},
            "r_squared": found.r_squared,
            "n": found.n,
            "freedom": found.freedom,
            "per_year": along.per_year,
        },
    )
    if result.value is None:
        return result.insufficient(result.reason)
    return result if result.verdict == "PASS" else result.failed("no evidence that it earns more than its factors do")
