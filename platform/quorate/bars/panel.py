"""Bars: the panel of prices everything is computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar, check_weekdays, get_calendar, infer_frequency
from quorate.bars.categories import Category, categories_digest, read_categories
from quorate.bars.covariates import Covariate, covariates_digest, frozen, named
from quorate.bars.fills import Fills
from quorate.bars.frames import check_frame
from quorate.bars.reading import FIELDS as FIELDS
from quorate.bars.reading import PRICES as PRICES
from quorate.bars.references import ReferenceSeries
from quorate.bars.renames import Rename
from quorate.bars.universe import Universe
from quorate.errors import DataError, near_misses
from quorate.statistics import Floats


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
    universe : Universe, optional
        Which symbols belong to it when, and how those that were delisted are paid out; without it all do, always.
    renames : tuple of Rename
        Ticker changes that were made in them. No part of the fingerprint.
    fills : Fills, optional
        Of several markets in one panel: what orders are filled at, where that is not the open of the bar.
    finer : Bars, optional
        The shorter bars that these were made of, where features read them.
    resampled : str
        The frequency that they were made into, where their stamps do not show it.
    made_of : frozenset of str
        Digests of the history of the source's bars, where they were made of these: others made of them are of one
        history (`quorate.evidence.ledger.lineage_of`). No part of the fingerprint.
    covariates : dict of str to Covariate
        Series beside the bars, by name: of each the records that were known by the last bar.
    benchmark, factors : ReferenceSeries, optional
        What returns are held against, up to the last bar: nothing that decides reads them.
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
    universe: Universe | None = None
    fills: Fills | None = None
    finer: Bars | None = None
    resampled: str = ""
    made_of: frozenset[str] = frozenset()
    covariates: dict[str, Covariate] = field(default_factory=dict)
    renames: tuple[Rename, ...] = ()
    benchmark: ReferenceSeries | None = None
    factors: ReferenceSeries | None = None

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
        frame = check_frame(frame)
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
            check_weekdays(sessions, symbols, np.isfinite(wide["close"]))
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
        """SHA-256 over stamps (int64 microseconds), symbols, every field's bytes, categories, and what is beside."""
        digest = hashlib.sha256(f"bars-1|{self.calendar}|".encode())
        digest.update("\0".join(self.symbols).encode())
        digest.update(self.times.astype(np.int64).tobytes())
        for name in FIELDS:
            digest.update(getattr(self, name).tobytes(order="F"))
        digest.update(categories_digest(self.categories))
        digest.update(b"" if self.universe is None else self.universe.digest)
        digest.update(b"" if self.fills is None else self.fills.digest(self.times, self.symbols))
        if self.resampled:
            digest.update(f"resampled|{self.resampled}|".encode())
        if self.finer is not None:
            digest.update(f"finer|{self.finer.fingerprint}|".encode())
        digest.update(covariates_digest(self.covariates))
        for name, one in self.references.items():
            digest.update(f"{name}|{one.sha256}|".encode())
        return digest.hexdigest()

    def fill(self, at: Literal["open", "close"]) -> Floats:
        """Return the prices that orders are filled at; after a symbol was delisted, what it was paid out at."""
        prices = self.open if at == "open" else self.close
        if at == "open" and self.fills is not None:
            prices = self.fills.of("price", self.times, self.symbols)
        if self.universe is None or not self.delisted.any():
            return prices
        paid = self.universe.paid(self.sessions, self.symbols, self.last, self.present)
        return np.where(self.delisted, paid, prices)

    @cached_property
    def last(self) -> Floats:
        """The last price that is known at each close, which positions are marked at, (n_bars, n_symbols)."""
        marks = self.close if self.fills is None else self.fills.of("mark", self.times, self.symbols)
        return pd.DataFrame(marks).ffill().to_numpy()

    @cached_property
    def member(self) -> NDArray[np.bool_]:
        """Where a symbol belongs to the universe, (n_bars, n_symbols): it may be traded there, where it has a bar."""
        if self.universe is None:
            return np.ones(self.close.shape, dtype=bool)
        return self.universe.member(self.sessions, self.symbols)

    @cached_property
    def delisted(self) -> NDArray[np.bool_]:
        """Where a symbol has been delisted and was paid out, (n_bars, n_symbols)."""
        if self.universe is None:
            return np.zeros(self.close.shape, dtype=bool)
        return self.universe.delisted(self.sessions, self.symbols)

    def covariate(self, name: str) -> Floats:
        """Return a covariate as it was known at each close, (n_bars, n_symbols), e.g. ``news`` or ``news.age``."""
        one, value = named(self.covariates, name)
        return self.covariates[one].joined(value, self.times, self.symbols)

    def with_covariates(self, covariates: Mapping[str, Covariate]) -> Bars:
        """Return the bars with these covariates: what was known of them by the last bar, of their symbols."""
        last = self.times[-1] if len(self) else np.datetime64(0, "us")
        kept = {name: covariates[name].select(self.symbols).known_by(last) for name in sorted(covariates)}
        return replace(self, covariates=kept)

    @property
    def references(self) -> dict[str, ReferenceSeries]:
        """The series that returns are held against, by the recipe's table."""
        found = {"benchmark": self.benchmark, "factors": self.factors}
        return {name: one for name, one in found.items() if one is not None}

    def with_references(self, references: Mapping[str, ReferenceSeries]) -> Bars:
        """Return the bars with these series to hold returns against, up to the last bar."""
        kept: dict[str, Any] = dict(references)
        if len(self):
            kept = {name: one.until(self.times[-1], self.sessions[-1]) for name, one in references.items()}
        return replace(self, **kept)

    def take(self, start: int, stop: int) -> Bars:
        """Return the bars at positions ``start`` to ``stop - 1``, same symbols, same calendar."""
        part = slice(start, stop)
        fields: dict[str, Any] = {name: _part_of(getattr(self, name), part) for name in FIELDS}
        told = {name: category.take(part) for name, category in self.categories.items()}
        some = replace(
            self,
            times=self.times[part],
            sessions=self.sessions[part],
            categories=told,
            finer=self._finer_of(start, stop),
            **fields,
        )
        if self.references:
            some = some.with_references(self.references)
        return some.with_covariates(self.covariates) if self.covariates else some

    def until(self, stop: int) -> Bars:
        """Return the first `stop` bars, with the frequency that they show: all that is known by then."""
        known = self.take(0, stop)
        frequency, per_year = infer_frequency(known.times, known.sessions, self.calendar)
        return replace(known, frequency=self.resampled or frequency, bars_per_year=per_year)

    def _finer_of(self, start: int, stop: int) -> Bars | None:
        """Return the shorter bars after the bar before `start`, up to the last before `stop`."""
        if self.finer is None:
            return None
        times = self.finer.times
        first = int(np.searchsorted(times, self.times[start - 1], side="right")) if start > 0 else 0
        last = int(np.searchsorted(times, self.times[stop - 1], side="right")) if stop > 0 else 0
        return self.finer.take(first, last)

    def select(self, symbols: Sequence[str]) -> Bars:
        """Return the panel of these symbols only."""
        unknown = sorted(set(symbols) - set(self.symbols))
        if unknown:
            raise DataError(f"no bars of symbol {unknown[0]!r}{near_misses(unknown[0], self.symbols)}")
        chosen = self.to_frame().query("symbol in @symbols")
        return self.beside(Bars.from_frame(chosen, self.calendar, [*self.categories]))

    def beside(self, made: Bars) -> Bars:
        """Return other bars of some of these symbols with all that stands beside these."""
        some = replace(
            made,
            read=self.read,
            universe=self.universe,
            renames=self.renames,
            fills=self.fills,
            finer=None if self.finer is None else self.finer.select(made.symbols),
            resampled=self.resampled,
            made_of=self.made_of,
            frequency=self.resampled or made.frequency,
        )
        return some.with_covariates(self.covariates).with_references(self.references)

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


def _part_of(field: Floats, rows: slice) -> Floats:
    """Return some rows of a field in column order: of one symbol they are no copy."""
    part = field[rows]
    return part if part.flags.f_contiguous else frozen(part)


def _factorized(symbols: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return the place of each row's symbol among all that there are, and these, sorted."""
    codes, found = pd.factorize(symbols)
    names, place = np.unique(np.asarray(found).astype(str), return_inverse=True)
    return place[codes], names.tolist()
