"""Daily index data that comes with the `arch` package."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from pathlib import Path
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
        If `dataset` is none of the three, or its file is not where `arch` is installed.

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
    raw = _table(name)
    days = pd.to_datetime(raw["date"], format="%m/%d/%Y")
    closes = quorate.get_calendar("us-equity").close_times(days.to_numpy())
    prices = raw[["open", "high", "low", "close", "volume"]]
    prices.insert(0, "symbol", _SYMBOLS[name])
    prices.insert(1, "time", pd.DatetimeIndex(closes).tz_localize("UTC"))
    return prices


def _table(name: str) -> pd.DataFrame:
    """Read a file of `arch` from where it is installed: importing it would take seconds, as it imports statsmodels."""
    spec = find_spec("arch")
    if spec is None or not spec.submodule_search_locations:
        raise quorate.DataError("source 'bundled': its data comes with arch, which is not installed: pip install arch")
    path = Path(spec.submodule_search_locations[0], "data", name, f"{name}.csv.gz")
    try:
        table: pd.DataFrame = pd.read_csv(path).rename(columns=str.lower)
        return table[["date", "open", "high", "low", "close", "volume"]]
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as e:
        raise quorate.DataError(
            f"source 'bundled': {path}, which comes with arch, cannot be read ({e}): pip install --force-reinstall arch"
        ) from e
