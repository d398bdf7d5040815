"""Whether the gain rests on the one order in which history happened to come."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

import quorate
from quorate_plugins.gates._base import Count, counted


def cpcv(
    evidence: quorate.Evidence,
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.9,
    groups: Count = 6,
    tests: Count = 3,
    splitter: str = "combinatorial",
) -> quorate.GateResult:
    """Pass, if this share of combinatorial paths has a Sharpe ratio above zero (Lopez de Prado 2018, ch. 12).

    The bars are cut into `groups` groups, every choice of `tests` of them is predicted by fits on the others,
    and every path takes each group once. These fits train on later data, too: a path is no backtest of anything
    that could have been traded, and a good one alone proves nothing. A path that never trades has no Sharpe
    ratio, and counts as one that does not gain.

    Parameters
    ----------
    threshold : float, fraction
        Share of the paths that must gain.
    groups : int
        Parts into which the bars are cut.
    tests : int
        Groups that are predicted at a time.
    splitter : str
        The plugin that cuts them, of kind splitter.
    """
    import numpy as np

    from quorate import statistics

    p = evidence.performance
    found = evidence.paths(groups, tests, splitter)
    returns = np.empty((0, 0)) if found is None else found.returns
    sharpes = np.array([statistics.sharpe(column, p.bars_per_year) for column in returns.T])
    known, n, splits = sharpes[np.isfinite(sharpes)], len(sharpes), found.splits if found else 0
    low, middle = np.percentile(known, (5, 50)) if len(known) else (math.nan, math.nan)
    result = quorate.judge(
        "cpcv",
        float(np.sum(known > 0)) / n if n else math.nan,
        ">=",
        threshold,
        undefined="there is no path",
        unit="fraction",
        uncertainty=f"Sharpe p5 {low:.2f}, median {middle:.2f}" if len(known) else "",
        sample=f"{counted(n, 'path')} of {counted(splits, 'split')}, trained on later data, too" if n else "no path",
        inputs={
            "groups": groups,
            "tests": tests,
            "splitter": splitter,
            "embargo": found.embargo if found else None,
            "splits": splits,
            "sharpes": [float(s) if math.isfinite(s) else None for s in sharpes],
            "bars_per_year": p.bars_per_year,
            "ddof": 1,
        },
    )
    if found is None or not n:
        what = f"no paths of {groups} groups, {tests} of them tested, were computed"
        return result.insufficient((found and found.reason) or what)
    if found.lost:
        result = result.warned("; ".join(found.lost))
    if result.verdict == "PASS":
        return result
    idle = f"; {n - len(known)} of them traded nothing" if len(known) < n else ""
    lost = n - int(np.sum(known > 0))
    return result.failed(f"{lost} of {counted(n, 'path')} {'does' if lost == 1 else 'do'} not gain{idle}")
