"""Which bars of a symbol the rules find, one by one: by what was known when each closed, but for ``spikes``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.bars import unusual
from quorate.bars.doubts import Mask, Rows, beyond_body, beyond_hours, flat, holidays, weekends
from quorate.bars.panel import Bars
from quorate.bars.quality import HOLIDAYS
from quorate.statistics import Floats

Days = NDArray[np.datetime64]


class Odd(NamedTuple):
    """Which of a symbol's bars a rule finds, how bad each bar is, and what is said of one."""

    bars: Mask
    size: Floats
    told: Callable[[int], str]


@dataclass(frozen=True)
class Panel:
    """A panel, and what its rules share.

    Parameters
    ----------
    bars : Bars
        The bars.
    known : bool
        Whether what comes after a bar may say nothing of it.
    """

    bars: Bars
    known: bool = False

    @cached_property
    def closed(self) -> Mask:
        """Where there are bars on weekends or holidays, (n_bars, n_symbols)."""
        bars = self.bars
        if bars.calendar.sessions_per_year > 300 or not (bars.frequency == "1d" or bars.frequency.endswith("min")):
            return np.zeros_like(bars.present)
        off, weekend = holidays(bars), weekends(bars)
        if self.known:
            days = np.arange(bars.sessions[0], bars.sessions[-1] + 1)
            weekday = (days.astype(np.int64) + 3) % 7
            kinds = (off, days[weekday == 5], days[weekday == 6])
            off = np.concatenate([_against_custom(kind, bars.sessions) for kind in kinds])
            weekend = np.zeros_like(weekend)
        held: Mask = bars.present & np.isin(bars.sessions, off)[:, None]
        return held | weekend

    @cached_property
    def outside(self) -> Mask:
        """Which stamps lie outside the hours of the market, (n_bars,)."""
        return beyond_hours(self.bars)[0]

    @cached_property
    def beyond(self) -> Floats:
        """How many times a high or low lies beyond open and close, (n_bars, n_symbols)."""
        return np.fmax(*(ratio for _, ratio in beyond_body(self.bars)))

    def when(self, row: int) -> str:
        """Return the session of a bar, or of bars within the day their time."""
        bars = self.bars
        return (
            f"{bars.times[row]}"[:16].replace("T", " ") if bars.frequency.endswith("min") else f"{bars.sessions[row]}"
        )


def _against_custom(days: Days, sessions: Days) -> Days:
    """Return the days with bars, where on most of such days before there were none; the first are not judged."""
    has, count = np.isin(days, sessions), np.arange(len(days))
    before: NDArray[np.int64] = np.cumsum(has) - has
    return days[has & (count >= HOLIDAYS) & (before <= count / 2)]


@dataclass(frozen=True)
class History:
    """One symbol's bars, one after another.

    Parameters
    ----------
    panel : Panel
        The panel.
    symbol : str
        Its name.
    column : int
        Where it stands in the panel.
    rows : ndarray of int64
        The bars that it has.
    """

    panel: Panel
    symbol: str
    column: int
    rows: Rows

    def values(self, field: str) -> Floats:
        """Return a field of its bars."""
        found: Floats = getattr(self.panel.bars, field)[self.rows, self.column]
        return found

    def when(self, at: int) -> str:
        """Return when its bar at a position was."""
        return self.panel.when(int(self.rows[at]))

    @cached_property
    def moved(self) -> unusual.Moves:
        """How its closes move."""
        bars = self.panel.bars
        within = bars.frequency.endswith("min") and bars.calendar.sessions_per_year < 300
        return unusual.moves(self.values("close"), bars.sessions[self.rows], within)

    def change(self, at: int) -> str:
        """Return by how much its close moved, in words."""
        return f"{np.expm1(self.moved.move[at]):+.1%}"


def _outliers(one: History, limit: float) -> Odd:
    size = unusual.deviations(one.moved, one.values("high"), one.values("low"))

    def told(at: int) -> str:
        close, usual = one.values("close"), one.moved.usual[at]
        if abs(one.moved.move[at]) >= limit * usual:
            return f"{one.symbol} moves {one.change(at)} on {one.when(at)}, {size[at]:.0f} times as far as usual"
        high, low = one.values("high")[at], one.values("low")[at]
        top = np.log(high / max(close[at], close[at - 1])) >= np.log(min(close[at], close[at - 1]) / low)
        name, value = ("high", high) if top else ("low", low)
        return (
            f"{one.symbol} has a {name} of {value:g} on {one.when(at)}, with closes of {close[at - 1]:g} and "
            f"{close[at]:g}: {size[at]:.0f} times as far as usual"
        )

    return Odd(size > limit, size, told)


def _spikes(one: History, limit: float) -> Odd:
    size = unusual.reverting(one.moved)

    def told(at: int) -> str:
        close = one.values("close")
        return (
            f"{one.symbol} closes at {close[at]:g} on {one.when(at)}, {one.change(at)} from {close[at - 1]:g}, and is "
            f"back within {unusual.WITHIN} bars"
        )

    return Odd(size > limit, size, told)


def _volume_spikes(one: History, limit: float) -> Odd:
    size, times = unusual.volume_deviations(one.values("volume"))

    def told(at: int) -> str:
        volume = one.values("volume")[at]
        number = f"{volume:,.0f}" if volume >= 100 else f"{volume:g}"
        return f"{one.symbol} has a volume of {number} on {one.when(at)}, {times[at]:,.0f} times the usual"

    return Odd(size > limit, size, told)


def _stale(one: History, limit: float) -> Odd:
    close = one.values("close")
    size = unusual.repeated(close).astype(np.float64)
    return Odd(
        size >= limit,
        size,
        lambda at: f"{one.symbol} closes at {close[at]:g} on {size[at]:.0f} bars in a row, the last on {one.when(at)}",
    )


def _untraded(one: History, limit: float) -> Odd:
    same, at = flat(one.panel.bars, one.column, one.rows), np.arange(len(one.rows))
    size = np.where(same, at - np.maximum.accumulate(np.where(same, 0, at)), 0).astype(np.float64)
    close = one.values("close")
    return Odd(size >= limit, size, lambda at: f"{one.symbol} stands at {close[at]:g} for {size[at]:.0f} bars")


def _zero_volume(one: History, limit: float) -> Odd:
    return _plain(one, one.values("volume") == 0, "has no volume on")


def _wild(one: History, limit: float) -> Odd:
    size = one.panel.beyond[one.rows, one.column]
    return Odd(
        size > limit,
        size,
        lambda at: f"{one.symbol} has a high or low on {one.when(at)}, {size[at]:.3g} times beyond its open and close",
    )


def _extra_sessions(one: History, limit: float) -> Odd:
    return _plain(one, one.panel.closed[one.rows, one.column], "has a bar when the market is closed, on")


def _outside_hours(one: History, limit: float) -> Odd:
    return _plain(one, one.panel.outside[one.rows], "has a bar outside the hours of the market, at")


def _plain(one: History, mask: Mask, what: str) -> Odd:
    """Return bars of which none is worse than another."""
    return Odd(mask, mask.astype(np.float64), lambda at: f"{one.symbol} {what} {one.when(at)}")


ODD: dict[str, Callable[[History, float], Odd]] = {
    "wild-prices": _wild,
    "untraded": _untraded,
    "extra-sessions": _extra_sessions,
    "outside-hours": _outside_hours,
    "spikes": _spikes,
    "outliers": _outliers,
    "stale": _stale,
    "volume-spikes": _volume_spikes,
    "zero-volume": _zero_volume,
}
