"""The backtest: desired weights traded at the next bar.

vectorbt does the accounting of orders and cash (`accounts`). What it would do by default and must not: fill at
the bar that made the decision, count open trades as won or lost, annualise with 365 days. So this
module delays the weights itself, takes closed round trips only, and computes no statistic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.statistics import Floats
from quorate.statistics._excess import excess_of
from quorate.trading.accounts import Account, Market, book, check_accounts
from quorate.trading.by_rules import book_units, units_by_rules
from quorate.trading.carry import Carry, carried, carry_of
from quorate.trading.costs import Trading
from quorate.trading.impact import book_with_impact
from quorate.trading.orders import orders_of, prices_of, wanted_of
from quorate.trading.scale import Scale
from quorate.trading.trades import trades_of

Booked = Mapping[str, NDArray[Any]]  # what is kept of an account
MOST_KEPT = 8 << 20  # bytes of one, that is worth its place on disk


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """What came of one series of desired weights over a span of bars.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_bars,)
        Close stamps; equity is marked there.
    equity : ndarray of float64, (n_bars,)
        Value of the account; the first entry is the capital. Zero from the bar on at which
        nothing is left.
    trades : DataFrame
        One row per round trip: symbol, side, decided, entered, exited, size, entry_price,
        exit_price, fees, pnl, pnl_fraction, closed. Open ones are valued at the last close.
    exposure : float
        Share of bars with a position.
    turnover : float
        Traded value over mean equity, per year.
    fees, slippage : float
        Paid in all, in currency.
    carry : Carry, optional
        What cash earned and positions paid, where the recipe says so: `equity` has it. Trades, turnover, fees and
        slippage are of the account without it.
    """

    times: NDArray[np.datetime64]
    equity: Floats
    trades: pd.DataFrame
    exposure: float
    turnover: float
    fees: float
    slippage: float
    carry: Carry | None = field(default=None, kw_only=True)

    @property
    def returns(self) -> Floats:
        """Net simple return of each bar after the first, in excess of what cash earned, (n_bars - 1,)."""
        return excess_of(self.equity, None if self.carry is None else self.carry.cash)

    @property
    def total_returns(self) -> Floats:
        """Net simple return of each bar after the first, of the account as it is, (n_bars - 1,)."""
        return self.returns if self.carry is None else statistics.returns_of(self.equity)

    @property
    def traded(self) -> Floats:
        """Value of the account without carry, to which its trades add up, (n_bars,)."""
        return self.equity if self.carry is None else self.carry.traded

    @property
    def closed(self) -> pd.DataFrame:
        """The trades that were closed."""
        return self.trades[self.trades["closed"].to_numpy(dtype=bool)]


def equity_curves(bars: Bars, targets: Floats, trading: Trading) -> Floats:
    """Return the equity of many series of desired weights at once, (n_bars, n_series).

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols, n_series)
        Desired weight decided at the close of each bar.
    """
    floor = _Floor.of(bars, trading)

    def booked() -> Booked:
        if trading.rules is not None:
            accounts = [floor.valued(one) for one in floor.by_rules(targets)]
        elif len(bars.symbols) == 1 and not trading.has_impact and trading.carry is None:
            return {"value": floor.trade_each(targets[:, 0, :])}
        else:
            accounts = [floor.valued(floor.trade(targets[:, :, k])) for k in range(targets.shape[2])]
        return {name: np.column_stack([one[name] for one in accounts]) for name in accounts[0]}

    return floor.equity(floor.kept("curves", targets, booked))


def backtest(bars: Bars, targets: Floats, trading: Trading) -> list[BacktestResult]:
    """Return the full result of each series of desired weights; arguments as in `equity_curves`.

    An account that has lost everything trades no more.

    Raises
    ------
    IntegrityError
        If the trades do not add up to the equity, or a fill is not after its decision.
    """
    floor = _Floor.of(bars, trading)
    results = []
    for k in range(targets.shape[2]):
        booked = floor.book(targets[:, :, k])
        lost = floor.equity(booked)[:, 0] <= 0
        if lost.any() and targets[lost.argmax() :, :, k].any():
            stopped = targets[:, :, k].copy()
            stopped[lost.argmax() :] = 0.0
            booked = floor.book(stopped)
        results.append(_result(floor, booked))
    return results


def each_symbol(bars: Bars, weights: Floats, trading: Trading) -> tuple[Floats, NDArray[np.int64]]:
    """Trade every symbol on an account of its own, each with all the capital.

    Parameters
    ----------
    weights : ndarray of float64, (n_bars, n_symbols)
        Desired weights of each symbol in its own account, -1..1.

    Returns
    -------
    equity : ndarray of float64, (n_bars, n_symbols)
    closed : ndarray of int64, (n_symbols,)
        Round trips that were closed.
    """
    floor, n = _Floor.of(bars, trading), len(bars.symbols)
    booked = floor.book(weights, apart=True)
    positions = booked["positions"]
    closed = positions["col"][positions["status"] == 1].astype(np.int64)
    return floor.equity(booked), np.bincount(closed, minlength=n).astype(np.int64)


def fills(bars: Bars, targets: Floats, trading: Trading) -> pd.DataFrame:
    """Return every order of one series of desired weights that was filled, in time order.

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols)
        As in `equity_curves`, of one series.

    Returns
    -------
    DataFrame
        bar, column (of its symbol), price, quoted (the bar's own price, before slippage), size, negative for what was
        sold, and fees.
    """
    floor = _Floor.of(bars, trading)
    orders = floor.scale.back(floor.book(targets)["orders"])
    by_time = np.lexsort((orders["id"], orders["idx"]))
    orders = {name: values[by_time] for name, values in orders.items()}
    size = np.where(orders["side"] == 0, orders["size"], -orders["size"])
    bar, column = orders["idx"], orders["col"]
    return pd.DataFrame(
        {
            "bar": bar,
            "column": column,
            "price": orders["price"],
            "quoted": floor.price[bar, column],
            "size": size,
            "fees": orders["fees"],
        }
    )


@dataclass(frozen=True, eq=False)
class _Floor:
    """Where the series of a backtest are traded: prices, costs and their scale, made once for all of them."""

    bars: Bars
    trading: Trading
    price: Floats
    payout: NDArray[np.bool_]
    scale: Scale
    market: Market

    @classmethod
    def of(cls, bars: Bars, trading: Trading) -> _Floor:
        close, price, payout = prices_of(bars, trading.fill)
        scale = Scale.of(close, trading.capital)
        last, filled = (np.ascontiguousarray(values / scale.price) for values in (close, price))
        return cls(bars, trading, price, payout, scale, Market(last, filled, trading.fees, trading.slippage))

    def trade(self, target: Floats, apart: bool = False) -> Account:
        """Return the account of one series of desired weights, or of each of its symbols, if they are to be `apart`."""
        if self.trading.rules is not None:
            return next(self.by_rules(target[:, :, None], apart))
        orders = orders_of(target, self.bars.present, self.payout, np.isnan(self.price))
        cash, money = self.trading.capital / self.scale.money, self.scale.money
        if self.trading.has_impact:
            return book_with_impact(orders, self.market, self.trading, cash, money, apart)
        return book(orders, self.market, cash, apart)

    def by_rules(self, targets: Floats, apart: bool = False) -> Iterator[Account]:
        """Yield the account of each series of desired weights, whose orders are made by the rules.

        Apart, there is one series, and each of its symbols is decided upon as a series of its own.
        """
        market, money = self.market, self.scale.money
        cash, rules = self.trading.capital / money, self.trading.rules
        assert rules is not None
        found = [
            wanted_of(targets[:, :, k], self.bars.present, self.payout, np.isnan(self.price))
            for k in range(targets.shape[2])
        ]
        wanted, tradable = np.stack([one for one, _ in found], axis=2), found[0][1][:, :, None]
        lots = rules.lots * self.scale.price[:, None] / money
        turned: Callable[[Any], Any] = (lambda one: one.swapaxes(-1, -2)) if apart else (lambda one: one)
        known = {key: turned(value[:, :, None]) if np.ndim(value) else value for key, value in vars(market).items()}
        impact = self.trading.impact
        trading = replace(
            self.trading,
            rules=replace(rules, lots=turned(lots)),
            impact=turned(impact[:, :, None]) if isinstance(impact, np.ndarray) else impact,
        )
        units, slippage = units_by_rules(turned(wanted), turned(tradable), Market(**known), trading, cash, money)
        for k in range(targets.shape[2]):
            sizes, slips = (np.ascontiguousarray(turned(one)[:, :, k]) for one in (units, slippage))
            yield book_units(sizes, slips, market, cash, apart)

    def trade_each(self, targets: Floats) -> Floats:
        """Return what accounts of the only symbol are worth, one a series: half the time of each is that of calls.

        What orders of one series pay must not depend on the others: there is no impact.
        """
        beside: Callable[[Any], Any] = partial(np.repeat, repeats=targets.shape[1], axis=1)
        known: dict[str, Any] = {key: beside(value) for key, value in vars(self.market).items() if np.ndim(value)}
        orders = orders_of(targets, *map(beside, (self.bars.present, self.payout, np.isnan(self.price))))
        return book(orders, replace(self.market, **known), self.trading.capital / self.scale.money, apart=True).value

    def book(self, target: Floats, apart: bool = False) -> Booked:
        """Return what came of one series: value, whether something was held, orders and positions."""

        def booked() -> Booked:
            account = self.trade(target, apart)
            return {
                **self.valued(account, apart),
                "held": (account.assets != 0).any(axis=1),
                "orders": account.orders,
                "positions": account.positions(),
            }

        return self.kept("apart" if apart else "account", target, booked)

    def valued(self, account: Account, apart: bool = False) -> dict[str, Floats]:
        """Return what an account is worth, and its carry."""
        return {"value": account.value, **carry_of(account.weights, self.trading.carry, apart)}

    def kept(self, what: str, targets: Floats, compute: Callable[[], Booked]) -> Booked:
        """Return what was kept of these weights, traded here, or compute and keep it."""
        kept = self.trading.kept
        if kept is None:
            return compute()
        key = kept.key(what, self.digest, targets)
        found: Booked | None = kept.get(key)
        if found is None or len(found.get("value", ())) != len(self.bars):
            found = compute()
            if sum(array.nbytes for array in found.values()) <= MOST_KEPT:
                kept.put(key, found)
        return found

    @cached_property
    def digest(self) -> str:
        """The hash of what all series are traded at."""
        trading, market = self.trading, self.market
        assert trading.kept is not None
        shares = (np.asarray(share) for share in (trading.fees, trading.slippage, trading.impact))
        money = np.array([trading.capital, self.scale.money])
        rates = () if trading.carry is None else trading.carry.arrays
        rules = () if trading.rules is None else trading.rules.arrays
        traded = market.close, market.price, self.payout, self.scale.price, money, *shares, *rates, *rules
        return trading.kept.key("floor-1", _how(), *traded)

    def value(self, booked: Booked) -> Floats:
        """Return what accounts are worth without carry, in the market's currency, (n_bars, n_accounts)."""
        value: Floats = booked["value"] * self.scale.money
        return value

    def equity(self, booked: Booked) -> Floats:
        """Return what accounts are worth, (n_bars, n_accounts), zero from the bar on at which nothing is left."""
        value = _until_ruin(self.value(booked))
        return value if self.trading.carry is None else _until_ruin(carried(value, booked))


@cache
def _how() -> str:
    """Return the hash of the text that makes orders and books them."""
    here = Path(__file__)
    names = ("accounts", "backtest", "by_rules", "carry", "costs", "impact", "order_rules", "orders", "scale")
    texts = [here.with_name(f"{name}.py").read_bytes() for name in names]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _until_ruin(equity: Floats) -> Floats:
    """Return the equity with zero from the bar on at which nothing is left, along axis 0.

    A short position can lose more than there is; such an account is closed, it does not recover.
    """
    return np.where(np.minimum.accumulate(equity, axis=0) > 0, equity, 0.0)


def _result(floor: _Floor, booked: Booked) -> BacktestResult:
    bars, trading, equity = floor.bars, floor.trading, floor.value(booked)[:, 0]
    orders = floor.scale.back(booked["orders"])
    trades = trades_of(bars, floor.scale.back(booked["positions"]))
    column, row = orders["col"].astype(np.int64), orders["idx"].astype(np.int64)
    size, paid = orders["size"], orders["price"]
    quoted = floor.price[row, column]
    slippage = float(np.sum(np.abs(paid - quoted) * size))
    due = trading.slippage_of(row, column, size * quoted)
    unexplained = paid / quoted - 1 - np.sign(paid - quoted) * due
    check_accounts(equity, trades, row, unexplained, trading.capital)
    years = (len(bars) - 1) / bars.bars_per_year
    turnover = float(np.sum(size * paid) / equity.mean() / years) if years > 0 else 0.0
    held = booked["held"]
    return BacktestResult(
        bars.times,
        floor.equity(booked)[:, 0],
        trades,
        float(held[1:].mean()) if len(held) > 1 else 0.0,
        turnover,
        float(orders["fees"].sum()),
        slippage,
        carry=Carry.of(trading.carry, booked, equity),
    )
