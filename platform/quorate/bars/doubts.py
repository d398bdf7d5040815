"""What a careful person would ask about bars: splits, holes, prices that stand still, bars when the market is closed.

Each doubt is one line with symbol, date and figure. None is proof that something is wrong; a sound market draws none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars import exchanges
from quorate.bars.calendar import CALENDARS
from quorate.bars.panel import Bars
from quorate.errors import plural
from quorate.statistics import Floats

RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)  # of splits, and of reverse ones
NEAR = 0.06  # how far a ratio may be from one of those: the market moves, too
USUAL = 8.0  # median moves, beyond which a jump is no day of the market
SCALE = 4.0  # a jump of the price over a hole, from which on it is another thing
WILD = 3.0  # of open and close, from which on a high or low is none
STILL = 20  # bars at one price without a range, from which on nothing was traded
SESSIONS = 6  # in a row that a market is not closed for
TOLD = 3  # of one kind that are told one by one

Rows = NDArray[np.int64]


def doubts(bars: Bars) -> list[str]:
    """Return what is to be asked about bars, most serious first, a line each."""
    found = [line for kind in (_splits, _holes, _wild, _still, _closed, _outside) for line in _few(list(kind(bars)))]
    return [*found, *_one_after_another(bars)]


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - TOLD
    return [*lines[:TOLD], f"{more} more of the last kind"] if more > 1 else lines


def _names(symbols: list[str]) -> str:
    return ", ".join(symbols[:TOLD]) + (", ..." if len(symbols) > TOLD else "")


def _columns(bars: Bars) -> Iterator[tuple[str, int, Rows]]:
    """Yield each symbol, its column, and the rows that it has bars in."""
    for column, symbol in enumerate(bars.symbols):
        yield symbol, column, np.flatnonzero(bars.present[:, column])


class Jump(NamedTuple):
    """An open that is a plain fraction, or a multiple, of the close before it, as after a split."""

    symbol: str
    session: str
    ratio: float  # new shares per old, if it was a split
    close: float
    open: float

    @property
    def told(self) -> str:
        """What is asked about it."""
        part = f"1/{self.ratio:g}" if self.ratio > 1 else f"{1 / self.ratio:g}"
        return (
            f"{self.symbol} opens on {self.session} at {part} of the close before ({self.close:g} to {self.open:g}): "
            "a split that prices were not adjusted for?"
        )


def jumps_like_splits(bars: Bars) -> Iterator[Jump]:
    """Yield the jumps that a split would explain."""
    for symbol, column, rows in _columns(bars):
        close, open_ = bars.close[rows, column], bars.open[rows, column]
        if len(rows) < 30:
            continue
        step = np.log(open_[1:] / close[:-1])
        usual = float(np.median(np.abs(np.diff(np.log(close)))))
        days = np.diff(bars.sessions[rows]).astype(np.int64)
        jumps = (np.abs(step) > max(USUAL * usual, np.log(2 * (1 - NEAR)))) & (days <= 10)
        for at in np.flatnonzero(jumps):
            size = float(np.exp(abs(step[at])))
            near = [n for n in RATIOS if abs(size / n - 1) <= NEAR]
            if near:
                ratio = float(near[0]) if step[at] < 0 else 1 / near[0]
                session = str(bars.sessions[rows[at + 1]])
                yield Jump(symbol, session, ratio, float(close[at]), float(open_[at + 1]))


def _splits(bars: Bars) -> Iterator[str]:
    for jump in jumps_like_splits(bars):
        yield jump.told


def _holes(bars: Bars) -> Iterator[str]:
    clock = bars.calendar
    within = bars.frequency.endswith("min")
    if bars.frequency not in ("1d",) and not within:
        return
    week = 7 if clock.sessions_per_year > 300 else 5
    off = holidays(bars)
    for symbol, column, rows in _columns(bars):
        days = np.unique(bars.sessions[rows])
        if len(days) < 30:
            continue
        if np.median(np.diff(days).astype(np.int64)) > 3:  # weekly bars in a panel of daily ones
            continue
        lack = np.diff(days).astype(np.int64) if week == 7 else np.busday_count(days[:-1], days[1:], holidays=off)
        for at in np.flatnonzero(lack - 1 > SESSIONS):
            last, first = days[at], days[at + 1]
            before = bars.close[rows[bars.sessions[rows] == last][-1], column]
            after = bars.open[rows[bars.sessions[rows] == first][0], column]
            jump = float(max(after / before, before / after))
            told = (
                f"; the price is {after / before:.3g} times what it was: another scale, or another thing?"
                if jump > SCALE
                else ""
            )
            yield f"{symbol} has no bars for {plural(int(lack[at]) - 1, 'session')}, from {last} to {first}{told}"
        if within and week == 7:
            yield from _missing(symbol, bars.times[rows], bars.sessions[rows])


def _missing(symbol: str, times: NDArray[np.datetime64], sessions: NDArray[np.datetime64]) -> Iterator[str]:
    """Tell bars that are missing where a market never closes, in gaps that are no holes."""
    steps = np.diff(times).astype("timedelta64[us]").astype(np.int64)
    step = int(np.median(steps))
    short = steps[(steps > step) & (np.diff(sessions).astype(np.int64) - 1 <= SESSIONS)]
    lost = int((np.round(short / step) - 1).sum())
    if lost:
        most = round(short.max() / step) - 1
        yield f"{symbol} lacks {lost:,} of {len(times) + lost:,} bars, the most in a row {most:,}"


def _wild(bars: Bars) -> Iterator[str]:
    top, bottom = np.fmax(bars.open, bars.close), np.fmin(bars.open, bars.close)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for name, ratio in (("high", bars.high / top), ("low", bottom / bars.low)):
            for row, column in np.argwhere(ratio > WILD):
                value = getattr(bars, name)[row, column]
                yield (
                    f"{bars.symbols[column]} has a {name} of {value:g} on {bars.sessions[row]}, "
                    f"{ratio[row, column]:.3g} times {'above' if name == 'high' else 'below'} its open and close"
                )


def _still(bars: Bars) -> Iterator[str]:
    for symbol, column, rows in _columns(bars):
        prices = np.column_stack([getattr(bars, name)[rows, column] for name in ("open", "high", "low", "close")])
        volume = bars.volume[rows, column]
        flat = (prices == prices[:, :1]).all(axis=1) & ~(volume > 0)
        same = np.concatenate(([False], flat[1:] & (prices[1:, 3] == prices[:-1, 3])))
        edges = np.flatnonzero(np.diff(np.concatenate(([0], same.astype(np.int8), [0]))))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start >= STILL:
                yield (
                    f"{symbol} stands at {prices[start, 3]:g} for {stop - start} bars, from "
                    f"{bars.sessions[rows[start]]} to {bars.sessions[rows[stop - 1]]}: was it traded?"
                )


def _closed(bars: Bars) -> Iterator[str]:
    """Tell bars on days on which the market is closed."""
    clock = bars.calendar
    if clock.sessions_per_year > 300 or not (bars.frequency == "1d" or bars.frequency.endswith("min")):
        return
    weekday = (bars.sessions.astype(np.int64) + 3) % 7
    weekend = bars.present & (weekday > 4)[:, None]
    seldom = weekend.any(axis=1).mean() <= 0.01 or not bars.frequency.endswith("min")
    if weekend.any() and seldom:
        row, column = np.argwhere(weekend)[0]
        name = ("Saturday", "Sunday")[int(weekday[row]) - 5]
        yield _counted(
            int(weekend.sum()), f"on weekends, the first of {bars.symbols[column]} on {name}, {bars.sessions[row]}"
        )
    off = holidays(bars)
    held = bars.present & np.isin(bars.sessions, off)[:, None]
    filled = int((held & (bars.close == np.roll(bars.close, 1, axis=0))).sum())
    # Who trades on nearly all holidays, at prices of their own, is another market, or a simulated one.
    if held.any() and (held.any(axis=1).sum() <= len(off) / 2 or filled > held.sum() / 2):
        row, column = np.argwhere(held)[0]
        same = f", {filled:,} of them at the price before" if filled else ""
        what = f"on holidays of {clock.name}, the first of {bars.symbols[column]} on {bars.sessions[row]}{same}"
        yield _counted(int(held.sum()), what)


def _counted(number: int, what: str) -> str:
    return f"{plural(number, 'bar')} {'lies' if number == 1 else 'lie'} {what}"


def holidays(bars: Bars) -> NDArray[np.datetime64]:
    """Return the weekdays from the first session to the last on which the market is closed; none where unknown."""
    name, first, last = bars.calendar.name, bars.sessions[0], bars.sessions[-1]
    if name == "us-equity":
        days = us_holidays()
        return days[np.searchsorted(days, first) : np.searchsorted(days, last, "right")]
    if name not in CALENDARS and name in exchanges.exchange_names():
        return exchanges.closed_days(name, str(first), str(last))
    return np.array([], dtype="datetime64[D]")


@cache
def us_holidays() -> NDArray[np.datetime64]:
    """Return the weekdays from 1998 to 2100 on which US exchanges are closed, by their rules."""
    from pandas.tseries import holiday as known

    rules = [
        known.Holiday("New Year", month=1, day=1, observance=known.sunday_to_monday),
        known.USMartinLutherKingJr,
        known.USPresidentsDay,
        known.GoodFriday,
        known.USMemorialDay,
        known.Holiday(
            "Juneteenth", month=6, day=19, start_date=pd.Timestamp("2022-06-01"), observance=known.nearest_workday
        ),
        known.Holiday("Independence Day", month=7, day=4, observance=known.nearest_workday),
        known.USLaborDay,
        known.USThanksgivingDay,
        known.Holiday("Christmas", month=12, day=25, observance=known.nearest_workday),
    ]
    calendar = known.AbstractHolidayCalendar("NYSE", rules)
    days = calendar.holidays(pd.Timestamp("1998-01-01"), pd.Timestamp("2100-12-31"))
    weekdays: NDArray[np.datetime64] = days[days.day_of_week < 5].to_numpy().astype("datetime64[D]")
    return weekdays


def _outside(bars: Bars) -> Iterator[str]:
    """Tell bars outside the hours of a market."""
    clock = bars.calendar
    if not clock.open or not bars.frequency.endswith("min"):
        return
    local = pd.DatetimeIndex(bars.times).tz_localize("UTC").tz_convert(clock.timezone)
    minute = np.asarray(local.hour * 60 + local.minute)
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (clock.open, clock.close))
    # A last bar that the close cuts short is stamped at its nominal end.
    within = (minute - first - 1) % 1440 + 1 - float(bars.frequency.removesuffix("min"))
    beyond = within >= ((last - first - 1) % 1440 + 1)
    if beyond.any():
        at_open = bool((minute[beyond] == first).all())
        yield (
            f"{int(bars.present[beyond].sum()):,} of {int(bars.present.sum()):,} bars lie outside the session, "
            f"{clock.open} to {clock.close}: "
            + ("are stamps the opens of bars (data.stamp)?" if at_open else "orders are filled there, too")
        )


def _one_after_another(bars: Bars) -> list[str]:
    """Tell symbols that follow one another: they may be parts of one."""
    if len(bars.symbols) < 2:
        return []
    spans = sorted((int(rows[0]), int(rows[-1]), symbol) for symbol, _, rows in _columns(bars) if len(rows))
    if any(after[0] <= before[1] for before, after in pairwise(spans)):
        return []
    names = _names([symbol for _, _, symbol in spans])
    return [
        f"no two of the {len(spans)} symbols ({names}) have a bar at the same time: where they are parts of one, "
        "name it with data.symbol"
    ]


def different_lengths(bars: Bars) -> list[str]:
    """Tell symbols whose bars have different lengths: a longer one is known too early, if it counts as a short one."""
    found: dict[str, list[str]] = {}
    for symbol, _, rows in _columns(bars):
        if len(rows) > TOLD:
            found.setdefault(_length(bars.times[rows], bars.sessions[rows]), []).append(symbol)
    if len(found) < 2:
        return []
    told = "; ".join(f"{length}: {_names(names)}" for length, names in found.items())
    return [f"the symbols have bars of different lengths ({told}): is each stamped when it is over?"]


def _length(times: NDArray[np.datetime64], sessions: NDArray[np.datetime64]) -> str:
    if len(np.unique(sessions)) > len(times) / 2:
        days = float(np.median(np.diff(sessions).astype(np.int64)))
        return "a day" if days < 5 else "a week" if days < 20 else "a month"
    steps, often = np.unique(np.diff(times), return_counts=True)
    return f"{steps[often.argmax()] / np.timedelta64(1, 'm'):g} minutes"


def known_too_early(bars: Bars, least: float = 0.6) -> list[str]:
    """Return which symbols' bars know the next return of another's: a session or a stamp is one bar early.

    Returns are compared with those of the bar after, each pair of symbols; markets that close at other hours lead
    each other by much less.
    """
    if len(bars.symbols) < 2:
        return []
    close = pd.DataFrame(bars.close).ffill().to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        step: Floats = np.diff(np.log(close), axis=0)
    own = np.where(bars.present[1:], step, np.nan)
    found = []
    for early, late, value in _leads(own, step):
        if value > least:
            found.append(
                f"the returns of {bars.symbols[early]} agree with those of {bars.symbols[late]} one bar later "
                f"(correlation {value:.2f}): its bars are known too early, or those of the other too late"
            )
    return _few(found)


def _leads(own: Floats, step: Floats) -> Iterator[tuple[int, int, float]]:
    """Yield each ordered pair of symbols with the correlation of one's return with the other's next, on its bars."""
    n = own.shape[1]
    for i in range(n):
        rows = np.flatnonzero(np.isfinite(own[:-1, i]))
        if len(rows) < 50:
            continue
        # What the other earns until this one's next bar: a week, where this one has weekly bars.
        after = np.minimum(np.append(rows[1:], len(step) - 1), rows + 5)
        total = np.vstack([np.zeros(n), np.nancumsum(step, axis=0)])
        ahead = total[after + 1] - total[rows + 1]
        x = own[rows, i]
        for j in range(n):
            if j == i:
                continue
            y = ahead[:, j]
            if x.std() > 0 and y.std() > 0:
                yield i, j, float(np.corrcoef(x, y)[0, 1])
