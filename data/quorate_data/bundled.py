"""Daily index data that comes with the `arch` package."""

from __future__ import annotations

import importlib
from typing import Literal

import pandas as pd

import quorate

_SYMBOLS = {"nasdaq": "NASDAQ", "sp500": "SP500"}


def bundled(dataset: Literal["nasdaq", "sp500", "indices"] = "nasdaq") -> quorate.Bars:
    """Return bundled daily bars, 1999-01-04 to 2018-12-31, 5,031 sessions.

    Parameters
    ----------
    dataset : {"nasdaq", "sp500", "indices"}
        The NASDAQ Composite, the S&P 500, or both as one panel.

    Returns
    -------
    Bars
        Index points, stamped 16:00 New York time of each session; volume in shares.

    Raises
    ------
    DataError
        If `dataset` is none of the three.

    Notes
    -----
    The S&P 500's open equals the previous close on 40 % of the days (the index is carried over until
    its members trade), so a backtest filled at its open trades at prices nobody could have had; the
    NASDAQ Composite's open does so on 0.2 %.
    """
    if dataset not in (*_SYMBOLS, "indices"):
        raise quorate.DataError(f"source 'bundled': dataset must be 'nasdaq', 'sp500' or 'indices'; it was {dataset!r}")
    names = tuple(_SYMBOLS) if dataset == "indices" else (dataset,)
    return quorate.Bars.from_frame(pd.concat([_load(name) for name in names]), "us-equity")


def _load(name: str) -> pd.DataFrame:
    raw: pd.DataFrame = importlib.import_module(f"arch.data.{name}").load()
    closes = quorate.get_calendar("us-equity").close_times(raw.index.to_numpy())
    prices = raw.rename(columns=str.lower)[["open", "high", "low", "close", "volume"]].reset_index(drop=True)
    prices.insert(0, "symbol", _SYMBOLS[name])
    prices.insert(1, "time", pd.DatetimeIndex(closes).tz_localize("UTC"))
    return prices
