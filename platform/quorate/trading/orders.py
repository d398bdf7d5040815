"""What is ordered at each bar, and at which price: the decision of the bar before, where a symbol can be traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.statistics import Floats
from quorate.trading.costs import Fill

GONE = 60  # sessions without a price after which a symbol is taken for ended and paid out at its last close


def gone_after(bars: Bars) -> int:
    """Return how many bars in a row a symbol may miss before it is taken for ended."""
    return GONE * max(1, round(bars.bars_per_year / bars.calendar.sessions_per_year))


def recently(present: NDArray[np.bool_], gone: int = GONE) -> NDArray[np.bool_]:
    """Return where a symbol has had a bar within the last `gone` bars: it may be missing, but has not ended."""
    rows = np.arange(len(present))[:, None]
    last = np.maximum.accumulate(np.where(present, rows, -gone), axis=0)
    return rows - last < gone


def listed(bars: Bars) -> NDArray[np.bool_]:
    """Return where a symbol may be held: it has had a bar of late, and has not been delisted."""
    return recently(bars.present, gone_after(bars)) & ~bars.delisted


def prices_of(bars: Bars, fill: Fill) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return last closes, fill prices, and where a symbol is paid out, all (n_bars, n_symbols)."""
    close = bars.last
    price = bars.fill(fill).copy()
    alive = listed(bars)
    payout = np.zeros_like(alive)
    payout[1:] = alive[:-1] & ~alive[1:]
    ended = payout & ~bars.delisted  # nothing tells what was paid
    price[ended] = close[ended] * (1 - (bars.universe.haircut if bars.universe else 0.0))
    return close, price, payout


def orders_of(
    target: Floats, present: NDArray[np.bool_], payout: NDArray[np.bool_], unpriced: NDArray[np.bool_] | bool = False
) -> Floats:
    """Return the weight to order at each bar, NaN for none: what was desired one bar before, if it changed.

    A symbol that misses a bar keeps its desired weight, and a change waits for its next bar that has a price. One that
    was paid out and comes back is traded again only once that is decided anew.
    """
    wanted, tradable = wanted_of(target, present, payout, unpriced)
    filled = _carried(wanted, tradable)
    before = np.vstack([np.zeros_like(filled[:1]), filled[:-1]])
    return np.where(tradable & (wanted != before), wanted, np.nan)


def wanted_of(
    target: Floats, present: NDArray[np.bool_], payout: NDArray[np.bool_], unpriced: NDArray[np.bool_] | bool = False
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what was desired at the close before each bar, and where an order can be filled, (n_bars, n_symbols)."""
    target = _carried(np.where(payout & ~present, 0.0, target), present | payout)
    wanted = np.vstack([np.zeros_like(target[:1]), target[:-1]])
    wanted[payout] = 0.0
    return wanted, (present & ~np.asarray(unpriced)) | payout


def _carried(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return each symbol's last known value at each bar, zero before the first."""
    if known.all():
        return values
    return pd.DataFrame(np.where(known, values, np.nan)).ffill().fillna(0.0).to_numpy()
