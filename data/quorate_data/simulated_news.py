"""Simulated news: a covariate that tells something of the simulated market, and is published late."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

import quorate
from quorate_data.simulated import simulated

_AFTER = 20.0  # hours from the end of a session to its publication, before the next session closes
_REVISED = 5  # sessions of which one is revised, three later


def simulated_news(
    strength: float = 0.3,
    n_bars: int = 2500,
    n_symbols: int = 1,
    seed: int = 0,
    start: str | dt.date = "2000-01-03",
    calendar: str = "us-equity",
    signal: float = 0.4,
    volatility: float = 0.01,
) -> pd.DataFrame:
    """Return records that tell something of what the market of the same options does after their publication.

    The score of a session is published 20 hours after its close, and so known at the next one. Its correlation with
    what a trade then earns, from the open after that close to the open after it, is `strength`. A fifth of the scores
    are revised three days later, which adds nothing but noise.

    Parameters
    ----------
    strength : float
        Correlation, 0 to 0.8.
    n_bars, n_symbols, seed, start, calendar, signal, volatility
        As of the source's bars.

    Returns
    -------
    DataFrame
        ``symbol``, ``time``, ``published_at``, ``score``.

    Raises
    ------
    DataError
        If an option is out of its range.
    """
    if not 0 <= strength <= 0.8:
        raise quorate.DataError(f"source 'simulated': strength must be between 0 and 0.8; it was {strength!r}")
    bars = simulated(signal, n_bars + 3, n_symbols, seed, volatility, start, calendar)
    earned = np.log(bars.open[3:] / bars.open[2:-1]) / volatility
    rng = np.random.default_rng([seed, 4_049])
    score = strength * earned + np.sqrt(1 - strength**2) * rng.standard_normal(earned.shape)
    closes = pd.DatetimeIndex(bars.times[:n_bars]).tz_localize("UTC")
    first = pd.DataFrame(
        {
            "symbol": np.repeat(bars.symbols, n_bars),
            "time": np.tile(closes, n_symbols),
            "published_at": np.tile(closes + pd.Timedelta(hours=_AFTER), n_symbols),
            "score": score.T.ravel(),
        }
    )
    again = first[::_REVISED]
    noise = 0.1 * rng.standard_normal(len(again))
    revised = again.assign(score=again["score"] + noise, published_at=again["published_at"] + pd.Timedelta(days=3))
    return pd.concat([first, revised], ignore_index=True)
