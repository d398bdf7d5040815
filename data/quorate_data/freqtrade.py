"""Bars from the data folder of freqtrade."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

import quorate
from quorate_data._arrow import arrow_frame
from quorate_data._layout import Layout
from quorate_data._names import PRICES
from quorate_data._paths import find_files
from quorate_data._tables import Table, read_frame
from quorate_data._text import listed, near
from quorate_data._timing import make_timing
from quorate_data.files import load

Candles = Literal["spot", "futures", "mark"]

_ENDINGS = (".feather", ".json", ".json.gz", ".parquet", ".h5")
_NAME = re.compile(
    r"(?P<pair>.+)-(?P<timeframe>\d+[smhdwMy])(?:-(?P<candles>futures|mark))?(?P<ending>\.feather|\.json(?:\.gz)?|\.parquet)"
)
_COLUMNS = ("date", *PRICES, "volume")


@dataclass(frozen=True)
class _File:
    """A file of bars, and what its name tells."""

    path: Path
    pair: str
    timeframe: str
    candles: str


def freqtrade(
    path: str | list[str],
    timeframe: str | None = None,
    candles: Candles = "spot",
    symbols: list[str] | None = None,
    calendar: str = "24x7",
    invalid: Literal["error", "drop"] = "error",
) -> quorate.Bars:
    """Read bars that freqtrade downloaded: files such as ``BTC_USDT-1h.feather``, Feather, Parquet or JSON.

    Parameters
    ----------
    path : str or list of str
        The folder of an exchange, such as ``user_data/data/binance``, or of its ``futures``; a file; or a pattern.
    timeframe : str, optional
        Of the files that are read, such as ``1h``; the only one if not given.
    candles : {"spot", "futures", "mark"}
        Which of them: futures have files of their own, and others of mark prices.
    symbols : list of str, optional
        Read these pairs only, as ``BTC/USDT`` or, of futures, ``BTC/USDT:USDT``.
    calendar : str
        As of other files.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.

    Returns
    -------
    Bars
        A bar is known when it is over: freqtrade stamps them at their open, in UTC.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    files = _chosen(path, timeframe, candles, symbols or [])
    layout = Layout({}, None, [], calendar, None, False, invalid, False, None, make_timing(None, None, False, None), [])
    return load(files, layout, lambda file: _tables_of(file, layout))


def _chosen(path: str | list[str], timeframe: str | None, candles: str, symbols: list[str]) -> list[_File]:
    """Return the files that are asked for.

    Raises
    ------
    DataError
        If there are none, of several timeframes, or none of a symbol.
    """
    found = [
        _File(file, _pair(told["pair"]), told["timeframe"], told["candles"] or "spot")
        for file in find_files(path, _ENDINGS)
        if (told := _NAME.fullmatch(file.name))
    ]
    of_kind = [file for file in found if file.candles == candles]
    if not of_kind:
        others = listed(sorted({file.candles for file in found}))
        raise quorate.DataError(
            f"{path}: there are no {candles} files, called as BTC_USDT-1h.feather is"
            + (f"; there are {others} (data.candles)" if found else "; HDF5 is not read")
        )
    lengths = sorted({file.timeframe for file in of_kind})
    if timeframe is None and len(lengths) > 1:
        raise quorate.DataError(f"{path}: there are files of {listed(lengths)}: say which with data.timeframe")
    if timeframe is not None and timeframe not in lengths:
        raise quorate.DataError(
            f"{path}: there are no files of data.timeframe = {timeframe!r}, but of {listed(lengths)}"
        )
    right = [file for file in of_kind if file.timeframe == (timeframe or lengths[0])]
    known = [file.pair for file in right]
    for name in symbols:
        if name not in known:
            raise quorate.DataError(f"{path}: there are no bars of the symbol {name!r}{near(name, known)}")
    return [file for file in right if not symbols or file.pair in symbols]


def _pair(name: str) -> str:
    """Return a pair as freqtrade writes it: ``BTC/USDT``, ``BTC/USDT:USDT``."""
    return name.replace("_", "/", 1).replace("_", ":", 1)


def _tables_of(file: _File, layout: Layout) -> list[Table]:
    if file.path.suffix == ".feather":
        frame = arrow_frame(file.path)
    elif file.path.suffix == ".parquet":
        frame = quorate.read_parquet(file.path)
    else:
        frame = _from_json(file.path)
    tables = read_frame(file.path, frame, layout)
    return [replace(table, frame=table.frame.assign(symbol=file.pair), begins=True) for table in tables]


def _from_json(path: Path) -> pd.DataFrame:
    """Return a JSON file's list of lists; `DataError` if it is none."""
    try:
        content = path.read_bytes()
        rows = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
        if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(_COLUMNS) for row in rows):
            raise ValueError(f"it must be a list of lists of {', '.join(_COLUMNS)}")
    except (OSError, ValueError, EOFError) as e:
        raise quorate.DataError(f"{path}: not a JSON file of bars: {e}") from e
    return pd.DataFrame(rows, columns=[*_COLUMNS])
