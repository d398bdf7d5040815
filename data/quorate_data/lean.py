"""Bars from a data folder of LEAN."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

import quorate
from quorate_data._layout import Layout
from quorate_data._lean_files import NEVER, Span, actions_of, renamed, spans_of
from quorate_data._names import PRICES
from quorate_data._tables import Table
from quorate_data._text import listed, near
from quorate_data._timing import make_timing
from quorate_data.files import load

Kind = Literal["equity", "crypto", "cryptofuture", "forex", "cfd"]
Resolution = Literal["daily", "hour", "minute", "second"]

CALENDARS = {"equity": "us-equity", "crypto": "24x7", "cryptofuture": "24x7", "forex": "weekdays", "cfd": "weekdays"}
SCALE = 10_000  # of prices of equities
_TRADES = (*PRICES, "volume")
_QUOTES = tuple(f"{side}_{name}" for side in ("bid", "ask") for name in (*PRICES, "size"))


def lean(
    path: str,
    kind: Kind = "equity",
    market: str | None = None,
    resolution: Resolution = "daily",
    symbols: list[str] | None = None,
    calendar: str | None = None,
    invalid: Literal["error", "drop"] = "error",
    since: dt.date | str | None = None,
    until: dt.date | str | None = None,
) -> quorate.Bars:
    """Read bars from a data folder of LEAN: its zip files of trades, or else of quotes, whose middle is the price.

    Prices are as they were traded, not adjusted. A company is one symbol, called as it is now: map files tell what it
    was called before, when it came, and when it was delisted.

    Parameters
    ----------
    path : str
        The folder that has ``equity``, ``crypto``, ``forex`` and others in it.
    kind : {"equity", "crypto", "cryptofuture", "forex", "cfd"}
        Which of them.
    market : str, optional
        The folder within it, such as ``usa``, ``coinbase`` or ``oanda``; the only one if not given.
    resolution : {"daily", "hour", "minute", "second"}
        How long bars are.
    symbols : list of str, optional
        Read these only.
    calendar : str, optional
        As of other files; if not given ``us-equity`` for equities, ``24x7`` for crypto, ``weekdays`` for others.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    since, until : date or str, optional
        First and last day: of bars within the day no other files are opened.

    Returns
    -------
    Bars
        A bar is known when it is over: LEAN stamps them at their open, those of equities in New York, others in UTC.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the line and the value.
    """
    folder = _folder(path, kind, market, resolution)
    layout = Layout(
        {}, None, [], calendar or CALENDARS[kind], None, False, invalid, False, None,
        make_timing(None, None, False, None), [],
    )  # fmt: skip
    read = partial(_tables_of, folder, _Days(since, until))
    return load(_companies(folder, symbols or []), layout, read)


def lean_actions(
    path: str,
    kind: Kind = "equity",
    market: str | None = None,
    resolution: Resolution = "daily",
    symbols: list[str] | None = None,
    calendar: str | None = None,
    invalid: Literal["error", "drop"] = "error",
) -> pd.DataFrame:
    """Return the splits and dividends of companies, as LEAN's factor files tell; the options are those of `lean`.

    Returns
    -------
    DataFrame
        Columns ``symbol``, ``session`` (the ex date), ``kind`` (``split`` or ``dividend``) and ``value`` (new shares
        per old, or cash per share).

    Raises
    ------
    DataError
        As of `lean`.
    """
    folder = _folder(path, kind, market, resolution)
    rows = [
        (company.upper(), *action)
        for company in _companies(folder, symbols or [])
        for action in actions_of(folder.parent, company, _days_of(folder, company))
    ]
    frame = pd.DataFrame(rows, columns=["symbol", "session", "kind", "value"])
    return frame.astype({"session": "datetime64[us]", "value": np.float64})


def lean_parts(
    path: str,
    kind: Kind = "equity",
    market: str | None = None,
    resolution: Resolution = "daily",
    symbols: list[str] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Return the options that read each company on its own; the others are those of `lean`."""
    folder = _folder(path, kind, market, resolution)
    return [{"symbols": [company.upper()]} for company in _companies(folder, symbols or [])]


@dataclass(frozen=True)
class _Days:
    """The days that are asked for."""

    since: dt.date | str | None
    until: dt.date | str | None

    def within(self, day: dt.date) -> bool:
        return str(self.since or "") <= day.isoformat() <= str(self.until or NEVER)


def _folder(path: str, kind: str, market: str | None, resolution: str) -> Path:
    """Return the folder of the zip files; `DataError` naming the first part of it that is not there."""
    folder = Path(path).expanduser()
    for option, name in (("path", ""), ("kind", kind), ("market", market), ("resolution", resolution)):
        inside = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        if name is None and len(inside) == 1:
            name = inside[0]
        if name is None:
            raise quorate.DataError(f"{folder}: which market it is must be said with data.market: {listed(inside)}")
        folder = folder / name
        if not folder.is_dir():
            raise quorate.DataError(
                f"{folder}: there is no such folder (data.{option}); beside it are {listed(inside)}{near(name, inside)}"
            )
    return folder


def _companies(folder: Path, symbols: Sequence[str]) -> list[str]:
    """Return the companies that are asked for, or all, as their map files or else their zip files are called."""
    wanted = [name.lower() for name in symbols]
    if wanted and all((folder.parent / "map_files" / f"{name}.csv").is_file() for name in wanted):
        return sorted({*wanted})  # there may be thousands of others, of which nobody asks
    tickers = {p.name for p in folder.iterdir() if p.is_dir()}
    tickers |= {p.stem.partition("_")[0] for p in folder.glob("*.zip")}
    before = renamed(folder.parent)
    known = sorted((tickers - before.keys()) | {now for was, now in before.items() if was in tickers})
    if not known:
        raise quorate.DataError(f"{folder}: the folder holds no zip files of LEAN")
    for name in wanted:
        if name in before and name in tickers:
            raise quorate.DataError(
                f"{folder}: {name.upper()} is called {before[name].upper()} now, and its bars are read under that: "
                f'data.symbols = ["{before[name].upper()}"]'
            )
        if name not in known:
            raise quorate.DataError(f"{folder}: there are no bars of the symbol {name.upper()!r}{near(name, known)}")
    return [name for name in known if not wanted or name in wanted]


def _tables_of(folder: Path, days: _Days, company: str) -> list[Table]:
    """Return the bars of a company, under each of its names the days on which it had it."""
    tables: list[Table] = []
    told = []
    for span in spans_of(folder.parent, company):
        if not (files := _files(folder, span.ticker)):
            told.append(
                f"{folder}: there are no bars of {company.upper()} under {span.ticker.upper()}, as it was called until "
                f"{span.last}"
            )
        asked = {
            file: day
            for file, day in files.items()
            if day is None or (span.first <= day <= span.last and days.within(day))
        }
        if asked:
            tables.append(_table(asked, span, company.upper(), folder))
    tables = [table for table in tables if len(table.frame)]
    return [replace(table, told=tuple(told)) for table in tables[:1]] + tables[1:]


def _files(folder: Path, ticker: str) -> dict[Path, dt.date | None]:
    """Return the zip files of a ticker, and of those that have one day which: of trades, where there are some."""
    if (folder / ticker).is_dir():
        every = sorted((folder / ticker).glob("*.zip"))
        trades = [p for p in every if p.stem.endswith("_trade")]
        chosen = trades or [p for p in every if p.stem.endswith("_quote")]
        return {file: dt.datetime.strptime(file.name[:8], "%Y%m%d").date() for file in chosen}
    names = (f"{ticker}.zip", f"{ticker}_trade.zip", f"{ticker}_quote.zip")
    return dict.fromkeys([folder / name for name in names if (folder / name).is_file()][:1])


def _days_of(folder: Path, company: str) -> pd.DatetimeIndex:
    """Return the days on which a company has bars."""
    found: set[pd.Timestamp] = set()
    for span in spans_of(folder.parent, company):
        for file, day in _files(folder, span.ticker).items():
            every = [pd.Timestamp(day)] if day else _stamps({file: None}, *_opened({file: None})).dt.normalize()
            found |= {one for one in every if span.first <= one.date() <= span.last}
    return pd.DatetimeIndex(sorted(found))


def _table(files: Mapping[Path, dt.date | None], span: Span, symbol: str, folder: Path) -> Table:
    """Return the rows of zip files that are of a span."""
    raw, days = _opened(files)
    path = _path(files)
    equity = folder.parent.parent.name == "equity"
    if raw.shape[1] == 1 + len(_TRADES):
        frame = raw.set_axis(["time", *_TRADES], axis=1)
    elif raw.shape[1] == 1 + len(_QUOTES):
        frame = _middle(raw.set_axis(["time", *_QUOTES], axis=1))
    else:
        raise quorate.DataError(
            f"{path}: bars of LEAN have 6 columns (trades) or 11 (quotes), not {raw.shape[1]}; ticks are not read"
        )
    stamps = _stamps(files, raw, days)
    inside = stamps.between(pd.Timestamp(span.first), pd.Timestamp(span.last) + pd.Timedelta(days=1), inclusive="left")
    if folder.name != "daily":
        stamps = stamps.dt.tz_localize("America/New_York" if equity else "UTC")
    frame = (_scaled(frame, SCALE) if equity else frame).assign(time=stamps, symbol=symbol)[inside]
    return Table(path, frame, "line", begins=True)


def _path(files: Mapping[Path, dt.date | None]) -> Path:
    """Return what is told of files: the folder, where there are several."""
    first = next(iter(files))
    return first if len(files) == 1 else first.parent


def _opened(files: Mapping[Path, dt.date | None]) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return what zip files hold, one file each, and the day of each row, where it is that of its file.

    Raises
    ------
    DataError
        If one cannot be read.
    """
    parts = []
    for file in files:
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
                if len(names) != 1:
                    raise quorate.DataError(f"{file}: one file is expected within it; it holds {listed(names)}")
                parts.append(archive.read(names[0]).rstrip() + b"\n")
        except (zipfile.BadZipFile, OSError, EOFError) as e:
            raise quorate.DataError(f"{file}: not a readable zip file: {e}") from e
    try:
        raw: pd.DataFrame = pd.read_csv(io.BytesIO(b"".join(parts)), header=None, skip_blank_lines=False)
    except (UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as e:
        raise quorate.DataError(f"{_path(files)}: what is within it is no table: {str(e).strip()}") from e
    counts = [part.count(b"\n") for part in parts]
    if len(files) == 1:
        labels: list[object] = list(range(1, len(raw) + 1))
    else:
        labels = [f"{i} of {f.name}" for f, n in zip(files, counts, strict=True) for i in range(1, n + 1)]
    raw.index = pd.Index(labels)
    if None in files.values():
        return raw, None
    return raw, pd.Series(pd.DatetimeIndex([*files.values()]).repeat(counts), index=raw.index)


def _stamps(files: Mapping[Path, dt.date | None], raw: pd.DataFrame, days: pd.Series | None) -> pd.Series:
    """Return the open of each bar, on the clock of the market."""
    first = raw.iloc[:, 0]
    if days is None:
        stamps = pd.to_datetime(first.astype("str"), format="%Y%m%d %H:%M", errors="coerce")
        form = "YYYYMMDD HH:mm"
    else:
        stamps = days + pd.to_timedelta(pd.to_numeric(first, errors="coerce"), unit="ms")
        form = "milliseconds since midnight"
    if (bad := stamps.isna()).any():
        at = bad.index[int(bad.to_numpy().argmax())]
        raise quorate.DataError(f"{_path(files)}, line {at}: a time stamp must be {form}; it was {str(first[at])!r}")
    return stamps


def _scaled(frame: pd.DataFrame, by: int) -> pd.DataFrame:
    """Return prices that are counted in parts; what is no number stays, to be told of."""
    texts = [name for name in PRICES if frame[name].dtype.kind not in "fiu"]
    found = frame.assign(**{name: frame[name] / by for name in PRICES if name not in texts})
    for name in texts:
        numbers = pd.to_numeric(frame[name], errors="coerce") / by
        found[name] = frame[name].astype(object).where(numbers.isna(), numbers)
    return found


def _middle(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return bars between bid and ask; where one side is not there, of the other."""
    sides = {
        name: quotes[[f"bid_{name}", f"ask_{name}"]].apply(pd.to_numeric, errors="coerce").mean(axis=1)
        for name in PRICES
    }
    return pd.DataFrame({"time": quotes["time"], **sides})
