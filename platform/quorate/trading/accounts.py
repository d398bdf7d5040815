"""Accounts: weights to order, filled and booked by vectorbt. The only module that imports it.

vectorbt's array functions are called, one series at a time, and not its `Portfolio`: the numbers are the same to
the last bit, but nothing is tiled, wrapped and copied, and time and memory grow with the cells alone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import IntegrityError, QuorateError
from quorate.statistics import Floats

ENGINE = "auto"  # Rust where it is installed, else Numba
AMOUNT, TARGET_PERCENT, BOTH = 0, 5, 2  # of vectorbt's `SizeType` and `Direction`
LEAST = 1e-8  # of an order's size: less is none


@dataclass(frozen=True, eq=False)
class Market:
    """What orders are filled and valued at, in numbers of the size that vectorbt is made for.

    Parameters
    ----------
    close, price : ndarray of float64, (n_bars, n_symbols), C-contiguous
        Last closes, and what an order at that bar is filled at; NaN where there is none.
    fees, slippage : float or ndarray of float64, (n_bars, n_symbols)
        Per side, as fractions of the traded value.
    """

    close: Floats
    price: Floats
    fees: float | Floats
    slippage: float | Floats


@dataclass(frozen=True, eq=False)
class Account:
    """What came of the orders of one series.

    Parameters
    ----------
    value : ndarray of float64, (n_bars, n_accounts)
        Cash and assets at each close.
    assets : ndarray of float64, (n_bars, n_symbols)
        Units held.
    orders : ndarray
        vectorbt's records of what was filled.
    """

    value: Floats
    assets: Floats
    orders: NDArray[Any]
    _market: Market

    def weights(self) -> Floats:
        """Return the share of its account's value that is held of each symbol at each close, (n_bars, n_symbols)."""
        held = np.where(self.assets == 0, 0.0, self.assets * self._market.close)
        alive = self.value > 0
        return np.where(alive, held / np.where(alive, self.value, 1.0), 0.0)

    def positions(self) -> NDArray[Any]:
        """Return vectorbt's records of round trips."""
        vbt, columns = _vectorbt(), self.assets.shape[1]
        placed = vbt.columns(self.orders["col"], columns, engine=ENGINE)
        trades = vbt.books.get_exit_trades(self.orders, self._market.close, placed, engine=ENGINE)
        placed = vbt.columns(trades["col"], columns, engine=ENGINE)
        found: NDArray[Any] = vbt.books.get_positions(trades, placed, engine=ENGINE)
        return found


def book(weights: Floats, market: Market, cash: float, apart: bool = False, in_units: bool = False) -> Account:
    """Fill and book the orders of one series.

    On each bar what is sold comes first, so that it pays for what is bought.

    Parameters
    ----------
    weights : ndarray of float64, (n_bars, n_symbols)
        Share of the account's value that a symbol is to have after that bar's fill; NaN for no order.
    cash : float
        To begin with.
    apart : bool
        Each symbol has an account of its own, with as much cash; else they share one.
    in_units : bool
        `weights` are units to trade instead, negative to sell; 0 for no order.
    """
    vbt = _vectorbt()
    shape, nothing = weights.shape, np.isnan(weights)
    groups = np.full(shape[1] if apart else 1, 1 if apart else shape[1], dtype=np.int64)
    start = np.full(len(groups), cash)
    # vectorbt sorts the symbols of each bar by what they are to trade, in steps that grow with the square of those
    # without an answer. An order of no units is one, stays where it is, and is not filled either.
    orders, _ = vbt.books.simulate_from_orders(
        shape,
        groups,
        start,
        np.tile(np.arange(shape[1]) % groups[0], (shape[0], 1)),
        size=np.where(nothing, 0.0, weights),
        size_type=np.where(nothing | in_units, AMOUNT, TARGET_PERCENT),
        price=market.price,
        direction=np.asarray(BOTH),
        fees=np.asarray(market.fees),
        slippage=np.asarray(market.slippage),
        min_size=np.asarray(LEAST),
        close=market.close,
        auto_call_seq=True,
        max_orders=max(1, int(np.count_nonzero(~nothing))),
        max_logs=1,
        engine=ENGINE,
    )
    placed = vbt.columns(orders["col"], shape[1], engine=ENGINE)
    assets = vbt.books.assets(vbt.books.asset_flow(shape, orders, placed, BOTH, engine=ENGINE), engine=ENGINE)
    held = vbt.books.asset_value(np.where(assets == 0, 0.0, market.close), assets, engine=ENGINE)
    flow = vbt.books.cash_flow(shape, orders, placed, False, engine=ENGINE)
    flow = vbt.books.cash_flow_grouped(flow, groups, engine=ENGINE)
    rest = vbt.books.cash_grouped(shape, flow, groups, start, engine=ENGINE)
    held = vbt.books.asset_value_grouped(held, groups, engine=ENGINE)
    return Account(vbt.books.value(rest, held, engine=ENGINE), assets, orders, market)


def check_accounts(
    equity: Floats, trades: pd.DataFrame, bar: NDArray[np.int64], unexplained: Floats, capital: float
) -> None:
    """Raise `IntegrityError`, if trades and equity do not agree, or an order was not filled at its bar's price."""
    if not np.isfinite(equity).all():
        raise IntegrityError("the equity is not finite on every bar")
    total, last = capital + float(trades["pnl"].sum()), float(equity[-1])
    if abs(total - last) > max(5e-8 * capital, 1e-9 * abs(last)):
        raise IntegrityError(f"the trades add up to {total:.9g}, the equity to {last:.9g}")
    if (bar < 1).any() or not np.allclose(unexplained, 0.0, atol=1e-9):
        raise IntegrityError("an order was not filled at the price of a bar after its decision")


def load() -> None:
    """Import what a backtest needs, while there is nothing else to do."""
    _vectorbt()


@dataclass(frozen=True)
class _Functions:
    """vectorbt's functions on arrays."""

    books: Any
    columns: Any


@lru_cache(maxsize=1)
def _vectorbt() -> _Functions:
    try:
        from vectorbt.portfolio import dispatch
        from vectorbt.records.dispatch import col_map
    except Exception as e:  # it reads its own docstrings, which Python may have been told to leave out
        hint = (
            ": run without -OO and PYTHONOPTIMIZE=2, which take its documentation away"
            if sys.flags.optimize > 1
            else ""
        )
        raise QuorateError(f"vectorbt, which keeps the accounts, cannot be imported ({e}){hint}") from e
    return _Functions(dispatch, col_map)
