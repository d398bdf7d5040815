"""What a careful person would ask about bars: splits, holes, prices that stand still, bars when the market is closed.

Each doubt is one line with symbol, date and figure. None is proof that something is wrong; a sound market draws none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.holidays import closed_weekdays
from quorate.bars.panel import PRICES, Bars
from quorate.bars.rules import RULES, Finding
from quorate.errors import plural
from quorate.statistics import Floats

RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)  # of splits, and of reverse ones
NEAR = 0.06  # how far a ratio may be from one of those: the market moves, too
SCALE = 4.0  # a jump of the price over a hole, from which on it is another thing
TOLD = 3  # of one kind that are told one by one

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Limits = Mapping[str, float]  # by rule, where they are not its own
NONE: Limits = MappingProxyType({})


def doubts(bars: Bars, limits: Limits = NONE, off: Collection[str] = ()) -> list[str]:
    """Return what is to be asked about bars, most serious first, a line each; nothing of the rules that are `off`."""
    return [
        line for kind in places(bars, limits) for line in few([found.told for found in kind if found.rule not in off])
    ]


def places(bars: Bars, limits: Limits = NONE) -> Iterator[list[Finding]]:
    """Yield what each kind of doubt finds, a finding for each place."""
    for kind in (_splits, _holes, _wild, _still, _closed, _outside, _one_after_another):
        yield list(kind(bars, limits))


def limit_of(rule: str, limits: Limits) -> float:
    """Return from where on a rule finds something."""
    own = RULES[rule].limit
    assert own is not None
    return limits.get(rule, own)


def few(lines: list[str]) -> list[str]:
    """Return the first lines of a kind, and how many more there are."""
    more = len(lines) - TOLD
    return [*lines[:TOLD], f"{more} more of the last kind"] if more > 1 else lines


def _names(symbols: list[str]) -> str:
    return ", ".join(symbols[:TOLD]) + (", ..." if len(symbols) > TOLD else "")


def columns(bars: Bars) -> Iterator[tuple[str, int, Rows]]:
    """Yield each symbol, its column, and the rows that it has bars in."""
    present = bars.present
    for column, symbol in enumerate(bars.symbols):
        yield symbol, column, np.flatnonzero(present[:, column])


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


def jumps_like_splits(bars: Bars, limits: Limits = NONE) -> Iterator[Jump]:
    """Yield the jumps that a split would explain."""
    least = limit_of("splits", limits)
    for symbol, column, rows in columns(bars):
        close, open_ = bars.close[rows, column], bars.open[rows, column]
        if len(rows) < 30:
            continue
        step = np.log(open_[1:] / close[:-1])
        usual = float(np.median(np.abs(np.diff(np.log(close)))))
        days = np.diff(bars.sessions[rows]).astype(np.int64)
        jumps = (np.abs(step) > max(least * usual, np.log(2 * (1 - NEAR)))) & (days <= 10)
        for at in np.flatnonzero(jumps):
            size = float(np.exp(abs(step[at])))
            near = [n for n in RATIOS if abs(size / n - 1) <= NEAR]
            if near:
                ratio = float(near[0]) if step[at] < 0 else 1 / near[0]
                session = str(bars.sessions[rows[at + 1]])
                yield Jump(symbol, session, ratio, float(close[at]), float(open_[at + 1]))


def _splits(bars: Bars, limits: Limits) -> Iterator[Finding]:
    for jump in jumps_like_splits(bars, limits):
        size = max(jump.ratio, 1 / jump.ratio)
        yield Finding("splits", jump.symbol, 1, jump.session, jump.session, size, jump.told)


def _holes(bars: Bars, limits: Limits) -> Iterator[Finding]:
    clock, most = bars.calendar, limit_of("gaps", limits)
    within = bars.frequency.endswith("min")
    if bars.frequency not in ("1d",) and not within:
        return
    week = 7 if clock.sessions_per_year > 300 else 5
    off = holidays(bars)
    for symbol, column, rows in columns(bars):
        days = _once(bars.sessions[rows])
        if len(days) < 30:
            continue
        if np.median(np.diff(days).astype(np.int64)) > 3:  # weekly bars in a panel of daily ones
            continue
        lack = np.diff(days).astype(np.int64) if week == 7 else np.busday_count(days[:-1], days[1:], holidays=off)
        for at in np.flatnonzero(lack - 1 > most):
            last, first, lost = days[at], days[at + 1], int(lack[at]) - 1
            before = bars.close[rows[bars.sessions[rows] == last][-1], column]
            after = bars.open[rows[bars.sessions[rows] == first][0], column]
            jump = float(max(after / before, before / after))
            told = (
                f"; the price is {after / before:.3g} times what it was: another scale, or another thing?"
                if jump > SCALE
                else ""
            )
            line = f"{symbol} has no bars for {plural(lost, 'session')}, from {last} to {first}{told}"
            yield Finding("gaps", symbol, lost, str(last), str(last), lost, line)
        if within and week == 7:
            yield from _missing(symbol, bars.times[rows], bars.sessions[rows], most)


def _once(sessions: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return the sessions of bars that come one after another, each once."""
    return sessions[np.append(True, sessions[1:] != sessions[:-1])] if len(sessions) else sessions


def _missing(
    symbol: str, times: NDArray[np.datetime64], sessions: NDArray[np.datetime64], hole: float
) -> Iterator[Finding]:
    """Tell bars that are missing where a market never closes, in gaps that are no holes."""
    steps = np.diff(times).astype("timedelta64[us]").astype(np.int64)
    step = int(np.median(steps))
    short = np.where((steps > step) & (np.diff(sessions).astype(np.int64) - 1 <= hole), steps, 0)
    lost = int((np.round(short[short > 0] / step) - 1).sum())
    if lost:
        worst = int(short.argmax())
        most = round(int(short[worst]) / step) - 1
        told = f"{symbol} lacks {lost:,} of {len(times) + lost:,} bars, the most in a row {most:,}"
        first, at = str(sessions[int((short > 0).argmax())]), str(sessions[worst])
        yield Finding("missing-bars", symbol, lost, first, at, most, told)


def beyond_body(bars: Bars) -> Iterator[tuple[str, Floats]]:
    """Yield ``high`` and ``low``, each with how many times it lies beyond open and close, (n_bars, n_symbols)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        yield "high", bars.high / np.fmax(bars.open, bars.close)
        yield "low", np.fmin(bars.open, bars.close) / bars.low


def _wild(bars: Bars, limits: Limits) -> Iterator[Finding]:
    least = limit_of("wild-prices", limits)
    for name, ratio in beyond_body(bars):
        for row, column in np.argwhere(ratio > least):
            value, size = getattr(bars, name)[row, column], float(ratio[row, column])
            symbol, session = bars.symbols[column], str(bars.sessions[row])
            told = (
                f"{symbol} has a {name} of {value:g} on {session}, "
                f"{size:.3g} times {'above' if name == 'high' else 'below'} its open and close"
            )
            yield Finding("wild-prices", symbol, 1, session, session, size, told)


def flat(bars: Bars, column: int, rows: Rows) -> Mask:
    """Return which of a symbol's bars repeat the one before, without range and volume."""
    prices = np.column_stack([getattr(bars, name)[rows, column] for name in PRICES])
    still = (prices == prices[:, :1]).all(axis=1) & ~(bars.volume[rows, column] > 0)
    return np.concatenate(([False], still[1:] & (prices[1:, 3] == prices[:-1, 3])))


def _still(bars: Bars, limits: Limits) -> Iterator[Finding]:
    least = limit_of("untraded", limits)
    for symbol, column, rows in columns(bars):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], flat(bars, column, rows).astype(np.int8), [0]))))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if stop - start >= least:
                first, last = (str(bars.sessions[rows[at]]) for at in (start, stop - 1))
                told = (
                    f"{symbol} stands at {bars.close[rows[start], column]:g} for {stop - start} bars, from "
                    f"{first} to {last}: was it traded?"
                )
                yield Finding("untraded", symbol, stop - start, first, first, stop - start, told)


def weekends(bars: Bars) -> Mask:
    """Return where bars lie on a Saturday or a Sunday, (n_bars, n_symbols)."""
    mask: Mask = bars.present & ((bars.sessions.astype(np.int64) + 3) % 7 > 4)[:, None]
    return mask


def _closed(bars: Bars, _: Limits) -> Iterator[Finding]:
    """Tell bars on days on which the market is closed."""
    clock = bars.calendar
    if clock.sessions_per_year > 300 or not (bars.frequency == "1d" or bars.frequency.endswith("min")):
        return
    weekend = weekends(bars)
    seldom = weekend.any(axis=1).mean() <= 0.01 or not bars.frequency.endswith("min")
    if weekend.any() and seldom:
        row, column = np.argwhere(weekend)[0]
        name = ("Saturday", "Sunday")[int(bars.sessions[row].astype(np.int64) + 3) % 7 - 5]
        yield _counted(
            bars, weekend, f"on weekends, the first of {bars.symbols[column]} on {name}, {bars.sessions[row]}"
        )
    off = holidays(bars)
    held = bars.present & np.isin(bars.sessions, off)[:, None]
    filled = int((held & (bars.close == np.roll(bars.close, 1, axis=0))).sum())
    # Who trades on nearly all holidays, at prices of their own, is another market, or a simulated one.
    if held.any() and (held.any(axis=1).sum() <= len(off) / 2 or filled > held.sum() / 2):
        row, column = np.argwhere(held)[0]
        same = f", {filled:,} of them at the price before" if filled else ""
        what = f"on holidays of {clock.name}, the first of {bars.symbols[column]} on {bars.sessions[row]}{same}"
        yield _counted(bars, held, what)


def _counted(bars: Bars, where: Mask, what: str) -> Finding:
    number, first = int(where.sum()), str(bars.sessions[int(where.any(axis=1).argmax())])
    told = f"{plural(number, 'bar')} {'lies' if number == 1 else 'lie'} {what}"
    return Finding("extra-sessions", "", number, first, first, number, told)


def holidays(bars: Bars) -> NDArray[np.datetime64]:
    """Return the weekdays from the first session to the last on which the market is closed; none where unknown."""
    return closed_weekdays(bars.calendar, bars.sessions[0], bars.sessions[-1])


def beyond_hours(bars: Bars) -> tuple[Mask, bool]:
    """Return which stamps lie outside the hours of the market, and whether all of these are its opening."""
    clock = bars.calendar
    if not clock.open or not bars.frequency.endswith("min"):
        return np.zeros(len(bars), dtype=bool), False
    local = pd.DatetimeIndex(bars.times).tz_localize("UTC").tz_convert(clock.timezone)
    minute = np.asarray(local.hour * 60 + local.minute)
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (clock.open, clock.close))
    # A last bar that the close cuts short is stamped at its nominal end.
    within = (minute - first - 1) % 1440 + 1 - float(bars.frequency.removesuffix("min"))
    beyond: Mask = within >= ((last - first - 1) % 1440 + 1)
    return beyond, bool((minute[beyond] == first).all())


def _outside(bars: Bars, _: Limits) -> Iterator[Finding]:
    """Tell bars outside the hours of a market."""
    beyond, at_open = beyond_hours(bars)
    if beyond.any():
        number, first = int(bars.present[beyond].sum()), str(bars.sessions[int(beyond.argmax())])
        told = (
            f"{number:,} of {int(bars.present.sum()):,} bars lie outside the session, "
            f"{bars.calendar.open} to {bars.calendar.close}: "
            + ("are stamps the opens of bars (data.stamp)?" if at_open else "orders are filled there, too")
        )
        yield Finding("outside-hours", "", number, first, first, number, told)


def _one_after_another(bars: Bars, _: Limits) -> Iterator[Finding]:
    """Tell symbols that follow one another: they may be parts of one."""
    if len(bars.symbols) < 2:
        return
    spans = sorted((int(rows[0]), int(rows[-1]), symbol) for symbol, _, rows in columns(bars) if len(rows))
    if any(after[0] <= before[1] for before, after in pairwise(spans)):
        return
    names = _names([symbol for _, _, symbol in spans])
    told = (
        f"no two of the {len(spans)} symbols ({names}) have a bar at the same time: where they are parts of one, "
        "name it with data.symbol"
    )
    first = str(bars.sessions[spans[0][0]])
    yield Finding("successive", "", len(spans), first, first, len(spans), told)


def different_lengths(bars: Bars) -> list[str]:
    """Tell symbols whose bars have different lengths: a longer one is known too early, if it counts as a short one."""
    found: dict[str, list[str]] = {}
    for symbol, _, rows in columns(bars):
        if len(rows) > TOLD:
            found.setdefault(_length(bars.times[rows], bars.sessions[rows]), []).append(symbol)
    if len(found) < 2:
        return []
    told = "; ".join(f"{length}: {_names(names)}" for length, names in found.items())
    return [f"the symbols have bars of different lengths ({told}): is each stamped when it is over?"]


def _length(times: NDArray[np.datetime64], sessions: NDArray[np.datetime64]) -> str:
    if len(_once(sessions)) > len(times) / 2:
        days = float(np.median(np.diff(sessions).astype(np.int64)))
        return "a day" if days < 5 else "a week" if days < 20 else "a month"
    steps, often = np.unique(np.diff(times), return_counts=True)
    return f"{steps[often.argmax()] / np.timedelta64(1, 'm'):g} minutes"
