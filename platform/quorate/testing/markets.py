"""Small deterministic markets and training data, for tests of plugins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.evidence.evidence import Evidence, Performance
from quorate.evidence.judging import measure
from quorate.plugins.registry import Registry
from quorate.statistics import Floats, equity_curve
from quorate.statistics._naive import naive_forecasts
from quorate.trading.backtest import BacktestResult

COST = 0.0005


@lru_cache(maxsize=32)
def market(n_bars: int = 300, n_symbols: int = 1, seed: int = 0) -> Bars:
    """Return daily bars of a simulated market: no gaps, volume, nothing flat.

    Parameters
    ----------
    n_bars, n_symbols : int
        Size of the panel. The symbols are named ``AAA``, ``BBB``, ...
    seed : int
        Equal seeds give equal bars.
    """
    return Bars.from_frame(_frame(n_bars, [0] * n_symbols, seed))


@lru_cache(maxsize=8)
def panel(n_bars: int = 300, late: int = 90, seed: int = 0) -> Bars:
    """Return two symbols with a ragged start: ``AAA`` from the first bar, ``BBB`` from bar `late` on."""
    return Bars.from_frame(_frame(n_bars, [0, late], seed))


def scramble(bars: Bars, after: int, seed: int = 1) -> Bars:
    """Return the same bars up to position `after` - 1, and others from there on."""
    future = (np.arange(len(bars)) >= after)[:, None] & bars.present
    fields: dict[str, Any] = {}
    for name, other in _other(len(bars), len(bars.symbols), seed + 1000).items():
        if name != "volume" or np.isfinite(bars.volume).any():
            fields[name] = np.asfortranarray(np.where(future, other * 3.0, getattr(bars, name)))
            fields[name].flags.writeable = False
    return replace(bars, **fields)


@lru_cache(maxsize=8)
def sides(bars: Bars) -> Floats:
    """Return the side that a rule takes which follows the last move, for strategies that name ``side``; read-only."""
    before = np.vstack([np.full((1, len(bars.symbols)), np.nan), bars.close[:-1]])
    found: Floats = np.nan_to_num(np.sign(bars.close - before))
    found.flags.writeable = False
    return found


def _other(n_bars: int, n_symbols: int, seed: int) -> dict[str, Floats]:
    frame = _frame(n_bars, [0] * n_symbols, seed)
    return {n: frame[n].to_numpy().reshape(n_bars, n_symbols) for n in ("open", "high", "low", "close", "volume")}


def _frame(n_bars: int, starts: list[int], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(starts)
    time = pd.bdate_range("2015-01-05", periods=n_bars, tz="UTC") + pd.Timedelta(hours=21)
    volatility = 0.012 * np.exp(0.3 * np.sin(np.arange(n_bars) / 17.0))[:, None]
    gap = rng.normal(0, 0.4, (n_bars, n)) * volatility
    body = rng.normal(0.0003, 1.0, (n_bars, n)) * volatility
    close = 100 * np.exp(np.cumsum(gap + body, axis=0))
    open_ = close / np.exp(body)
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 0.4, (n_bars, n))) * volatility)
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 0.4, (n_bars, n))) * volatility)
    volume = np.round(1e6 * np.exp(rng.normal(0, 0.3, (n_bars, n))))
    symbols = [chr(ord("A") + i) * 3 for i in range(n)]
    frame = pd.DataFrame(
        {
            "symbol": np.tile(symbols, n_bars),
            "time": np.repeat(time, n),
            "open": open_.ravel(),
            "high": high.ravel(),
            "low": low.ravel(),
            "close": close.ravel(),
            "volume": volume.ravel(),
        }
    )
    listed = (np.arange(n_bars)[:, None] >= np.asarray(starts)[None, :]).ravel()
    return frame[listed].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Sample:
    """Training data of the shape that a model asks for, with a weak but learnable relation.

    Parameters
    ----------
    X, X_test : ndarray
        ``rows``: float32 (n, n_features); ``windows``: float32 (n, lookback, n_features); ``bars``:
        float64 (n, lookback, 5). Read-only, as the platform passes them.
    y : ndarray
        int64 0 and 1 for a classification, else float64.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    X_test: NDArray[Any]


def sample(
    task: str = "classification",
    input: str = "rows",
    lookback: int = 1,
    n: int = 240,
    n_test: int = 60,
    n_features: int = 5,
    seed: int = 0,
    noise: float = 0.5,
) -> Sample:
    """Return training data for a model of that task and input.

    The label follows the last bar: its first feature, or its close against its open, plus noise.

    Parameters
    ----------
    task, input : str
        As in `ModelSpec`.
    lookback : int
        Bars of one window.
    n, n_test, n_features, seed : int
        Rows to train on and to predict, features, and what the numbers are drawn with.
    noise : float
        Its standard deviation; that of the signal is about one.
    """
    rng = np.random.default_rng(seed)
    size = n + n_test
    if input == "bars":
        bars = market(size + lookback, seed=seed)
        raw = np.stack([getattr(bars, f)[:, 0] for f in ("open", "high", "low", "close", "volume")], axis=1)
        X: NDArray[Any] = np.stack([raw[i : i + lookback] for i in range(size)])
        last = raw[lookback - 1 : lookback - 1 + size]
        signal = np.log(last[:, 3] / last[:, 0]) * 80
    else:
        rows = size + (lookback - 1 if input == "windows" else 0)
        features = rng.normal(size=(rows, n_features)).astype(np.float32)
        X = features if input == "rows" else np.stack([features[i : i + lookback] for i in range(size)])
        signal = features[len(features) - size :, 0].astype(np.float64)
    noisy = signal + rng.normal(0, noise, size)
    y: NDArray[Any] = (noisy > 0).astype(np.int64) if task == "classification" else noisy * 0.01
    parts = X[:n].copy(), y[:n].copy(), X[n:].copy()
    for part in parts:
        part.flags.writeable = False
    return Sample(*parts)


def performance(
    returns: Floats | None = None,
    *,
    trades: Floats | None = None,
    predictions: Floats | None = None,
    labels: Floats | None = None,
    binary: bool = True,
    bars_per_year: float = 252.0,
    n: int = 300,
    seed: int = 0,
    market: Floats | None = None,
    naive: Floats | None = None,
    forecast_bar: NDArray[Any] | None = None,
    entry_price: Floats | None = None,
) -> Performance:
    """Return what a metric sees, made from returns, the gains of closed trades, and forecasts.

    Parameters
    ----------
    returns : ndarray of float64, (n_bars - 1,), optional
        Net return of each bar after the first; default: `n` random ones.
    trades : ndarray of float64, optional
        Net gain of each closed trade, as a fraction of 1,000; default: one for every tenth return.
    predictions, labels : ndarray of float64, optional
        Forecasts and what came true; default: probabilities that know a little.
    market : ndarray of float64, (n_bars - 1,), optional
        Returns of buy and hold; default: random ones, the same for every seed.
    naive : ndarray of float64, (n_forecasts,), optional
        The naive forecast of each label; default: the mean of the labels before it.
    forecast_bar : ndarray of int, (n_forecasts,), optional
        Position of each forecast's bar; default: one forecast per bar.
    entry_price : ndarray of float64, (n_forecasts,), optional
        The price that each label is the return from; default: labels are none.
    """
    rng = np.random.default_rng(seed)
    r = rng.normal(0.0005, 0.01, n) if returns is None else np.asarray(returns, dtype=np.float64)
    gains = r[::10] * 5 if trades is None else np.asarray(trades, dtype=np.float64)
    y = (rng.random(len(r)) < 0.5).astype(np.float64) if labels is None else np.asarray(labels, dtype=np.float64)
    p = np.clip(0.5 + 0.1 * (y - 0.5) + rng.normal(0, 0.1, len(y)), 0.01, 0.99) if predictions is None else predictions
    times = np.datetime64("2015-01-05T21:00", "us") + np.arange(len(r) + 1) * np.timedelta64(1, "D")
    at, stamps = np.minimum(np.arange(len(gains)), max(len(r) - 1, 0)), pd.DatetimeIndex(times).tz_localize("UTC")
    table = pd.DataFrame(
        {
            "symbol": "AAA",
            "side": "long",
            "decided": stamps[at],
            "entered": stamps[np.minimum(at + 1, len(r))],
            "exited": stamps[np.minimum(at + 2, len(r))],
            "size": 10.0,
            "entry_price": 100.0,
            "exit_price": 100.0 * (1 + gains),
            "fees": 2 * 1000.0 * COST,
            "pnl": 1000.0 * gains,
            "pnl_fraction": gains,
            "closed": np.ones(len(gains), dtype=bool),
        }
    )
    result = BacktestResult(
        times=times,
        equity=equity_curve(r, 100_000.0),
        trades=table,
        exposure=float(np.mean(r != 0)) if len(r) else 0.0,
        turnover=2 * 1000.0 * len(gains) / 100_000.0,
        fees=2 * 1000.0 * COST * len(gains),
        slippage=0.0,
    )
    order = np.arange(len(y)) if forecast_bar is None else np.asarray(forecast_bar, dtype=np.int64)
    return Performance(
        **vars(result),
        bars_per_year=bars_per_year,
        predictions=np.asarray(p, dtype=np.float64),
        labels=y,
        binary=binary,
        market=np.random.default_rng(11).normal(0.0003, 0.01, len(r)) if market is None else np.asarray(market, float),
        naive=naive_forecasts(y, order + 1, order) if naive is None else np.asarray(naive, dtype=np.float64),
        forecast_bar=order,
        entry_price=np.empty(0) if entry_price is None else np.asarray(entry_price, dtype=np.float64),
    )


def evidence(
    judged: Performance | None = None,
    benchmark: Performance | None = None,
    registry: Registry | None = None,
    seed: int = 7,
) -> Evidence:
    """Return what a gate sees: a judged series and buy and hold, measured with every metric of the registry."""
    known = registry or Registry.load()
    one = judged or performance()
    other = benchmark or performance(seed=1, trades=np.empty(0))
    return Evidence(one, other, seed, measure(one, known), measure(other, known))


def undefined() -> dict[str, Performance]:
    """Return performances on which most figures are undefined, by name."""
    none = np.empty(0)
    return {
        "nothing traded": performance(np.zeros(300), trades=none, predictions=none, labels=none),
        "one return": performance(np.array([0.01]), trades=none, predictions=none, labels=none),
        "no return": performance(none, trades=none, predictions=none, labels=none),
        "all NaN": performance(np.full(300, np.nan), trades=np.array([np.nan]), predictions=none, labels=none),
    }
