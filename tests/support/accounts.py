"""The account of a backtest held against the reference account."""

from __future__ import annotations

import numpy as np

from quorate.bars.panel import Bars
from quorate.statistics import Floats
from quorate.trading.backtest import backtest, fills
from quorate.trading.costs import Trading
from quorate.trading.reference_account import ReferenceAccount


def assert_agrees(bars: Bars, targets: Floats, trading: Trading, orders: int = 10) -> None:
    """Book the orders of a backtest, and compare what the account is worth at every close."""
    [result] = backtest(bars, targets[:, :, None], trading)
    filled = fills(bars, targets, trading)
    assert len(filled) >= orders
    account, told = ReferenceAccount.of(trading.capital), []
    by_bar = dict(list(filled.groupby("bar")))
    for t in range(len(bars)):
        for one in by_bar[t].to_dict("records") if t in by_bar else ():
            account.fill(bars.symbols[one["column"]], one["size"], one["price"], one["fees"])
        prices = {symbol: float(bars.last[t, k]) for k, symbol in enumerate(bars.symbols)}
        account.reconcile({symbol: price for symbol, price in prices.items() if symbol in account.positions})
        told.append(float(account.worth(prices)))
    np.testing.assert_allclose(told, result.traded, rtol=1e-9)
