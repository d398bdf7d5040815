"""Bars: the panel of prices everything is computed from."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar, get_calendar, infer_frequency
from quorate.bars.categories import Category, categories_digest, read_categories
from quorate.errors import DataError, DataWarning, near_misses
from quorate.statistics import Floats

FIELDS = ("open", "high", "low", "close", "volume")
PRICES = FIELDS[:4]
SMALLEST, LARGEST = 1e-100, 1e100  # of prices: squares and ratios of those are still numbers
ROUNDING = 1e-6  # of a price: less than that is no trade, but digits that were cut off


@dataclass(frozen=True, eq=False)
class Bars:
    """A panel of bars, wide: one array per field, time on axis 0, symbols on axis 1.

    Made by `from_frame`, which checks it. A bar is stamped with its close, in UTC. Where a symbol
    has no bar (before its listing, after its end, a missed session) all its fields are NaN. The
    arrays are read-only float64 in column order, so that one symbol's history is contiguous.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_bars,)
        Close stamps in UTC, strictly increasing.
    sessions : ndarray of datetime64[D], (n_bars,)
        The exchange's date of each bar.
    symbols : tuple of str
        Column names, sorted.
    open, high, low, close, volume : ndarray of float64, (n_bars, n_symbols)
        Prices in the market's currency; volume in units traded, all NaN where the data has none.
    calendar : Calendar
        The market's clock.
    frequency : str
        ``1d``, ``60min``, ...
    bars_per_year : float
        What annualisation uses.
    categories : dict of str to Category
        Texts of each bar beside its prices, such as the exchange it was traded at, by their names.
    read : tuple of mapping
        What the source has read them from, as it tells a run: statements, or addresses with the hashes of what was
        there. No part of the fingerprint.
    """

    times: NDArray[np.datetime64]
    sessions: NDArray[np.datetime64]
    symbols: tuple[str, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    calendar: Calendar
    frequency: str
    bars_per_year: float
    categories: dict[str, Category] = field(default_factory=dict)
    read: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, calendar: str | Calendar = "us-equity", categories: Sequence[str] = ()
    ) -> Bars:
        """Check a long frame and make it a panel.

        Parameters
        ----------
        frame : DataFrame
            Columns ``symbol``, ``time`` (close stamps, time-zone aware), ``open``, ``high``, ``low``,
            ``close`` and, if there is one, ``volume``; sorted by time within each symbol.
        calendar : str or Calendar
            The market's clock.
        categories : sequence of str
            Columns of text, or whole numbers, to keep beside the prices; others are not read.

        Raises
        ------
        DataError
            Naming the first offending symbol, bar, column and value.
        """
        clock = get_calendar(calendar) if isinstance(calendar, str) else calendar
        if not isinstance(clock, Calendar):
            raise DataError(f"the calendar of bars must be a name or a Calendar; it was {calendar!r}")
        frame = _check_frame(frame)
        stamps = frame["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        row, times = pd.factorize(stamps, sort=True)
        column, names = _factorized(frame["symbol"])
        symbols = np.array(names)
        if spaced := [name for name in names if name != name.strip()]:
            raise DataError(f"the symbol {spaced[0]!r} has spaces around its name: leave them out")
        wide: dict[str, Any] = {}
        for name in FIELDS:
            array = np.full((len(times), len(symbols)), np.nan, order="F")
            if name in frame:
                array[row, column] = frame[name].to_numpy(dtype=np.float64)
            array.flags.writeable = False
            wide[name] = array
        told = read_categories(frame, categories, ("symbol", "time", *FIELDS), row, column, wide["close"].shape)
        sessions = clock.sessions(times)
        frequency, per_year = infer_frequency(times, sessions, clock)
        if frequency == "1d" and clock.sessions_per_year < 300:
            _check_weekdays(sessions, symbols, np.isfinite(wide["close"]))
        return cls(
            times,
            sessions,
            tuple(symbols.tolist()),
            **wide,
            calendar=clock,
            frequency=frequency,
            bars_per_year=per_year,
            categories=told,
        )

    def __len__(self) -> int:
        """Return the number of bars on the time axis."""
        return len(self.times)

    def __repr__(self) -> str:
        names = ", ".join(self.symbols[:3]) + (", ..." if len(self.symbols) > 3 else "")
        return f"Bars({names}; {len(self)} x {self.frequency}, {self.span}, {self.fingerprint[:8]})"

    @property
    def span(self) -> str:
        """First and last session, e.g. ``1999-01-04..2018-12-31``."""
        return f"{self.sessions[0]}..{self.sessions[-1]}" if len(self) else "empty"

    @property
    def has_volume(self) -> bool:
        """Whether every bar has a volume."""
        return bool(np.isfinite(self.volume[self.present]).all())

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where a symbol has a bar, (n_bars, n_symbols)."""
        return np.isfinite(self.close)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over stamps (int64 microseconds), symbols, every field's bytes, and categories."""
        digest = hashlib.sha256(f"bars-1|{self.calendar}|".encode())
        digest.update("\0".join(self.symbols).encode())
        digest.update(self.times.astype(np.int64).tobytes())
        for name in FIELDS:
            digest.update(getattr(self, name).tobytes(order="F"))
        digest.update(categories_digest(self.categories))
        return digest.hexdigest()

    def fill(self, at: Literal["open", "close"]) -> Floats:
        """Return the prices that orders are filled at."""
        return self.open if at == "open" else self.close

    def take(self, start: int, stop: int) -> Bars:
        """Return the bars at positions ``start`` to ``stop - 1``, same symbols, same calendar."""
        part = slice(start, stop)
        fields: dict[str, Any] = {name: _frozen(getattr(self, name)[part]) for name in FIELDS}
        told = {name: category.take(part) for name, category in self.categories.items()}
        return replace(self, times=self.times[part], sessions=self.sessions[part], categories=told, **fields)

    def until(self, stop: int) -> Bars:
        """Return the first `stop` bars, with the frequency that they show: all that is known by then."""
        known = self.take(0, stop)
        frequency, per_year = infer_frequency(known.times, known.sessions, self.calendar)
        return replace(known, frequency=frequency, bars_per_year=per_year)

    def select(self, symbols: Sequence[str]) -> Bars:
        """Return the panel of these symbols only."""
        unknown = sorted(set(symbols) - set(self.symbols))
        if unknown:
            raise DataError(f"no bars of symbol {unknown[0]!r}{near_misses(unknown[0], self.symbols)}")
        chosen = self.to_frame().query("symbol in @symbols")
        return replace(Bars.from_frame(chosen, self.calendar, [*self.categories]), read=self.read)

    def to_frame(self) -> pd.DataFrame:
        """Return the long frame that `from_frame` reads: one row per symbol and bar, by time."""
        row, column = np.nonzero(self.present)
        data: dict[str, object] = {
            "symbol": np.asarray(self.symbols)[column],
            "time": pd.DatetimeIndex(self.times[row]).tz_localize("UTC"),
        }
        for name in FIELDS if np.isfinite(self.volume).any() else PRICES:
            data[name] = getattr(self, name)[row, column]
        for name, category in self.categories.items():
            texts = np.array([*category.levels, None], dtype=object)  # the last is that of the code -1
            data[name] = texts[category.codes[row, column]]
        return pd.DataFrame(data)


def _check_weekdays(sessions: NDArray[np.datetime64], symbols: NDArray[np.str_], present: NDArray[np.bool_]) -> None:
    """Refuse daily bars that lie a session early: on Sundays, and never on Fridays."""
    day = (sessions.astype(np.int64) + 3) % 7  # Monday is 0
    on = np.array([present[day == k].any(axis=0) for k in range(7)])
    early = on[6] & ~on[4] & (on.sum(axis=0) >= 3)
    if early.any():
        raise DataError(
            f"{symbols[int(early.argmax())]} has daily bars on Sundays and never on Fridays: they lie a session early, "
            "as stamps at midnight of a zone east of the exchange's do when they are read as instants; a market that "
            'trades from Sunday to Thursday has the calendar "24x7"'
        )


def _frozen(array: Floats) -> Floats:
    copy = np.array(array, order="F")
    copy.flags.writeable = False
    return copy


def _check_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame, its highs and lows widened by what rounding took from them, or raise `DataError`."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"bars are made of a DataFrame, a row per symbol and bar; it was {type(frame).__name__}")
    if not frame.columns.is_unique:
        doubled = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"bars must have each column once; there are several called {doubled!r}")
    for name in ("symbol", "time", *PRICES):
        if name not in frame:
            raise DataError(
                f"bars need a column {name!r}; the columns are {', '.join(map(str, frame.columns))}"
                f"{near_misses(name, map(str, frame.columns))}"
            )
    if frame.empty:
        raise DataError("there are no bars: the frame is empty")
    if frame["symbol"].isna().any():
        raise DataError(f"column 'symbol' has no name in row {int(frame['symbol'].isna().to_numpy().argmax())}")
    if not isinstance(frame["time"].dtype, pd.DatetimeTZDtype):
        raise DataError(f"column 'time' must be time-zone aware; its type is {frame['time'].dtype}")
    if frame["time"].isna().any():
        raise DataError(f"column 'time' has no stamp in row {int(frame['time'].isna().to_numpy().argmax())}")
    _check_order(frame)
    return _check_values(frame)


def _factorized(symbols: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return the place of each row's symbol among all that there are, and these, sorted."""
    codes, found = pd.factorize(symbols)
    names, place = np.unique(np.asarray(found).astype(str), return_inverse=True)
    return place[codes], names.tolist()


def _is_ordered(frame: pd.DataFrame) -> bool:
    """Return whether each symbol's bars come one after another."""
    codes, _ = pd.factorize(frame["symbol"])
    stamps = frame["time"].dt.tz_convert(None).to_numpy().astype(np.int64)
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        codes, stamps = codes[order], stamps[order]
    return bool(((np.diff(stamps) > 0) | (np.diff(codes) != 0)).all())


def _check_order(frame: pd.DataFrame) -> None:
    if _is_ordered(frame):
        return
    doubled = frame.duplicated(["symbol", "time"]).to_numpy()
    if doubled.any():
        first = frame.iloc[int(doubled.argmax())]
        raise DataError(
            f"{first['symbol']} has two bars at {first['time']} ({int(doubled.sum())} duplicated in all): "
            "a symbol has one bar at a time",
            *_which(frame, doubled, "a symbol has one bar at a time"),
        )
    step = frame.groupby("symbol", sort=False)["time"].diff()
    backwards = (step < pd.Timedelta(0)).to_numpy()
    if backwards.any():
        first = frame.iloc[int(backwards.argmax())]
        raise DataError(
            f"bars must be sorted by time; {first['symbol']} at {first['time']} comes after a later bar "
            f"({int(backwards.sum())} such places)",
            *_which(frame, backwards, "bars must be sorted by time"),
        )


def _check_values(frame: pd.DataFrame) -> pd.DataFrame:
    for name in (*PRICES, *(["volume"] if "volume" in frame else [])):
        values = frame[name].to_numpy()
        if values.dtype.kind not in "fiu":
            raise DataError(f"column {name!r} must be numbers; its type is {frame[name].dtype}, e.g. {values[0]!r}")
        numbers = values.astype(np.float64)
        if name == "volume":
            _refuse(frame, name, numbers < 0, "must not be negative")
            _refuse(frame, name, np.isinf(numbers), "must not be infinite")
        else:
            _refuse(frame, name, ~np.isfinite(numbers), "must be a finite number")
            _refuse(frame, name, numbers <= 0, "must be positive")
            beyond = (numbers < SMALLEST) | (numbers > LARGEST)
            _refuse(frame, name, beyond, f"must lie between {SMALLEST:g} and {LARGEST:g}, in whatever unit")
    if "volume" in frame and len(frame) > 1 and not (frame["volume"] > 0).any():
        if (frame["volume"] == 0).any():
            warnings.warn("volume is zero on every bar: taken as none", DataWarning, stacklevel=2)
        frame = frame.drop(columns="volume")
    frame = widened(frame)
    low, high = frame["low"].to_numpy(), frame["high"].to_numpy()
    _refuse(frame, "high", high < low, "must not be below the low")
    for name in ("open", "close"):
        price = frame[name].to_numpy()
        _refuse(frame, name, (price < low) | (price > high), "must lie between low and high")
    return frame


def widened(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose highs and lows hold open and close, where only rounding kept them from it; warns of it."""
    body = frame[["open", "close"]].to_numpy(dtype=np.float64)
    for name, edge, side in (("high", body.max(axis=1), 1.0), ("low", body.min(axis=1), -1.0)):
        values = frame[name].to_numpy(dtype=np.float64)
        short = side * (edge - values)
        with np.errstate(invalid="ignore"):
            near = (short > 0) & (short <= ROUNDING * edge)
        if near.any():
            frame = frame.assign(**{name: np.where(near, edge, values)})
            warnings.warn(
                f"{int(near.sum())} of {len(near)} {name}s were widened: rounding had put an open or close beyond them",
                DataWarning,
                stacklevel=2,
            )
    return frame


def _refuse(frame: pd.DataFrame, name: str, bad: NDArray[np.bool_], rule: str) -> None:
    if not bad.any():
        return
    first = frame.iloc[int(bad.argmax())]
    beside = f" (low {first['low']:g}, high {first['high']:g})" if "low" in rule else ""
    raise DataError(
        f"{name} {rule}: {first['symbol']} at {first['time']} has {first[name]:g}{beside}; "
        f"{int(bad.sum())} of {len(bad)} bars are wrong",
        np.flatnonzero(bad).tolist(),
        f"{name} {rule}",
        [
            f"{row[name]:g}" + (f", low {row['low']:g}, high {row['high']:g}" if beside else "")
            for _, row in frame[bad][: DataError.TOLD].iterrows()
        ],
    )


def _which(frame: pd.DataFrame, bad: NDArray[np.bool_], rule: str) -> tuple[list[int], str, list[str]]:
    """Return what an error tells of bars that stand where they may not."""
    was = [f"{row['symbol']} at {row['time']}" for _, row in frame[bad][: DataError.TOLD].iterrows()]
    return np.flatnonzero(bad).tolist(), rule, was
