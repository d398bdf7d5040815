"""How much capital the judged decisions bear, where the size of orders moves prices: with less of it, and with more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.errors import plural
from quorate.statistics import Floats
from quorate.trading.backtest import BacktestResult, backtest, equity_curves, fills
from quorate.trading.carry import in_excess
from quorate.trading.costs import CAP, Trading
from quorate.trading.impact import traded_a_day
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.series import Series

TIMES = (0.1, 1.0, 10.0, 100.0, 1000.0)  # the recipe's capital
MUCH = 0.1  # share of what is traded in its session, from which on an order is told


@dataclass(frozen=True, eq=False)
class Capacity:
    """What the same decisions earn with other capital, as plain data; empty, where an order's size costs nothing.

    Parameters
    ----------
    rows : list of dict
        The ladder ``capital``: what was earned with each.
    levels : list of dict
        The capital at which the Sharpe ratio is half of what it is with next to none, and at which it is what the gate
        ``sharpe`` asks for.
    warnings : list of str
        Of orders that are large beside what was traded.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    levels: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def capacity_of(walk: WalkForward, judged: Series, first: int, stop: int) -> Capacity:
    """Return what the judged decisions of bars `first` to ``stop - 1`` earn with more and with less capital."""
    span, trading = walk.bars.take(first, stop), walk.trading.take(first, stop)
    targets = judged.decisions.targets[first:stop]
    if not trading.has_impact or not targets.any():
        return Capacity()
    rows, warnings = [], []
    for times in TIMES:
        traded = replace(trading, capital=times * trading.capital)
        [result] = backtest(span, targets[:, :, None], traded)
        orders = _sized(span, targets, traded, result.equity)
        rows.append(_row(traded.capital, result, orders, span.bars_per_year))
        if times == 1:
            warnings = _large(span, orders, judged.label)
    free = equity_curves(span, targets[:, :, None], replace(trading, impact=0.0))[:, 0]
    at_none = statistics.sharpe(in_excess(free, trading.carry), span.bars_per_year)
    wanted = {"half": at_none / 2, "gate": walk.recipe.gates.judging.get("sharpe", {}).get("threshold")}
    capitals, sharpes = ([row[name] for row in rows] for name in ("step", "sharpe"))
    levels = [
        {"level": name, "at_none": at_none, "sharpe": level, **borne(capitals, sharpes, at_none, level)}
        for name, level in wanted.items()
        if level is not None
    ]
    return Capacity(rows, levels, warnings)


def borne(capitals: Sequence[float], sharpes: Sequence[float], at_none: float, level: float) -> dict[str, Any]:
    """Return the capital at which Sharpe ratios fall to a level, and how that is known.

    Parameters
    ----------
    capitals, sharpes : sequence of float
        What was tried, ascending, and what came of it.
    at_none : float
        The Sharpe ratio with next to no capital.

    Returns
    -------
    dict
        ``capital`` and ``reached``: ``at`` it, between two that were tried; only ``above`` the most, as the ratio is
        higher there; or ``never``, and no capital, as no capital is small enough, or there is no gain.
    """
    if not (at_none > max(level, 0.0)):
        return {"capital": None, "reached": "never"}
    steps, found = [0.0, *capitals], [at_none, *np.nan_to_num(np.asarray(sharpes), nan=-math.inf).tolist()]
    for k in range(1, len(steps)):
        if found[k] <= level:
            # Impact grows with the square root of the capital, and so does what it takes.
            low, high = math.sqrt(steps[k - 1]), math.sqrt(steps[k])
            root = low + (high - low) * (found[k - 1] - level) / (found[k - 1] - found[k])
            return {"capital": root**2, "reached": "at"}
    return {"capital": steps[-1], "reached": "above"}


def _sized(bars: Bars, targets: Floats, trading: Trading, equity: Floats) -> pd.DataFrame:
    """Return the orders of an account until nothing is left: bar, column, value, slippage, impact, and share.

    ``share`` is that of what was traded in the order's session: NaN where it is not known, infinite where nothing was.
    """
    orders = fills(bars, targets, trading)
    ruined = equity <= 0
    orders = orders[orders["bar"] < (int(ruined.argmax()) if ruined.any() else len(bars))]
    bar, column = orders["bar"].to_numpy(), orders["column"].to_numpy()
    value = orders["size"].abs().to_numpy() * orders["quoted"].to_numpy()
    slippage = trading.slippage_of(bar, column, value)
    usual = replace(trading, impact=0.0).slippage_of(bar, column, value)
    with np.errstate(divide="ignore"):
        share = value / traded_a_day(bars)[bar, column]
    told = {"bar": bar, "column": column, "value": value, "slippage": slippage}
    return pd.DataFrame({**told, "impact": slippage - usual, "share": share})


def _row(capital: float, result: BacktestResult, orders: pd.DataFrame, bars_per_year: float) -> dict[str, Any]:
    equity = result.equity
    value, share = orders["value"].to_numpy(), orders["share"].to_numpy()
    share = share[np.isfinite(share)]
    return {
        "ladder": "capital",
        "step": capital,
        "sharpe": statistics.sharpe(result.returns, bars_per_year),
        "total_return": float(equity[-1] / equity[0] - 1),
        "cagr": statistics.cagr(equity, bars_per_year),
        "impact_bp": 1e4 * float(orders["impact"].to_numpy() @ value / value.sum()) if value.any() else math.nan,
        "largest_share": float(share.max()) if len(share) else math.nan,
    }


def _large(bars: Bars, orders: pd.DataFrame, label: str) -> list[str]:
    """Return a warning, if orders are so large beside what was traded that their price is a guess."""
    large, idle, capped = orders["share"] > MUCH, np.isinf(orders["share"]), orders["slippage"] >= CAP
    if not (large | capped).any():
        return []
    told, some = [], orders[large & ~idle]
    if len(some):
        most = some.loc[some["share"].idxmax()]
        where = f"{bars.symbols[int(most['column'])]} on {bars.sessions[int(most['bar'])]}"
        most_of = f"up to {most['share']:.0%} of it, {where}"
        told.append(f"{len(some):,} wanted more than {MUCH:.0%} of what was traded that day ({most_of})")
    told += [f"{int(idle.sum()):,} were filled on a day on which nothing was traded"] if idle.any() else []
    told += [f"{int(capped.sum()):,} paid {CAP:.1%}, the most that impact takes"] if capped.any() else []
    return [
        f"of {plural(len(orders), 'order')} of {label} {'; '.join(told)}: what such orders pay is a guess, and whether "
        "they are filled, too; try a smaller backtest.capital, or leave out what is thinly traded"
    ]
