"""Whether what was learnt holds for symbols that nothing was learnt from."""

from __future__ import annotations

import math

import quorate
from quorate_plugins.gates._base import Count, counted


def unseen_symbols(evidence: quorate.Evidence, threshold: float = 0.0, least: Count = 5) -> quorate.GateResult:
    """Pass, if the annualised net Sharpe ratio on the symbols that are held out is above `threshold`.

    They are traded by the models, weights and thresholds of the other symbols, over the same bars: that is no further
    history, and a time that was good to all is good to them, too.

    Parameters
    ----------
    threshold : float
        What the Sharpe ratio must be above.
    least : int
        Symbols below which nothing is decided.
    """
    found = evidence.unseen
    p = found.performance if found else None
    low, high = quorate.statistics.sharpe_interval(p.returns, p.bars_per_year) if p else (math.nan, math.nan)
    result = quorate.judge(
        "unseen-symbols",
        quorate.statistics.sharpe(p.returns, p.bars_per_year) if p else math.nan,
        ">",
        threshold,
        undefined="nothing was traded there" if p else "no symbol is held out, or none has a row: set holdout.symbols",
        benchmark=evidence.metric("sharpe"),
        uncertainty=f"90% CI [{low:.2f}, {high:.2f}]" if math.isfinite(low) else "",
        sample=f"{counted(len(found.symbols), 'symbol')} worth {found.independent:.1f}" if found else "",
        inputs={"symbols": list(found.symbols) if found else [], "least": least},
    )
    if found is None:
        return result.insufficient(result.reason)
    if found.silent:
        return result.insufficient(found.silent)
    if len(found.symbols) < least:
        return result.insufficient(f"{counted(len(found.symbols), 'symbol')} held out, of at least {least}")
    return result
