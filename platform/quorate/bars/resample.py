"""Bars made of shorter ones, session by session, each stamped when the last of those it is made of is known.

A bar ends where the market's calendar says that it does, not where there happens to be a last bar: what counts as
known at a time then never depends on what came after it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar, infer_frequency
from quorate.bars.categories import MISSING, Category
from quorate.bars.frequency import check_coarser, minutes_of
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.periods import MINUTE, last_close
from quorate.errors import DataError, plural
from quorate.statistics import Floats

TOLD = 3  # symbols that are told one by one

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Resampled:
    """Longer bars, and what of the shorter ones is not in them.

    Parameters
    ----------
    bars : Bars
        The longer ones that are complete.
    told : tuple of str
        What is left out, a line each.
    """

    bars: Bars
    told: tuple[str, ...] = ()


def resample(bars: Bars, frequency: str, until: np.datetime64 | None = None) -> Resampled:
    """Return bars of a longer frequency that are over by the last stamp, or by a later time.

    Open is the first, high the highest, low the lowest, close the last, volume the sum, and a category the last of a
    session's bars, or of those of several. Bars outside the market's hours are in none. The first bar may be of a part
    of what there would have been.

    Parameters
    ----------
    bars : Bars
        Of that frequency, or shorter ones.
    frequency : str
        As `quorate.bars.frequency.read_frequency` gives it.
    until : datetime64, optional
        Up to when all bars are there, where that is after the last stamp.

    Raises
    ------
    DataError
        If the bars are longer ones, or none is over.
    """
    if frequency == bars.frequency:
        return Resampled(bars)
    check_coarser(frequency, bars.frequency)
    inside, ends = _ends(bars, frequency)
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    last = bars.times[-1:] if until is None else np.array([until], dtype="datetime64[us]")
    over = (ends[starts][:, None] <= last.astype(np.int64)).any(axis=1)
    if not over.any():
        raise DataError(f"no bar of {frequency} is over: there are {plural(len(bars), 'bar')} of {bars.span}")
    stop = len(ends) if over.all() else int(starts[~over][0])
    made = _aggregated(bars, inside[:stop], starts[over], ends[starts[over]])
    told = [_left_out(bars, inside)] if len(inside) < len(bars) else []
    if not over.all():
        told.append(
            f"the last bar of {frequency} is left out, as it is not over: it ends at {_minute(ends[-1])} UTC, and the "
            f"bars of {bars.frequency} at {_minute(bars.times[-1])}"
        )
    return Resampled(made if made.frequency == frequency else _named(made, frequency), tuple(told))


def _left_out(bars: Bars, inside: Positions) -> str:
    """Return what is said of bars that lie outside the market's hours."""
    all_of_them, clock = int(bars.present.sum()), bars.calendar
    return (
        f"{all_of_them - int(bars.present[inside].sum()):,} of {plural(all_of_them, 'bar')} lie outside the session, "
        f"{clock.open or '00:00'} to {clock.close}, and are left out"
    )


def at_frequency(bars: Bars, frequency: str) -> tuple[Bars, Positions]:
    """Return the bars of a frequency beside these, and how many of them are over at each of these.

    They are made of these bars, or, where they are shorter, of the ones that these were made of (`Bars.finer`).

    Returns
    -------
    Bars
        Of that frequency, for the same symbols.
    ndarray of int64, (n_bars,)
        The bars beside these that are known at the stamp of each.

    Raises
    ------
    DataError
        If there are no bars as short.
    """
    if frequency == "source" or minutes_of(frequency) < minutes_of(bars.frequency):
        if bars.finer is None:
            lack = "shorter" if frequency == "source" else f"of {frequency}"
            raise DataError(
                f"the bars are of {bars.frequency}, and there are none {lack}: read shorter ones and make them into "
                f'these with data.resample = "{bars.frequency}"'
            )
        shorter = bars.finer if frequency == "source" else resample(bars.finer, frequency, bars.times[-1]).bars
    else:
        shorter = resample(bars, frequency).bars
    return shorter, np.searchsorted(shorter.times, bars.times, side="right").astype(np.int64)


def in_hours(bars: Bars) -> Resampled:
    """Return the bars of the market's hours; a last one that the close cuts short is known at the close.

    Raises
    ------
    DataError
        If none is left.
    """
    if not bars.frequency.endswith("min") or not len(bars):
        return Resampled(bars)
    inside, ends = _ends(bars, "1d")
    if not len(inside):
        clock = bars.calendar
        raise DataError(f"no bar lies within the session, {clock.open or '00:00'} to {clock.close} ({clock.name})")
    times = np.minimum(bars.times[inside], ends.astype("datetime64[us]"))
    if (np.diff(times).astype(np.int64) <= 0).any():  # another symbol has a bar there that ends with the session
        times = bars.times[inside]
    if len(inside) == len(bars) and (times == bars.times).all():
        return Resampled(bars)
    told = (_left_out(bars, inside),) if len(inside) < len(bars) else ()
    return Resampled(_rows(bars, inside, times), told)


def traded(bars: Bars) -> list[str]:
    """Return the symbols that have a bar."""
    return [name for column, name in enumerate(bars.symbols) if bool(bars.present[:, column].any())]


def lacking(bars: Bars) -> list[str]:
    """Tell which symbols lack bars within sessions, most first: from the open, where it is known, to the last of any.

    Of markets that never close `quorate.bars.doubts` tells it.
    """
    clock = bars.calendar
    if not bars.frequency.endswith("min") or clock.sessions_per_year > 300:
        return []
    step = round(minutes_of(bars.frequency) * MINUTE)
    days, first = np.unique(bars.sessions, return_index=True)
    stamps = bars.times.astype(np.int64)
    last = stamps[np.append(first[1:], len(bars)) - 1]
    begin = clock.open_times(days).astype(np.int64) if clock.open else stamps[first] - step
    due = np.maximum(-(-(last - begin) // step), 0)
    found = []
    for column, symbol in enumerate(bars.symbols):
        have = np.add.reduceat(bars.present[:, column].astype(np.int64), first)
        lost = np.where(have > 0, np.maximum(due - have, 0), 0)
        if lost.any():
            total, worst = int(lost.sum()), int(lost.argmax())
            found.append(
                (
                    total / float(due[have > 0].sum()),
                    f"{symbol} lacks {total:,} of {int(due[have > 0].sum()):,} bars of {bars.frequency} within its "
                    f"sessions, most of them, {lost[worst]:,}, on {days[worst]}",
                )
            )
    lines = [line for _, line in sorted(found, key=lambda one: -one[0])]
    more = len(lines) - TOLD
    return [*lines[:TOLD], f"{more} more symbols lack bars within their sessions"] if more > 1 else lines


def _ends(bars: Bars, frequency: str) -> tuple[Positions, Positions]:
    """Return which bars lie within the market's hours, and when the longer bar ends that each is in, in microseconds.

    A bar that begins before the close lies within them, though its stamp may be later.
    """
    clock, times = bars.calendar, bars.times.astype(np.int64)
    first = np.flatnonzero(np.diff(bars.sessions.astype(np.int64), prepend=np.iinfo(np.int64).min))
    days, lengths = bars.sessions[first], np.diff(np.append(first, len(bars)))
    closes = clock.close_times(days).astype(np.int64)
    inside, within = np.arange(len(bars)), bars.frequency.endswith("min")
    if within:
        # Where no hours are known, a session begins at midnight, which is not 24 hours before each close.
        opened = clock.open_times(days) if clock.open else clock.around_the_clock().close_times(days - 1)
        opens, step = opened.astype(np.int64), round(minutes_of(bars.frequency) * MINUTE)
        begun = np.repeat(opens, lengths)
        inside = np.flatnonzero((times > begun) & (times - step < np.repeat(closes, lengths)))
    if within and frequency.endswith("min"):
        long = round(minutes_of(frequency) * MINUTE)
        begun = begun[inside]
        ends = begun - (begun - times[inside]) // long * long
        return inside, np.minimum(ends, np.repeat(closes, lengths)[inside])
    return inside, np.repeat(last_close(clock, days, frequency), lengths)[inside]


def first_session(clock: Calendar, session: dt.date, frequency: str) -> dt.date:
    """Return the first day whose bars are in the day, week or month of a session."""
    if frequency not in ("1w", "1mo"):
        return session
    days = np.datetime64(session, "D") - np.arange(40).astype("timedelta64[D]")
    ends = last_close(clock, days, frequency)
    return session - dt.timedelta(days=int((ends == ends[0]).sum()) - 1)


def within_session(bars: Bars) -> Positions:
    """Return which bars lie within the market's hours: one that begins before the close does."""
    return _ends(bars, "1d")[0]


def _aggregated(bars: Bars, inside: Positions, starts: Positions, ends: Positions) -> Bars:
    """Return the longer bars, of which each begins at a position within `inside`."""
    whole = len(inside) == len(bars)
    shape = len(starts), len(bars.symbols)
    fields = {name: np.full(shape, np.nan, order="F") for name in FIELDS}
    codes = {name: np.full(shape, MISSING, dtype=np.int32, order="F") for name in bars.categories}
    for column in range(shape[1]):
        close = bars.close[:, column]
        rows = np.flatnonzero(np.isfinite(close if whole else close[inside]))
        if not len(rows):
            continue
        into = np.searchsorted(starts, rows, side="right") - 1
        first = np.flatnonzero(np.diff(into, prepend=-1))
        last, into = np.append(first[1:], len(rows)) - 1, into[first]
        rows = inside[rows]
        fields["open"][into, column] = bars.open[rows[first], column]
        fields["high"][into, column] = np.maximum.reduceat(bars.high[rows, column], first)
        fields["low"][into, column] = np.minimum.reduceat(bars.low[rows, column], first)
        fields["close"][into, column] = close[rows[last]]
        fields["volume"][into, column] = np.add.reduceat(bars.volume[rows, column], first)
        for name, category in bars.categories.items():
            codes[name][into, column] = category.codes[rows[last], column]
    return _with(bars, ends.astype("datetime64[us]"), fields, codes)


def _rows(bars: Bars, rows: Positions, times: NDArray[np.datetime64]) -> Bars:
    """Return some of the bars, with these stamps."""
    fields = {name: np.asfortranarray(getattr(bars, name)[rows]) for name in FIELDS}
    codes = {name: np.asfortranarray(one.codes[rows]) for name, one in bars.categories.items()}
    return _with(bars, times, fields, codes)


def _with(
    bars: Bars, times: NDArray[np.datetime64], fields: dict[str, Floats], codes: dict[str, NDArray[np.int32]]
) -> Bars:
    """Return a panel of the same symbols with other bars."""
    arrays: list[NDArray[Any]] = [*fields.values(), *codes.values()]
    for array in arrays:
        array.flags.writeable = False
    sessions = bars.calendar.sessions(times)
    frequency, per_year = infer_frequency(times, sessions, bars.calendar)
    told = {name: Category(codes[name], one.levels) for name, one in bars.categories.items()}
    facts: dict[str, Any] = {**fields, "frequency": frequency, "bars_per_year": per_year, "categories": told}
    return replace(bars, times=times, sessions=sessions, fills=None, finer=None, resampled="", **facts)


def _named(bars: Bars, frequency: str) -> Bars:
    """Return bars that say their frequency, which their stamps do not show."""
    return replace(bars, frequency=frequency, resampled=frequency)


def _minute(moment: Any) -> str:
    return str(moment.astype("datetime64[us]").astype("datetime64[m]")).replace("T", " ")
