"""Bars of Databento: asked for through its client, or in files of its format."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

import quorate
from quorate_data._paths import find_files
from quorate_data._tables import Table
from quorate_data._text import listed, near
from quorate_data.vendors import _fetch

Schema = Literal["ohlcv-1d", "ohlcv-1h", "ohlcv-1m", "ohlcv-1s"]

LENGTHS = {"ohlcv-1d": 86_400, "ohlcv-1h": 3_600, "ohlcv-1m": 60, "ohlcv-1s": 1}  # seconds
ENDINGS = (".dbn", ".dbn.zst")
WORKERS = 4
PRICES = ["open", "high", "low", "close"]


def databento(
    dataset: str,
    symbols: list[str],
    key: str,
    schema: Schema = "ohlcv-1d",
    stype_in: Literal["raw_symbol", "continuous"] = "raw_symbol",
    since: dt.date | None = None,
    until: dt.date | None = None,
    calendar: str = "weekdays",
    invalid: Literal["error", "drop"] = "error",
    partial: bool = False,
) -> quorate.Bars:
    """Read bars of Databento, which bills what is fetched: from ``data.since`` on.

    Prices and volumes are raw, in the units of each instrument. Days are those of UTC, and so a daily bar is known at
    midnight UTC, and the calendar is one whose sessions end then. What was fetched once as a file is read by ``dbn``.

    Parameters
    ----------
    dataset : str
        Such as ``GLBX.MDP3`` or ``XNAS.ITCH``.
    symbols : list of str
        Such as ``MSFT``, ``ESH4`` or, as a continuous contract, ``ES.c.0``.
    key : str
        Of the account: ``"${DATABENTO_API_KEY}"``.
    schema : str
        Length of a bar: ``ohlcv-1d``, ``ohlcv-1h``, ``ohlcv-1m`` or ``ohlcv-1s``.
    stype_in : {"raw_symbol", "continuous"}
        What kind of symbols these are. That a continuous contract changes its instrument is told as a warning; its
        prices are not adjusted for it.
    calendar : str
        ``weekdays`` or ``24x7``; of bars within a day also another.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    partial : bool
        Take the symbols that came, and name the others in a warning; without it, one that does not come is an error.

    Returns
    -------
    Bars
        Each closes when it is over; one that is not is not read.

    Raises
    ------
    DataError
        Naming the symbols that did not come, each with the reason, and those that did.
    """
    from databento import BentoError, Historical

    names = _fetch.checked_symbols(symbols)
    clock = quorate.get_calendar(calendar)
    if since is None:
        raise quorate.DataError("databento: what is fetched is billed: set data.since")
    if schema not in LENGTHS:
        raise quorate.DataError(
            f"data.schema must be one of {listed(LENGTHS)}; it was {schema!r}{near(schema, LENGTHS)}"
        )
    _check_days(schema, clock)
    client = Historical(key)
    try:
        told = _fetch.patiently(lambda: client.metadata.get_dataset_range(dataset), _waiting)
    except (BentoError, OSError, _fetch.GivenUpError) as e:
        raise quorate.DataError(f"databento: {_fetch.reason(e)}{_near_dataset(dataset)}") from e
    first, stop = _available(told, f"{dataset} has {schema}", schema, (since, until), clock)

    def fetch(symbol: str) -> pd.DataFrame:
        store = _fetch.patiently(
            lambda: client.timeseries.get_range(dataset, first, stop, [symbol], schema, stype_in), _waiting
        )
        frame = _frame(f"databento:{symbol}", store, clock, stop)
        if frame.empty:
            unknown = symbol in store.metadata.not_found
            raise ValueError(f"{dataset} has no {'such symbol' if unknown else 'bar of it'} from {first} to {stop}")
        return frame

    frames = _fetch.each("databento", names, fetch, WORKERS, partial)
    if stype_in == "continuous":
        for symbol, frame in frames.items():
            _tell_rolls("databento", symbol, frame)
    bars = {symbol: frame.drop(columns=["symbol", "instrument_id"]) for symbol, frame in frames.items()}
    return _fetch.bars_of("databento", bars, clock, invalid)


def dbn(
    path: str | list[str],
    symbols: list[str] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    calendar: str = "weekdays",
    sort: bool = False,
    invalid: Literal["error", "drop"] = "error",
) -> quorate.Bars:
    """Read bars from DBN files, as Databento gives them.

    Parameters
    ----------
    path : str or list of str
        A file (``.dbn`` or ``.dbn.zst``), a folder, or a pattern such as ``"ES_*.dbn.zst"``.
    symbols : list of str, optional
        Read these only.
    calendar : str
        ``weekdays`` or ``24x7``; of bars within a day also another.
    sort : bool
        Sort the bars by time; without it bars out of order are an error.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.

    Returns
    -------
    Bars
        Each closes when it is over; a daily one at midnight UTC.

    Raises
    ------
    DataError
        Naming the file.
    """
    clock = quorate.get_calendar(calendar)
    files = {file: _table(file, _opened(file), clock, since, until) for file in find_files(path, ENDINGS)}
    return _fetch.read(files, clock, invalid, symbols=symbols or [], sort=sort)


def dbn_parts(path: str | list[str], **_: Any) -> list[dict[str, Any]]:
    """Return the options of each file on its own."""
    return [{"path": [str(file)]} for file in find_files(path, ENDINGS)]


def _opened(file: Path) -> Any:
    from databento import BentoError, DBNStore
    from databento_dbn import DBNError

    try:
        store = DBNStore.from_file(file)
        if _cut_off(store):
            raise quorate.DataError(f"{file}: not a whole DBN file: it ends within a record; fetch or copy it again")
        return store
    except (OSError, ValueError, BentoError, DBNError) as e:
        raise quorate.DataError(f"{file}: not a readable DBN file: {_fetch.reason(e)}") from e


def _cut_off(store: Any) -> bool:
    """Whether a file ends before its last record, or before what compressed it said that it was done."""
    raw = store.raw
    if str(store.compression) != "zstd":
        head = 8 + int.from_bytes(raw[4:8], "little")
        return store.schema is not None and (len(raw) - head) % store.to_ndarray().itemsize != 0
    import zstandard

    while raw:
        part = zstandard.ZstdDecompressor().decompressobj()
        part.decompress(raw)
        if not part.eof:
            return True
        raw = part.unused_data
    return False


def _table(file: Path, store: Any, clock: quorate.Calendar, since: dt.date | None, until: dt.date | None) -> Table:
    """Return the bars of a file, a row called by its number."""
    frame = _frame(str(file), store, clock, None)
    if str(store.stype_in) == "continuous":
        for symbol, part in frame.groupby("symbol", sort=False):
            _tell_rolls(str(file), str(symbol), part)
    frame = frame.drop(columns="instrument_id").set_axis(pd.RangeIndex(1, len(frame) + 1), axis=0)
    days = clock.sessions(pd.DatetimeIndex(frame["time"]).tz_localize(None).to_numpy())
    frame = frame[_fetch.within(days, since, until)]
    if frame.empty:
        raise quorate.DataError(f"{file}: there is no bar from {since or 'the first'} to {until or 'the last'}")
    return Table(file, frame, "row", closed=True)


def _available(
    told: Mapping[str, Any], what: str, schema: str, span: tuple[dt.date, dt.date | None], clock: quorate.Calendar
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return from when to when bars are asked for: beyond what there is, Databento gives an error instead."""
    told = told.get("schema", {}).get(schema, told)
    first, stop = (pd.Timestamp(told[name]).tz_convert("UTC") for name in ("start", "end"))
    since, until = span
    begin = max(pd.Timestamp(since, tz=clock.timezone).tz_convert("UTC"), first)
    end = stop
    if until is not None:
        end = min(pd.Timestamp(until + dt.timedelta(days=1), tz=clock.timezone).tz_convert("UTC"), stop)
    if begin >= end:
        raise quorate.DataError(
            f"databento: {what} from {first:%Y-%m-%d} to {stop:%Y-%m-%d %H:%M}, none from {since} to {until or 'now'}"
        )
    return begin, end


def _frame(where: str, store: Any, clock: quorate.Calendar, stop: pd.Timestamp | None) -> pd.DataFrame:
    """Return the bars of a store that are over, called by their opens, with the number of each one's instrument."""
    schema = str(store.schema)
    if schema not in LENGTHS:
        raise quorate.DataError(
            f"{where}: it must hold bars ({listed(LENGTHS)}); it holds {store.schema or 'several kinds'}"
        )
    _check_days(schema, clock)
    rows: pd.DataFrame = store.to_df()
    opens = pd.DatetimeIndex(rows.index)
    rows = rows.assign(time=opens.as_unit("us") + pd.Timedelta(seconds=LENGTHS[schema]))
    here = _fetch.now().tz_localize("UTC")
    rows = rows[rows["time"] <= (here if stop is None else min(here, stop))]
    _check_venues(where, rows)
    kept = rows[["symbol", "instrument_id", "time", *PRICES, "volume"]]
    return kept.astype(dict.fromkeys((*PRICES, "volume"), np.float64))


def _check_days(schema: str, clock: quorate.Calendar) -> None:
    """Refuse a calendar by which a day of UTC would be known before it is over."""
    if schema == "ohlcv-1d" and (clock.close, clock.timezone) != ("24:00", "UTC"):
        raise quorate.DataError(
            f"databento: days of ohlcv-1d end at midnight UTC, and sessions of calendar {clock.name!r} at "
            f'{clock.close} in {clock.timezone}, when they are not known: set data.calendar = "weekdays" or '
            '"24x7", or take data.schema = "ohlcv-1h"'
        )


def _check_venues(where: str, rows: pd.DataFrame) -> None:
    """Refuse a dataset with bars of several venues for one symbol and stamp."""
    from databento.common.publishers import Publisher

    again = rows.set_index("symbol", append=True).index.duplicated(keep=False)
    if len(found := rows["publisher_id"][again].unique()) > 1:
        venues = listed(str(Publisher.from_int(int(one))) for one in found)
        raise quorate.DataError(
            f"{where}: there are bars of several venues for one symbol and time ({venues}): take a dataset of one "
            "venue, or one of all together, such as EQUS.SUMMARY"
        )


def _tell_rolls(where: str, symbol: str, bars: pd.DataFrame) -> None:
    """Warn of the instruments that a continuous contract is made of."""
    ids = bars["instrument_id"].to_numpy()
    changes = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    if len(changes):
        at = int(changes[0])
        times = "once" if len(changes) == 1 else f"{len(changes)} times, first"
        warnings.warn(
            f"{where}: {symbol} changes its instrument {times} from {ids[at - 1]} to {ids[at]} at "
            f"{bars.index[at]:%Y-%m-%d %H:%M}: prices are those of one after the other, not adjusted for the steps "
            "between them",
            quorate.DataWarning,
            stacklevel=3,
        )


def _near_dataset(dataset: str) -> str:
    from databento import Dataset

    known = [str(one) for one in Dataset]
    return "" if dataset in known else near(dataset, known)


def _waiting(error: Exception) -> float | None:
    """Return the seconds to wait before it is asked again; None, where that is of no use."""
    from databento import BentoError, BentoHttpError

    if isinstance(error, BentoHttpError):
        passing = error.http_status in (408, 429) or error.http_status >= 500
        return _fetch.retry_after(error.headers) if passing else None
    return 0.0 if isinstance(error, BentoError | OSError) else None
