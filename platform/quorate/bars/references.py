"""Series that returns are held against, a benchmark or factors: checked, kept, and laid beside bars."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError
from quorate.statistics import Floats

DAY = np.timedelta64(1, "D")
STALE = 7 * DAY  # after which a price is not that of a bar any more
LONG = 5 * DAY  # between records of periods, such as weeks and months, which end on days of their own
LONGER, SHORTER = 1.5, 0.67  # shares of one spacing, beyond which another is not the same
NEAR = 0.3  # of a period: how far off its bar may end

Times = NDArray[np.datetime64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ReferenceSeries:
    """Prices, or returns, that what was earned is held against.

    Parameters
    ----------
    name : str
        What it is called in a report.
    stamps : ndarray of datetime64[us], (n_records,)
        Ascending: the moment, UTC, at which a price stood or a return was complete; of `dates` the start of that day.
    values : dict of str to ndarray of float64, (n_records,)
        By name; NaN where a record has none. Returns are fractions.
    prices : bool
        They are prices, else returns since the record before.
    dates : bool
        Stamps are days, to be held against the sessions of bars.
    rate : str
        The value that is the return of cash, and no factor; empty for none.
    read : tuple of mapping
        As of `Bars`: what the source has read.
    """

    name: str
    stamps: Times
    values: dict[str, Floats]
    prices: bool
    dates: bool
    rate: str = ""
    read: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.stamps)

    @property
    def names(self) -> tuple[str, ...]:
        """What they are, without the return of cash."""
        return tuple(name for name in self.values if name != self.rate)

    @property
    def note(self) -> dict[str, Any]:
        """What is stored beside the records."""
        return {"name": self.name, "prices": self.prices, "dates": self.dates, "rate": self.rate}

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the records, and over what they are."""
        digest = hashlib.sha256(f"reference-1|{self.prices}|{self.dates}|{self.rate}|".encode())
        digest.update(self.stamps.astype(np.int64).tobytes())
        for name, column in self.values.items():
            digest.update(name.encode() + b"|" + column.tobytes())
        return digest.hexdigest()

    @cached_property
    def spacing(self) -> np.timedelta64:
        """How far apart records usually are."""
        return usual_spacing(self.stamps)

    def until(self, time: np.datetime64, session: np.datetime64) -> ReferenceSeries:
        """Return the records up to a bar, by its stamp or its session."""
        stop = int(np.searchsorted(self.stamps, session if self.dates else time, side="right"))
        if stop == len(self):
            return self
        values = {name: column[:stop] for name, column in self.values.items()}
        return replace(self, stamps=self.stamps[:stop], values=values)

    def to_frame(self) -> pd.DataFrame:
        """Return the records as they are stored, which `from_frame` reads."""
        values = {f"value.{name}": column for name, column in self.values.items()}
        return pd.DataFrame({"time": pd.DatetimeIndex(self.stamps).tz_localize("UTC"), **values})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, **note: Any) -> ReferenceSeries:
        """Return the series from its records and `note`."""
        stamps = frame["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        found = {str(name).removeprefix("value."): _fixed(frame[name]) for name in frame if name != "time"}
        return cls(note["name"], stamps, found, note["prices"], note["dates"], note["rate"])


@dataclass(frozen=True, eq=False)
class Aligned:
    """Periods over which both bars and a reference series tell what was earned.

    Parameters
    ----------
    begin, end : ndarray of int64, (n_periods,)
        Positions of bars: a period lasts from the close of one to the close of the other.
    values : dict of str to ndarray of float64, (n_periods,)
        What each value earned meanwhile.
    left_out : int
        Bars after the first that lie in none of them.
    """

    begin: Places
    end: Places
    values: dict[str, Floats]
    left_out: int

    @property
    def bars(self) -> int:
        """Bars that periods span."""
        return int((self.end - self.begin).sum())

    def earned(self, returns: Floats) -> Floats:
        """Return what a series earned in each period, from the returns of all bars after the first."""
        return compounded(returns, self.begin, self.end)


def align(one: ReferenceSeries, times: Times, sessions: Times) -> Aligned:
    """Lay a series beside bars: what it earned between the closes that returns are of.

    Records at least as often as bars: of returns those after the bar before, up to this one, compounded; of prices the
    last at or before each close, no older than a week. Records of longer periods, such as a month beside daily bars,
    take the bars between them together: a period ends at the last bar at or before its record. Where both are of weeks
    or months, it ends at the bar nearest to it.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_bars,)
        Closes, UTC.
    sessions : ndarray of datetime64[D], (n_bars,)
        The exchange's date of each.
    """
    at = sessions.astype("datetime64[us]") if one.dates else times
    n = len(at)
    if n < 2 or len(one) < 2:
        none = np.empty(0, dtype=np.int64)
        return Aligned(none, none, {name: np.empty(0) for name in one.values}, max(n - 1, 0))
    ratio = one.spacing / usual_spacing(times)
    if ratio > LONGER or (one.spacing >= LONG and ratio > SHORTER):
        begin, end, values = _by_period(one, at, longer=bool(ratio > LONGER))
    else:
        begin, end = np.arange(n - 1), np.arange(1, n)
        values = _by_price(one, at) if one.prices else _by_return(one, at)
    whole = np.isfinite(np.column_stack([*values.values()])).all(axis=1)
    told = {name: column[whole] for name, column in values.items()}
    begin, end = begin[whole], end[whole]
    return Aligned(begin, end, told, n - 1 - int((end - begin).sum()))


def check_spacing(one: ReferenceSeries, times: Times) -> None:
    """Raise `DataError`, if returns are of periods that bars cut in two."""
    if one.prices or len(one) < 2 or len(times) < 2 or not one.spacing >= LONG:
        return
    if one.spacing / usual_spacing(times) <= SHORTER:
        own, bars = (float(span / DAY) for span in (one.spacing, usual_spacing(times)))
        raise DataError(
            f"its returns are of {own:.3g} days each and the bars of {bars:.3g}: such periods lie across the ends of "
            "bars; give daily returns, or those of the bars' own periods"
        )


def usual_spacing(times: Times) -> np.timedelta64:
    """Return how far apart stamps usually are: weekends and gaps make some of them further."""
    found: np.timedelta64 = np.quantile(np.diff(times).astype(np.int64), 0.25, method="lower").astype("timedelta64[us]")
    return found


def compounded(returns: Floats, begin: Places, end: Places) -> Floats:
    """Return what returns at positions ``begin`` to ``end - 1`` come to, NaN for none."""
    found = np.full(len(begin), math.nan)
    single = end - begin == 1
    found[single] = returns[begin[single]]
    for k in np.flatnonzero(end - begin > 1):
        found[k] = float(np.prod(1 + returns[begin[k] : end[k]])) - 1
    return found


def _by_return(one: ReferenceSeries, at: Times) -> dict[str, Floats]:
    after = np.searchsorted(one.stamps, at, side="right")
    return {name: compounded(column, after[:-1], after[1:]) for name, column in one.values.items()}


def _by_price(one: ReferenceSeries, at: Times) -> dict[str, Floats]:
    found = {}
    for name, column in one.values.items():
        known = np.isfinite(column)
        stamps, prices = one.stamps[known], column[known]
        last = np.searchsorted(stamps, at, side="right") - 1
        price = np.append(prices, math.nan)[last]
        price[(last >= 0) & (at - np.append(stamps, at[-1])[last] > STALE)] = math.nan
        found[name] = price[1:] / price[:-1] - 1
    return found


def _by_period(one: ReferenceSeries, at: Times, longer: bool) -> tuple[Places, Places, dict[str, Floats]]:
    """Return the bars at which periods begin and end, and what was earned in each.

    A record that lies before the first bar, or after the last, ends none. Of returns, a period that is clearly longer
    than the others lacks a record: what the bars earned in it is of more time than the return, and it is left out.
    """
    place = np.searchsorted(at, one.stamps, side="right") - 1
    inside = (one.stamps >= at[0]) & (one.stamps <= at[-1])
    if not longer:
        near = np.clip(place + 1, 0, len(at) - 1)
        before = np.maximum(place, 0)
        place = np.where(np.abs(at[near] - one.stamps) < np.abs(one.stamps - at[before]), near, before)
        inside = np.abs(at[place] - one.stamps) <= NEAR * one.spacing
    rows = np.flatnonzero(inside)
    begin, end = place[rows[:-1]], place[rows[1:]]
    length = end - begin
    kept = (length > 0) & (np.diff(rows) == 1)
    if not one.prices and kept.any():
        kept &= length <= LONGER * np.median(length[kept])
    values = {}
    for name, column in one.values.items():
        later, earlier = column[rows[1:]], column[rows[:-1]]
        values[name] = (later / earlier - 1 if one.prices else later)[kept]
    return begin[kept], end[kept], values


def _fixed(column: pd.Series) -> Floats:
    array = np.array(column, dtype=np.float64)
    array.flags.writeable = False
    return array
