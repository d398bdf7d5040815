"""Performances changed in one respect, to see what a metric or a gate makes of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.evidence.evidence import Performance
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats, equity_curve
from quorate.testing._base import call
from quorate.testing.markets import performance


def quiet(plugin: Plugin, *arguments: Any, **more: Any) -> Any:
    """Call the plugin's function; what NumPy warns of on the way is no fault."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return call(plugin, *arguments, **more)


def ordinary(n: int = 300, seed: int = 0) -> dict[str, Performance]:
    """Return performances on which nearly every figure is defined, by name."""
    rng = np.random.default_rng(seed + 100)
    truth = rng.normal(0, 0.01, n)
    forecast = performance(seed=seed + 1, n=n, predictions=0.3 * truth, labels=truth, binary=False)
    spread = np.array([-0.013, 0.0, 0.013])
    forecast = replace(forecast, levels=np.array([0.1, 0.5, 0.9]), quantiles=0.3 * truth[:, None] + spread)
    mixed = performance(seed=seed + 2, n=n)
    side = np.where(np.arange(len(mixed.trades)) % 2, "short", "long")
    is_open = np.arange(len(mixed.trades)) == len(mixed.trades) - 1
    held = pd.to_timedelta(np.array([1, 2, 4])[np.arange(len(mixed.trades)) % 3], unit="D")
    trades = mixed.trades.assign(side=side, closed=~is_open, exited=mixed.trades["entered"] + held)
    mixed = replace(mixed, trades=trades, slippage=17.0)
    bar = np.arange(n) // 6
    several = performance(seed=seed + 3, n=n, predictions=0.3 * truth + rng.normal(0, 0.01, n), labels=truth,
                          binary=False, forecast_bar=bar)  # fmt: skip
    return {
        "probabilities": performance(seed=seed, n=n),
        "expected returns": forecast,
        "trades on both sides, the last one open": mixed,
        "six symbols": several,
    }


def with_returns(p: Performance, returns: Floats) -> Performance:
    """Return the same performance with other returns, the equity rebuilt."""
    return replace(p, equity=equity_curve(returns, float(p.equity[0])))


def with_gains(p: Performance, gains: Floats) -> Performance:
    """Return the same performance with other gains of its trades, as fractions of 1,000."""
    trades = p.trades.assign(
        pnl=1000.0 * gains, pnl_fraction=gains, exit_price=p.trades["entry_price"].to_numpy() * (1 + gains)
    )
    return replace(p, trades=trades)


def with_trades(p: Performance, rows: NDArray[np.int64]) -> Performance:
    """Return the same performance with these rows of its trades."""
    return replace(p, trades=p.trades.iloc[rows].reset_index(drop=True))


def with_forecasts(p: Performance, rows: NDArray[np.int64]) -> Performance:
    """Return the same performance with these of its forecasts."""
    names = ("predictions", "labels", "naive", "forecast_bar", "entry_price", "quantiles")
    chosen = {name: getattr(p, name)[rows].copy() for name in names if len(getattr(p, name))}
    return replace(p, **chosen)


def enlarged(p: Performance, factor: float) -> Performance:
    """Return what the same trading would have been with `factor` times the capital."""
    trades = p.trades.assign(**{name: p.trades[name] * factor for name in ("size", "fees", "pnl")})
    return replace(p, equity=p.equity * factor, trades=trades, fees=p.fees * factor, slippage=p.slippage * factor)


def shuffled(p: Performance, part: str, seed: int = 5) -> Performance:
    """Return the performance with its ``returns``, ``trades`` or ``forecasts`` in another order."""
    rng = np.random.default_rng(seed)
    if part == "returns":
        return with_returns(p, rng.permutation(p.returns))
    if part == "trades":
        return with_trades(p, rng.permutation(len(p.trades)))
    return with_forecasts(p, rng.permutation(len(p.labels)))


def snapshot(value: Any) -> dict[str, bytes]:
    """Return the content of every field of a frozen dataclass of arrays and frames, to compare later."""
    content: dict[str, bytes] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if isinstance(part, np.ndarray):
            content[field.name] = part.dtype.str.encode() + part.tobytes()
        elif hasattr(part, "to_csv"):
            content[field.name] = part.to_csv().encode()
        elif isinstance(part, Performance):
            content |= {f"{field.name}.{name}": inner for name, inner in snapshot(part).items()}
        else:
            content[field.name] = repr(part).encode()
    return content


def first_change(before: dict[str, bytes], after: dict[str, bytes]) -> str | None:
    """Return the first field whose content changed."""
    return next((name for name in before if before[name] != after.get(name)), None)


Alter = Callable[[Performance], Performance]


def _lifted(p: Performance) -> Performance:
    r = p.returns
    return with_returns(p, np.where(r > 0, r * 1.1, r * 0.9))


def _calmer(p: Performance) -> Performance:
    mean = p.returns.mean()
    return with_returns(p, mean + 0.5 * (p.returns - mean))


def _larger_gains(p: Performance) -> Performance:
    gains = p.trades["pnl_fraction"].to_numpy()
    return with_gains(p, np.where(gains > 0, gains * 1.25, gains * 0.8))


def _more_winners(p: Performance) -> Performance:
    gains = p.trades["pnl_fraction"].to_numpy().copy()
    losing = np.flatnonzero(gains <= 0)[::2]
    gains[losing] = gains[gains > 0].mean()
    return with_gains(p, gains)


def _true_forecasts(p: Performance) -> Performance:
    quantiles = np.repeat(p.labels[:, None], len(p.levels), axis=1)
    return replace(p, predictions=np.clip(p.labels, 0.001, 0.999) if p.binary else p.labels.copy(), quantiles=quantiles)


# What makes a performance better, by the part that it changes. A figure is judged by the first group of a
# part that moves it: less risk at the same mean is for those that a shift leaves alone.
BETTER: tuple[tuple[str, tuple[tuple[str, Alter], ...]], ...] = (
    (
        "returns",
        (
            ("every return is higher by 0.001", lambda p: with_returns(p, p.returns + 0.001)),
            ("every bar that gains gains more and every bar that loses loses less", _lifted),
        ),
    ),
    ("returns", (("the returns vary half as much around the same mean", _calmer),)),
    ("trades", (("every winning trade gains more and every losing one loses less", _larger_gains),)),
    ("trades", (("half of the losing trades win", _more_winners),)),
    ("forecasts", (("every forecast comes true", _true_forecasts),)),
)
