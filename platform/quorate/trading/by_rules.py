"""The backtest under order rules: each bar's orders in units, as the accounts stood at the close before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quorate.errors import IntegrityError
from quorate.statistics import Floats
from quorate.trading.accounts import LEAST, Account, Market, book
from quorate.trading.costs import Trading
from quorate.trading.order_rules import Holdings, affordable, orders_at, total


def units_by_rules(
    wanted: Floats, tradable: NDArray[np.bool_], market: Market, trading: Trading, cash: float, money: float
) -> tuple[Floats, Floats]:
    """Decide the orders of several accounts, bar by bar.

    An order is of the account and the prices at the close before its bar. What cash cannot pay at the bar's own price
    is not bought. Carry is no part of an account, as elsewhere in a backtest.

    Parameters
    ----------
    wanted : ndarray of float64, (n_bars, n_symbols, n_accounts)
        Weights that were desired at the close before each bar.
    tradable : ndarray of bool, (n_bars, n_symbols, n_accounts)
        Where an order can be filled.
    market : Market
        Each array (n_bars, n_symbols, 1 or n_accounts).
    trading : Trading
        Its rules, with lots in units of the market's prices, and impact.
    cash : float
        To begin with.
    money : float
        Currency in a unit of `cash`.

    Returns
    -------
    units : ndarray of float64, (n_bars, n_symbols, n_accounts)
        What is filled at each bar, negative for what is sold.
    slippage : ndarray of float64, (n_bars, n_symbols, n_accounts)
        What it pays.
    """
    rules = trading.rules
    assert rules is not None
    shape = wanted.shape
    fees, usual = (np.broadcast_to(np.asarray(one), market.close.shape) for one in (market.fees, market.slippage))
    impact = np.broadcast_to(np.asarray(trading.impact), market.close.shape)
    units, slippage = np.zeros(shape), np.array(np.broadcast_to(usual, shape))
    owned, held = np.full(shape[2], cash), np.zeros(shape[1:])
    for t in range(1, shape[0]):
        at = Holdings(owned, held, market.close[t - 1], fees[t - 1] + usual[t - 1])
        ended, opened = (np.where(tradable[t], one, 0.0) for one in orders_at(rules, wanted[t], at, rules.due[t - 1]))
        orders = ended + opened
        if not orders.any():
            continue
        price = np.where(np.isfinite(market.price[t]), market.price[t], 0.0)
        slips = trading.slipped(usual[t], impact[t], np.abs(orders) * price * money)
        pays, brings = price * (1 + slips) * (1 + fees[t]), price * (1 - slips) * (1 - fees[t])
        orders = np.add(*affordable(ended, opened, pays, brings, owned, rules.lots))
        orders = np.where(np.abs(held + orders) < LEAST, -held, orders)
        orders = np.where(np.abs(orders) < LEAST, 0.0, orders)
        slips = trading.slipped(usual[t], impact[t], np.abs(orders) * price * money)
        paid = orders * price * (1 + np.sign(orders) * slips)
        owned = owned - total(paid + np.abs(paid) * fees[t])
        held = held + orders
        units[t], slippage[t] = orders, slips
    return units, slippage


def book_units(units: Floats, slippage: Floats, market: Market, cash: float, apart: bool) -> Account:
    """Fill and book orders in units, (n_bars, n_symbols).

    Raises
    ------
    IntegrityError
        If one was not filled as it was decided, while there was something left.
    """
    account = book(units, replace(market, slippage=slippage), cash, apart, in_units=True)
    orders, filled = account.orders, np.zeros_like(units)
    filled[orders["idx"], orders["col"]] = np.where(orders["side"] == 0, orders["size"], -orders["size"])
    off = np.abs(filled - units) > LEAST + 1e-9 * np.abs(units)
    off &= np.logical_and.accumulate(account.value > 0, axis=0)
    if off.any():
        bar, column = (int(k) for k in np.argwhere(off)[0])
        raise IntegrityError(
            f"an order of {units[bar, column]:.9g} units at bar {bar} was filled as {filled[bar, column]:.9g}"
        )
    return account
