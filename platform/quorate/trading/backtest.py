"""The backtest: desired weights traded at the next bar. The only module that imports vectorbt.

vectorbt does the accounting of orders and cash. What it would do by default and must not: fill at
the bar that made the decision, count open trades as won or lost, annualise with 365 days. So this
module delays the weights itself, takes closed round trips only, and computes no statistic.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, QuorateError
from quorate.statistics import Floats
from quorate.trading.costs import Fill, Trading
from quorate.trading.scale import SETTINGS, Scale

GONE = 60  # sessions without a price after which a symbol is taken for ended and paid out at its last close
CELLS = 8_000_000  # simulated at once; bounds the memory of a large panel with many thresholds


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
    """

    times: NDArray[np.datetime64]
    equity: Floats
    trades: pd.DataFrame
    exposure: float
    turnover: float
    fees: float
    slippage: float

    @property
    def returns(self) -> Floats:
        """Net simple return of each bar after the first, (n_bars - 1,)."""
        return statistics.returns_of(self.equity)

    @property
    def closed(self) -> pd.DataFrame:
        """The trades that were closed."""
        return self.trades[self.trades["closed"].to_numpy(dtype=bool)]


def equity_curves(bars: Bars, targets: Floats, trading: Trading) -> Floats:
    """Return the equity of many series of desired weights at once.

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols, n_series)
        Desired weight decided at the close of each bar.

    Returns
    -------
    ndarray of float64, (n_bars, n_series)
    """
    values = [_value(portfolio, len(part), scale) for portfolio, part, _, scale in _simulate(bars, targets, trading)]
    return _until_ruin(np.hstack(values))


def backtest(bars: Bars, targets: Floats, trading: Trading) -> list[BacktestResult]:
    """Return the full result of each series of desired weights; arguments as in `equity_curves`.

    An account that has lost everything trades no more.

    Raises
    ------
    IntegrityError
        If the trades do not add up to the equity, or a fill is not after its decision.
    """
    results = []
    for portfolio, part, prices, scale in _simulate(bars, targets, trading):
        equity = _value(portfolio, len(part), scale)
        orders, positions = portfolio.orders.records, portfolio.positions.records
        held = np.abs(portfolio.assets().to_numpy()) > 0
        n = len(bars.symbols)
        for k in range(len(part)):
            lost = equity[:, k] <= 0
            if lost.any() and targets[lost.argmax() :, :, part[k]].any():
                stopped = targets[:, :, [part[k]]].copy()
                stopped[lost.argmax() :] = 0.0
                results += backtest(bars, stopped, trading)
                continue
            mine = slice(k * n, (k + 1) * n)
            results.append(
                _result(
                    bars,
                    equity[:, k],
                    scale.back(_of(orders, mine)),
                    scale.back(_of(positions, mine)),
                    held[:, mine].any(axis=1),
                    prices,
                    trading,
                )
            )
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
    [(portfolio, _, _, scale)] = _simulate(bars, weights[:, :, None], trading, apart=True)
    n = len(bars.symbols)
    positions = portfolio.positions.records
    closed = positions["col"][positions["status"] == 1].to_numpy(dtype=np.int64)
    return _until_ruin(_value(portfolio, n, scale)), np.bincount(closed, minlength=n).astype(np.int64)


def fills(bars: Bars, targets: Floats, trading: Trading) -> pd.DataFrame:
    """Return every order of one series of desired weights that was filled, in time order.

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols)
        As in `equity_curves`, of one series.

    Returns
    -------
    DataFrame
        bar, column (of its symbol), price, and size, negative for what was sold.
    """
    [(portfolio, _, _, scale)] = _simulate(bars, targets[:, :, None], trading)
    orders = scale.back(portfolio.orders.records).sort_values(["idx", "id"])
    size = np.where(orders["side"] == 0, orders["size"], -orders["size"])
    return pd.DataFrame(
        {
            "bar": orders["idx"].to_numpy(),
            "column": orders["col"].to_numpy(),
            "price": orders["price"].to_numpy(),
            "size": size,
        }
    )


def load() -> None:
    """Import what a backtest needs, while there is nothing else to do."""
    _vectorbt()


def _vectorbt() -> Any:
    try:
        import vectorbt
    except Exception as e:  # it reads its own docstrings, which Python may have been told to leave out
        hint = (
            ": run without -OO and PYTHONOPTIMIZE=2, which take its documentation away"
            if sys.flags.optimize > 1
            else ""
        )
        raise QuorateError(f"vectorbt, which keeps the accounts, cannot be imported ({e}){hint}") from e
    return vectorbt


def _of(records: pd.DataFrame, columns: slice) -> pd.DataFrame:
    inside: pd.DataFrame = records[(records["col"] >= columns.start) & (records["col"] < columns.stop)]
    return inside.assign(col=inside["col"] - columns.start)


def _simulate(
    bars: Bars, targets: Floats, trading: Trading, apart: bool = False
) -> Iterator[tuple[Any, range, Floats, Scale]]:
    """Yield the simulated portfolio of a few series at a time, their range, the fill prices, and its scale.

    The symbols of a series share its capital, or each has as much, if they are to be `apart`.
    """
    vbt = _vectorbt()
    n_bars, n_symbols, n_series = targets.shape
    close, price, payout = _prices(bars, trading.fill)
    scale = Scale.of(close, trading.capital)
    step = max(1, CELLS // max(1, n_bars * n_symbols))
    for start in range(0, n_series, step):
        part = range(start, min(start + step, n_series))
        sizes = [_orders(targets[:, :, k], bars.present, payout) for k in part]
        portfolio = vbt.Portfolio.from_orders(
            pd.DataFrame(np.tile(close / scale.price, (1, len(part)))),
            size=np.hstack(sizes),
            price=np.tile(price / scale.price, (1, len(part))),
            fees=_wide(trading.fees, len(part)),
            slippage=_wide(trading.slippage, len(part)),
            init_cash=trading.capital / scale.money,
            group_by=np.arange(len(part) * n_symbols) if apart else np.repeat(np.arange(len(part)), n_symbols),
            **SETTINGS,
        )
        yield portfolio, part, price, scale


def _wide(share: float | Floats, n_series: int) -> float | Floats:
    return share if isinstance(share, float) else np.tile(share, (1, n_series))


def gone_after(bars: Bars) -> int:
    """Return how many bars in a row a symbol may miss before it is taken for ended."""
    return GONE * max(1, round(bars.bars_per_year / bars.calendar.sessions_per_year))


def recently(present: NDArray[np.bool_], gone: int = GONE) -> NDArray[np.bool_]:
    """Return where a symbol has had a bar within the last `gone` bars: it may be missing, but has not ended."""
    rows = np.arange(len(present))[:, None]
    last = np.maximum.accumulate(np.where(present, rows, -gone), axis=0)
    return rows - last < gone


def _prices(bars: Bars, fill: Fill) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return last closes, fill prices, and where a symbol is paid out, all (n_bars, n_symbols)."""
    close = pd.DataFrame(bars.close).ffill().to_numpy()
    price = bars.fill(fill).copy()
    alive = recently(bars.present, gone_after(bars))
    payout = np.zeros_like(alive)
    payout[1:] = alive[:-1] & ~alive[1:]
    price[payout] = close[payout]
    return close, price, payout


def _orders(target: Floats, present: NDArray[np.bool_], payout: NDArray[np.bool_]) -> Floats:
    """Return the weight to order at each bar, NaN for none: what was desired one bar before, if it changed.

    A symbol that misses a bar keeps its desired weight, and a change waits for its next bar. One that
    was paid out and comes back is traded again only once that is decided anew.
    """
    known = np.where(present, target, np.where(payout, 0.0, np.nan))
    target = pd.DataFrame(known).ffill().fillna(0.0).to_numpy()
    wanted = np.zeros_like(target)
    wanted[1:] = target[:-1]
    wanted[payout] = 0.0
    filled = pd.DataFrame(np.where(present | payout, wanted, np.nan)).ffill().fillna(0.0).to_numpy()
    before = np.vstack([np.zeros((1, target.shape[1])), filled[:-1]])
    return np.where((present | payout) & (wanted != before), wanted, np.nan)


def _value(portfolio: Any, n_series: int, scale: Scale) -> Floats:
    return np.asarray(portfolio.value().to_numpy(), dtype=np.float64).reshape(-1, n_series) * scale.money


def _until_ruin(equity: Floats) -> Floats:
    """Return the equity with zero from the bar on at which nothing is left, along axis 0.

    A short position can lose more than there is; such an account is closed, it does not recover.
    """
    return np.where(np.minimum.accumulate(equity, axis=0) > 0, equity, 0.0)


def _result(
    bars: Bars,
    equity: Floats,
    orders: pd.DataFrame,
    positions: pd.DataFrame,
    held: NDArray[np.bool_],
    prices: Floats,
    trading: Trading,
) -> BacktestResult:
    trades = _trades(bars, positions)
    column, row = orders["col"].to_numpy(dtype=np.int64), orders["idx"].to_numpy(dtype=np.int64)
    size, paid = orders["size"].to_numpy(), orders["price"].to_numpy()
    quoted = prices[row, column]
    slippage = float(np.sum(np.abs(paid - quoted) * size))
    due = trading.slippage if isinstance(trading.slippage, float) else trading.slippage[row, column]
    unexplained = paid / quoted - 1 - np.sign(paid - quoted) * due
    _check_accounts(equity, trades, orders, unexplained, trading.capital)
    years = (len(bars) - 1) / bars.bars_per_year
    turnover = float(np.sum(size * paid) / equity.mean() / years) if years > 0 else 0.0
    return BacktestResult(
        bars.times,
        _until_ruin(equity),
        trades,
        float(held[1:].mean()) if len(held) > 1 else 0.0,
        turnover,
        float(orders["fees"].sum()),
        slippage,
    )


def _trades(bars: Bars, positions: pd.DataFrame) -> pd.DataFrame:
    entry = positions["entry_idx"].to_numpy(dtype=np.int64)
    leave = positions["exit_idx"].to_numpy(dtype=np.int64)
    times = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    return pd.DataFrame(
        {
            "symbol": np.asarray(bars.symbols)[positions["col"].to_numpy(dtype=np.int64)],
            "side": np.where(positions["direction"].to_numpy() == 0, "long", "short"),
            "decided": times[entry - 1],
            "entered": times[entry],
            "exited": times[leave],
            "size": positions["size"].to_numpy(),
            "entry_price": positions["entry_price"].to_numpy(),
            "exit_price": positions["exit_price"].to_numpy(),
            "fees": (positions["entry_fees"] + positions["exit_fees"]).to_numpy(),
            "pnl": positions["pnl"].to_numpy(),
            "pnl_fraction": positions["return"].to_numpy(),
            "closed": positions["status"].to_numpy() == 1,
        }
    )


def _check_accounts(
    equity: Floats, trades: pd.DataFrame, orders: pd.DataFrame, unexplained: Floats, capital: float
) -> None:
    if not np.isfinite(equity).all():
        raise IntegrityError("the equity is not finite on every bar")
    total, last = capital + float(trades["pnl"].sum()), float(equity[-1])
    if abs(total - last) > max(5e-8 * capital, 1e-9 * abs(last)):
        raise IntegrityError(f"the trades add up to {total:.9g}, the equity to {last:.9g}")
    if (orders["idx"] < 1).any() or not np.allclose(unexplained, 0.0, atol=1e-9):
        raise IntegrityError("an order was not filled at the price of a bar after its decision")
