"""What was earned in calm and in wild times, in rising and in falling ones, and year by year; and whether it lasted.

Regimes are for telling, and one gate: nothing is decided by them. That of a bar is what was known at the close before
it: the market's volatility and trend up to there, and cut points from bars before the fold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import rolling, statistics
from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.evidence.evidence import Performance
from quorate.statistics import Floats
from quorate.trading.backtest import equity_curves
from quorate.trading.orders import gone_after
from quorate.trading.portfolio import share_of_capital
from quorate.walkforward.layout import WalkForward

MONTH = 21  # bars of a trailing volatility
TREND = 200  # bars of a trailing mean
ENOUGH = 126  # volatilities that cut points are taken from, at least
LEVELS = ("calm", "usual", "wild")
SIDES = ("above", "below")

Words = NDArray[np.str_]


def regimes_of(walk: WalkForward, folds: Sequence[Fold], first: int, stop: int) -> dict[str, Words]:
    """Return the regime of each bar after the first of a span, by kind; "" where it is not known yet.

    Parameters
    ----------
    folds : sequence of Fold
        Those of the span: cut points are of all bars before each of them.
    first, stop : int
        Positions of the first bar of the span, and of the one after its last.

    Returns
    -------
    dict
        ``volatility`` (calm, usual, wild), ``trend`` (above, below), each (stop - first - 1,).
    """
    value = market_of(walk, stop)
    moved, at = np.full(stop, math.nan), np.arange(first, stop - 1)  # a return is told by the close that it begins at
    moved[1:] = rolling.std(statistics.returns_of(value)[:, None], MONTH)[:, 0]
    mean = rolling.mean(value[:, None], TREND)[:, 0]
    volatility = np.full(len(at), "", dtype="<U5")
    for fold, after in zip(folds, [*(fold.first for fold in folds[1:]), stop], strict=True):
        past = moved[: fold.first]
        past = past[np.isfinite(past)]
        if len(past) >= ENOUGH:
            inside = (at >= fold.first) & (at < after) & np.isfinite(moved[at])
            cuts = np.quantile(past, [1 / 3, 2 / 3])
            volatility[inside] = np.array(LEVELS)[np.searchsorted(cuts, moved[at[inside]])]
    known = np.isfinite(mean[at])
    trend = np.where(known, np.where(value[at] > mean[at], *SIDES), "")
    return {"volatility": volatility, "trend": trend}


def market_of(walk: WalkForward, stop: int) -> Floats:
    """Return what buying and holding all symbols from the first bar on is worth at each bar up to `stop`, (stop,).

    It is the market that is told, without what cash earns beside it: rates need not be known from the first bar on, and
    no order rules.
    """
    seen = walk.bars.take(0, stop)
    hold = share_of_capital(seen.present, gone_after(seen), seen.member)
    trading = replace(walk.trading.take(0, stop), carry=None, rules=None)
    return equity_curves(seen, hold[:, :, None], trading)[:, 0]


def regime_rows(
    regimes: Mapping[str, Words], span: Bars, judged: Performance, name: str, held: Performance
) -> list[dict[str, Any]]:
    """Return what the judged series, by `name`, and buy and hold came to in each regime, and in each year."""
    years = np.array([str(day)[:4] for day in span.sessions[1:]])
    kinds = {**regimes, "year": years}
    order = {"volatility": LEVELS, "trend": SIDES, "year": tuple(np.unique(years).tolist())}
    rows = []
    for kind, words in kinds.items():
        for regime in (*order[kind], ""):
            inside = words == regime
            if inside.any():
                told = {"kind": kind, "regime": regime or None, "bars": int(inside.sum())}
                rows += [
                    {**told, "series": series, **_figures(one, inside)}
                    for series, one in ((name, judged), ("buy-and-hold/hold", held))
                ]
    return rows


def _figures(performance: Performance, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Return what some bars came to, put one behind the other; Sharpe ratios in excess of cash."""
    own, per_year = performance.returns[inside], performance.bars_per_year
    total = performance.total_returns
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.log1p(total)
    whole, part = float(grown.sum()), float(grown[inside].sum())
    low, high = statistics.sharpe_interval(own, per_year)
    curve = statistics.equity_curve(total[inside])
    return {
        "total_return": float(curve[-1] - 1),
        "sharpe": statistics.sharpe(own, per_year),
        "sharpe_low": low,
        "sharpe_high": high,
        "max_drawdown": statistics.max_drawdown(curve),
        "share": part / whole if whole > 0 else math.nan,
    }


def mean_break(span: Bars, judged: Performance) -> dict[str, Any]:
    """Return whether the mean return of the judged series changed once, when, and from what to what."""
    found, per_year = statistics.break_test(judged.returns), judged.bars_per_year
    return {
        "statistic": found.statistic,
        "p_value": found.p_value,
        "day": None if found.where is None else str(span.sessions[found.where + 1]),
        "before": found.before * per_year,
        "after": found.after * per_year,
        "bars": found.n,
    }
