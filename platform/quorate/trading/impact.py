"""Orders whose price depends on their own size: what they pay and how large they are, found together.

What an order pays moves the price against it by the square root of its size; what it pays decides what is left for
later ones. So orders are booked at the prices that the last round's sizes gave, until these are the same again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.statistics import Floats
from quorate.trading.accounts import Account, Market, book
from quorate.trading.costs import Trading

CLOSE = 1e-11  # of the price: an order that pays what its size asks for to within this has found its price
ROUNDS = 200


def book_with_impact(
    weights: Floats, market: Market, trading: Trading, cash: float, money: float, apart: bool
) -> Account:
    """Fill and book the orders of one series, each at the price that its own size makes.

    What is settled up to a bar is never touched again: a price depends on the bars and weights up to its own, to the
    last bit, however many rounds later orders take.

    Parameters
    ----------
    weights, market, cash, apart
        As in `quorate.trading.accounts.book`; the slippage of `market` is not read.
    money : float
        Currency in a unit of `cash`.

    Raises
    ------
    IntegrityError
        If prices do not settle.
    """
    slippage = np.array(np.broadcast_to(trading.slippage, weights.shape))
    for _ in range(ROUNDS):
        account = book(weights, replace(market, slippage=slippage), cash, apart)
        bar, column = account.orders["idx"].astype(np.int64), account.orders["col"].astype(np.int64)
        due = trading.slippage_of(bar, column, account.orders["size"] * market.price[bar, column] * money)
        off = np.abs(due - slippage[bar, column]) > CLOSE
        if not off.any():
            return account
        of = column if apart else np.zeros_like(column)
        first = np.full(account.value.shape[1], len(weights))
        np.minimum.at(first, of[off], bar[off])
        open_ = bar >= first[of]
        slippage[bar[open_], column[open_]] = due[open_]
    if (first > _ruined(account.value)).all():  # what comes after counts for nothing
        return account
    raise IntegrityError(f"the sizes of orders and what they pay did not settle in {ROUNDS} rounds")


def _ruined(value: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the first bar of each account at which nothing is left; where there is none, one after the last."""
    lost = value <= 0
    return np.where(lost.any(axis=0), lost.argmax(axis=0), len(value))


def traded_a_day(bars: Bars) -> Floats:
    """Return the value that was traded in the session of each bar, (n_bars, n_symbols), NaN where it is not known.

    Of bars that span several sessions it is the mean of these. It is known when the session is over.
    """
    session = np.unique(bars.sessions, return_inverse=True)[1]
    value = pd.DataFrame(bars.volume * bars.close).groupby(session).sum(min_count=1)
    return value.to_numpy()[session] / sessions_in(bars)


def sessions_in(bars: Bars) -> int:
    """Return how many sessions a bar spans: 1 for days and what is shorter, 5 for weeks."""
    return max(1, round(bars.calendar.sessions_per_year / bars.bars_per_year))
