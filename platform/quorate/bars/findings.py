"""What every rule finds in bars: a finding for each rule and symbol, with how many, the first, and the worst."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.between import look_alikes
from quorate.bars.calendar import CALENDARS
from quorate.bars.doubts import NONE, Limits, Mask, columns, different_lengths, flat, holidays, limit_of, places
from quorate.bars.odd import ODD, History, Panel
from quorate.bars.panel import Bars
from quorate.bars.quality import wrong_calendar
from quorate.bars.rules import RULES, Finding
from quorate.bars.universe import survivors_only
from quorate.errors import plural

UNSCHEDULED = (  # weekdays on which US exchanges were closed though they are no holidays
    *("2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30"),
    *("2018-12-05", "2025-01-09"),
)
MOST = 0.5  # of the symbols that are alive, which have bars on a session that the others lack
BY_SYMBOL = ("extra-sessions", "outside-hours")  # asked of all at once, and told of each
COUNTED = {  # what is told of rules to which no bar is worse than another
    "zero-volume": "no volume on {:,} of {:,} bars",
    "extra-sessions": "{:,} of {:,} bars on days when the market is closed",
    "outside-hours": "{:,} of {:,} bars outside the hours of the market",
}
# What bars that are set apart do not change.
OF_PRESENCE = ("calendar", "lengths", "successive", "gaps", "missing-bars", "survivors", "missing-sessions")
BY_PLACES = ("wild-prices", "untraded")  # each place is told, as in every run


def find(
    bars: Bars,
    limits: Limits = NONE,
    off: Collection[str] = (),
    whole: Bars | None = None,
    refused: Mapping[str, NDArray[np.datetime64]] = MappingProxyType({}),
) -> list[Finding]:
    """Return what all rules find that are not off: the most serious rule first, of each the most bars first.

    Parameters
    ----------
    bars : Bars
        Whatever is missing or impossible was refused, or set apart, when they were read.
    limits : mapping
        From where on rules find something, where that is not their own limit.
    off : collection of str
        Rules that are not asked.
    whole : Bars, optional
        The same with what was set apart: by these is told what is missing.
    refused : mapping
        Sessions by symbol that are not missing either: their rows were set apart when they were read.
    """
    whole = whole or bars
    told = [one for kind in places(bars, limits) for one in kind]
    if whole is not bars:
        told = [one for one in told if one.rule not in OF_PRESENCE]
        told += [one for kind in places(whole, limits) for one in kind if one.rule in OF_PRESENCE]
    by_places: dict[str, list[Finding]] = {}
    for place in told:
        by_places.setdefault(place.symbol, []).append(place)
    doubted = {one.rule for one in told} & {*BY_SYMBOL}
    found = [*_together(one for one in told if one.rule not in BY_SYMBOL), *_of_all(whole)]
    if "look-alikes" not in off:
        found += _together(look_alikes(bars, limit_of("look-alikes", limits)))
    if "missing-sessions" not in off:
        found += _missing_sessions(whole, limit_of("missing-sessions", limits), limit_of("gaps", limits), refused)
    left_out = {*off, *BY_PLACES, *({*BY_SYMBOL} - doubted)}
    asked = [rule for rule in ODD if rule not in left_out]
    panel = Panel(bars)
    for symbol, column, rows in columns(bars):
        if len(rows):
            found += _of_symbol(History(panel, symbol, column, rows), asked, limits, by_places.get(symbol, ()))
    order = {rule: at for at, rule in enumerate(RULES)}
    return sorted((one for one in found if one.rule not in off), key=lambda one: (order[one.rule], -one.bars))


def by_symbol(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return a row for each symbol of which something was found, the worst first: by the most serious rule.

    Each with its symbol (empty: all of them), how many bars each rule found, and the first of them.
    """
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        row = rows.setdefault(one.symbol, {"symbol": one.symbol, "rules": {}, "first": one.first})
        row["rules"][one.rule] = one.bars
        row["first"] = min(row["first"], one.first)
    return sorted(rows.values(), key=lambda row: ([-row["rules"].get(rule, 0) for rule in RULES], row["symbol"]))


def _together(places: Iterable[Finding]) -> list[Finding]:
    """Return one finding for each rule and symbol: how many bars in all, and what the worst place is."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for one in places:
        found.setdefault((one.rule, one.symbol), []).append(one)
    return [
        max(several, key=lambda one: one.worst)._replace(
            bars=sum(one.bars for one in several), first=min(one.first for one in several)
        )
        for several in found.values()
    ]


def _of_all(bars: Bars) -> Iterator[Finding]:
    first = str(bars.sessions[0])
    if told := wrong_calendar(bars):
        yield Finding("calendar", "", len(bars), first, first, bars.bars_per_year, told)
    for line in different_lengths(bars):
        yield Finding("lengths", "", len(bars), first, first, len(bars.symbols), line)
    for line in survivors_only(bars):
        yield Finding("survivors", "", len(bars), first, first, len(bars.symbols), line)


def _of_symbol(one: History, asked: Sequence[str], limits: Limits, told: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what rules find among one symbol's bars; a bar that one explains is not told by a lesser one, too."""
    places = [place.first for place in told if place.rule in ("splits", "wild-prices")]
    explained = np.isin(one.panel.bars.sessions[one.rows], np.array(places, dtype="datetime64[D]"))
    untraded = any(place.rule == "untraded" for place in told)
    for rule in asked:
        odd = ODD[rule](one, limits.get(rule, RULES[rule].limit or 0.0))
        mask = odd.bars
        if rule in ("spikes", "outliers", "volume-spikes"):
            mask = mask & ~explained
        elif rule == "stale" and untraded:
            mask = mask & ~flat(one.panel.bars, one.column, one.rows)
        at = np.flatnonzero(mask)
        if not len(at):
            continue
        if rule == "spikes":
            explained = explained | mask
        worst = int(at[odd.size[at].argmax()])
        line = odd.told(worst)
        if rule in COUNTED:
            line = f"{one.symbol} has {COUNTED[rule].format(len(at), len(one.rows))}, the first {one.when(int(at[0]))}"
        elif len(at) > 1:
            line += f"; {plural(len(at), 'bar')} in all"
        yield Finding(rule, one.symbol, len(at), one.when(int(at[0])), one.when(worst), float(odd.size[worst]), line)


def _missing_sessions(
    bars: Bars, least: float, hole: float, refused: Mapping[str, NDArray[np.datetime64]]
) -> Iterator[Finding]:
    """Yield symbols that lack sessions between their first and last, of which most others, or the market, have bars.

    What is told as a gap is not told again.
    """
    if not (bars.frequency == "1d" or bars.frequency.endswith("min")):
        return
    days, starts = np.unique(bars.sessions, return_index=True)
    has = np.logical_or.reduceat(bars.present, starts, axis=0)
    first, last = has.argmax(axis=0), len(days) - 1 - has[::-1].argmax(axis=0)
    at = np.arange(len(days))[:, None]
    alive = (at >= first) & (at <= last)
    common = has.sum(axis=1) > MOST * np.maximum(alive.sum(axis=1), 1)
    if (scheduled := _scheduled(bars, days)) is not None:
        common |= np.isin(days, scheduled)
        if len(never := np.setdiff1d(scheduled, days)):
            symbol = bars.symbols[0] if len(bars.symbols) == 1 else ""
            never = np.setdiff1d(never, refused.get(symbol, days[:0]))
            yield from _lacking(symbol, never, len(scheduled), least, hole, days)
    for column, symbol in enumerate(bars.symbols):
        own = days[has[:, column]]
        if len(own) < 3 or np.median(np.diff(own).astype(np.int64)) > 3:  # bars of a week
            continue
        expected = common & alive[:, column]
        lost = np.setdiff1d(days[expected & ~has[:, column]], refused.get(symbol, days[:0]))
        yield from _lacking(symbol, lost, int(expected.sum()), least, hole, own)


def _lacking(
    symbol: str, lost: NDArray[Any], of: int, least: float, hole: float, days: NDArray[Any]
) -> Iterator[Finding]:
    """Yield what is told of sessions without a bar, but for those that lie in a gap between two days."""
    if not len(lost):
        return
    place = np.searchsorted(days, lost)
    _, back, number = np.unique(place, return_inverse=True, return_counts=True)
    lost = lost[number[back] <= hole]
    if len(lost) >= max(least, 1):
        whose = symbol or "every symbol"
        told = f"{whose} lacks {plural(len(lost), 'session')} of {of:,}, the first {lost[0]}"
        yield Finding("missing-sessions", symbol, len(lost), str(lost[0]), str(lost[0]), len(lost), told)


def _scheduled(bars: Bars, days: NDArray[np.datetime64]) -> NDArray[np.datetime64] | None:
    """Return the sessions of the market from the first day to the last; None, where nobody knows them."""
    every = np.arange(days[0], days[-1] + 1)
    name = bars.calendar.name
    if bars.calendar.sessions_per_year > 300:
        return every
    off: Mask = np.isin(every, holidays(bars)) | ((every.astype(np.int64) + 3) % 7 > 4)
    if name == "us-equity":
        off |= np.isin(every, _closed_beside()) | (every < np.datetime64("1998-01-01"))
    elif name in CALENDARS or not len(holidays(bars)):
        return None
    scheduled: NDArray[np.datetime64] = every[~off]
    return scheduled


@cache
def _closed_beside() -> NDArray[np.datetime64]:
    """Return the days on which US exchanges were closed beside the holidays of every year since 1998."""
    from pandas.tseries.holiday import Holiday, nearest_workday

    juneteenth = Holiday("Juneteenth", month=6, day=19, observance=nearest_workday)
    days = juneteenth.dates("2022-01-01", "2100-12-31").to_numpy().astype("datetime64[D]")
    return np.concatenate([days, np.array(UNSCHEDULED, dtype="datetime64[D]")])
