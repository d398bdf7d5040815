"""Whether what was earned is of all times, and of the latest."""

from __future__ import annotations

import math
from typing import Any

import quorate
from quorate_plugins.gates._base import LEAST, Count, Fraction, chance, counted

FEWEST = 2 * LEAST  # returns, before which neither test says anything


def regimes(evidence: quorate.Evidence, size: Fraction = 0.05, bars: Count = LEAST) -> quorate.GateResult:
    """Pass, if no regime of the market lost beyond chance, and no break left a mean that is not above zero.

    Regimes are of volatility (calm, usual, wild) and of trend (above or below the trailing mean), as they were known
    before each return. In each with enough bars the Sharpe ratio must not be below zero, one-sided, at `size` over the
    number of regimes. And where the mean return changed (OLS-CUSUM, see `quorate.statistics.break_test`), that after
    the change must be above zero. The value is the smallest p-value, of regimes times their number. Fewer than 252 bars
    decide nothing.

    Parameters
    ----------
    size : float, p-value
        Of all regimes together, and of the break.
    bars : int, bars
        That a regime must have to be judged.
    """
    import numpy as np

    from quorate import statistics

    p = evidence.performance
    returns = p.returns
    found: dict[str, dict[str, Any]] = {}
    for kind, words in evidence.regimes.items():
        for word in np.unique(words[words != ""]).tolist() if len(words) == len(returns) else ():
            own = returns[words == word]
            told = statistics.sharpe_test(own)
            if len(own) >= bars and math.isfinite(told.probability):
                sharpe = told.per_bar * math.sqrt(p.bars_per_year)
                found[f"{kind} {word}"] = {"bars": len(own), "sharpe": sharpe, "p_value": told.probability}
    moved = statistics.break_test(returns)
    worst = min(found, key=lambda name: found[name]["p_value"]) if found else ""
    lost = min(found[worst]["p_value"] * len(found), 1.0) if found else 1.0
    faded = moved.p_value if moved.after <= 0 else 1.0
    known = bool(found) and math.isfinite(moved.p_value)
    result = quorate.judge(
        "regimes",
        min(lost, faded) if known else math.nan,
        ">=",
        size,
        undefined=f"no regime has {bars} bars of a series that trades",
        unit="p-value",
        uncertainty=f"worst: {worst}, Sharpe {found[worst]['sharpe']:.2f}; break p {chance(moved.p_value)}"
        if known
        else "",
        sample=f"{counted(len(returns), 'bar')}, {counted(len(found), 'regime')}",
        inputs={"regimes": found, "break": vars(moved), "bars_per_year": p.bars_per_year},
    )
    if len(returns) < FEWEST:
        return result.insufficient(f"needs {FEWEST} bars to tell regimes apart")
    if result.value is None:
        return result.insufficient(result.reason)
    if result.verdict == "PASS":
        return result
    if lost <= faded:
        return result.failed(f"it loses where the market's {_said(worst)}, beyond chance")
    day = str(p.times[(moved.where or 0) + 1])[:10]
    return result.failed(f"its mean return changed about {day}, and is not above zero since then")


def _said(regime: str) -> str:
    """Return a regime in words."""
    kind, word = regime.split(" ", 1)
    return f"price is {word} its trailing mean" if kind == "trend" else f"{kind} is {word}"
