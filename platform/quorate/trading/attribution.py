"""What each symbol of a portfolio earned and traded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from quorate.bars.panel import Bars
from quorate.statistics import Floats
from quorate.trading.backtest import fills
from quorate.trading.costs import Trading


class Attribution(NamedTuple):
    """What came of each symbol on the account of all.

    Parameters
    ----------
    pnl : ndarray of float64, (n_bars, n_symbols)
        In currency, net of fees and slippage, at each bar; the sum over symbols is the change of the equity.
    traded : ndarray of float64, (n_symbols,)
        Value of all that was bought and sold.
    """

    pnl: Floats
    traded: Floats


def attributed(bars: Bars, targets: Floats, trading: Trading, equity: Floats) -> Attribution:
    """Return what each symbol earned and traded by desired weights, on an account whose worth is known.

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols)
        Desired weights, as of one series of `quorate.trading.backtest.backtest`.
    equity : ndarray of float64, (n_bars,)
        What the account was worth: nothing is traded from the bar on at which nothing is left.
    """
    lost = equity <= 0
    if lost.any():
        targets = np.where(np.arange(len(targets))[:, None] >= lost.argmax(), 0.0, targets)
    orders = fills(bars, targets, trading)
    at, size = (orders["bar"].to_numpy(), orders["column"].to_numpy()), orders["size"].to_numpy()
    paid, fees = size * orders["price"].to_numpy(), orders["fees"].to_numpy()
    bought, cash = np.zeros(targets.shape), np.zeros(targets.shape)
    np.add.at(bought, at, size)
    np.add.at(cash, at, -paid - fees)
    worth = np.cumsum(bought, axis=0) * pd.DataFrame(bars.close).ffill().fillna(0.0).to_numpy()
    pnl = np.diff(worth, axis=0, prepend=0.0) + cash
    traded = np.zeros(targets.shape[1])
    np.add.at(traded, at[1], np.abs(paid))
    return Attribution(pnl, traded)
