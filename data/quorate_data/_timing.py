"""From stamps as files give them to the close stamps of bars: daily or intraday, stamped at the open or close.

How long a bar is belongs to its symbol: what is known of it, and when, follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._stamps import Stamps, check_zone
from quorate_data._text import listed

Times = NDArray[np.datetime64]
Codes = NDArray[np.int64]
Side = Literal["close", "open"]

DAY = 86_400  # seconds
MIDNIGHT = 60  # seconds before it, in which a day ends that is stamped with its last moment
EARLY, LATE = 4 * 3600, 20 * 3600  # of the day, between which US exchanges trade before and after their session
EVE = (
    "on Sundays and never on Fridays: if a bar begins then, as days of FX do at 17:00 in New York, set "
    'data.stamp = "open"'
)
ENOUGH = 20  # sessions, from which on their hours tell a market


@dataclass(frozen=True)
class Timing:
    """How a file's stamps are to be read: options of the sources.

    Parameters
    ----------
    stamp : {"close", "open"} or None
        Which end of a bar its stamp is; None: what the data prove, else the close.
    length : timedelta64 or None
        Of an intraday bar; None: the most common step of its symbol.
    mixed : bool
        Whether symbols may have bars of different lengths.
    timezone : str or None
        As it was given.
    """

    stamp: Side | None
    length: np.timedelta64 | None
    mixed: bool
    timezone: str | None


def close_times(stamps: Sequence[Stamps], symbols: NDArray[np.str_], clock: quorate.Calendar, how: Timing) -> Times:
    """Return the UTC close stamp of every bar, files in the order given.

    Daily and longer bars (all stamps are dates, or most sessions hold one bar) close with their
    session, whatever their time of day; the dates themselves are the sessions, or else the dates at
    the exchange. Intraday bars keep their stamps, their symbol's length later if those are their open.

    Raises
    ------
    DataError
        If symbols have bars of different lengths and may not, if weekly or monthly bars are stamped with their first
        day but said to be stamped at the close, if stamps contradict the market's hours or an option has no use.
    """
    utc = np.concatenate([s.utc for s in stamps])
    if how.stamp is None and all(s.begins for s in stamps):
        how = replace(how, stamp="open")
    dates = np.concatenate([np.full(len(s.utc), s.at_midnight) for s in stamps])
    local = np.concatenate([(s.wall.astype("datetime64[D]") if s.at_midnight else s.local) for s in stamps])
    names, code = np.unique(symbols, return_inverse=True)
    daily = _daily(code, local, utc, dates)
    steps = np.where(daily, _median_steps(code, local), _common_steps(code, utc))
    _check_lengths(names, daily, steps, how)
    inside = ~daily[code]
    _check_options(stamps, bool(inside.any()), bool(dates.all()), how)
    closed = np.empty(len(utc), dtype="datetime64[us]")
    if not inside.all():
        eve = _on_the_eve(code, local) & ~dates & ~inside & (clock.sessions_per_year < 300)
        if eve.any() and how.stamp is None and (how.timezone is not None or all(s.naive for s in stamps)):
            raise quorate.DataError(
                f"{names[code[eve][0]]} has daily bars {EVE}; if it is the midnight of another zone, set data.timezone "
                'to that one; a market that trades from Sunday to Thursday has data.calendar = "24x7"'
            )
        if eve.any() and how.stamp == "open":
            local = np.where(eve, local + np.timedelta64(1, "D"), local)
        else:
            _check_dates(stamps, utc, dates, inside, clock, how, eve)
        closed[~inside] = clock.close_times(_last_sessions(code[~inside], local[~inside], steps, how.stamp or "close"))
    if inside.any():
        _check_zone(stamps, utc[inside], steps[~daily], clock, how)
        stamp = _side(utc[inside], steps[~daily], clock, how.stamp)
        closed[inside] = utc[inside] + (_lengths(code[inside], steps, how) if stamp == "open" else np.timedelta64(0))
    return closed


def _lengths(code: Codes, steps: NDArray[np.float64], how: Timing) -> NDArray[np.timedelta64]:
    """Return the length of each intraday bar."""
    if how.length is not None:
        return np.full(len(code), how.length, dtype="timedelta64[us]")
    late = steps[code]
    if np.isnan(late).any():
        raise quorate.DataError('the length of a bar cannot be told from one bar; set data.frequency, e.g. "60min"')
    return np.rint(late * 1e6).astype(np.int64).astype("timedelta64[us]")


def _daily(code: Codes, local: Times, utc: Times, dates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which symbols have daily or longer bars."""
    bars = pd.DataFrame({"code": code, "local": local, "utc": utc}).drop_duplicates()
    a_session = bars.groupby(["code", "local"], sort=False).size().groupby("code").median().sort_index().to_numpy()
    bare = pd.Series(dates).groupby(code).all().sort_index().to_numpy(dtype=bool)
    return np.asarray(bare | (a_session == 1), dtype=bool)


def _steps(code: Codes, times: Times) -> pd.Series:
    """Return the seconds from bar to bar of each symbol, by symbol."""
    order = np.lexsort((times, code))
    steps = np.diff(times[order]) / np.timedelta64(1, "s")
    of = code[order]
    inside = (of[1:] == of[:-1]) & (steps > 0)
    return pd.Series(steps[inside], index=of[1:][inside])


def _median_steps(code: Codes, local: Times) -> NDArray[np.float64]:
    """Return the usual distance of each symbol's sessions in seconds; NaN with one bar."""
    return _by_symbol(_steps(code, local).groupby(level=0).median(), code)


def _common_steps(code: Codes, utc: Times) -> NDArray[np.float64]:
    """Return the most common step of each symbol in seconds, the shorter of two; NaN with one bar."""
    steps = _steps(code, utc)
    counted = pd.DataFrame({"code": steps.index, "step": steps.to_numpy()}).value_counts().reset_index()
    most = counted.sort_values(["code", "count", "step"], ascending=[True, False, True]).drop_duplicates("code")
    return _by_symbol(most.set_index("code")["step"], code)


def _by_symbol(found: pd.Series, code: Codes) -> NDArray[np.float64]:
    return found.reindex(np.arange(int(code.max()) + 1)).to_numpy(dtype=np.float64)


def _name(daily: bool, step: float) -> str:
    """Return a length in words."""
    if not daily:
        return f"{step / 60:g} minutes"
    days = step / DAY
    return "a day" if days < 5 else "a week" if days < 20 else "a month"


def _check_lengths(names: NDArray[np.str_], daily: NDArray[np.bool_], steps: NDArray[np.float64], how: Timing) -> None:
    """Refuse symbols whose bars have different lengths, unless that is wanted."""
    if how.mixed:
        return
    found: dict[str, list[str]] = {}
    for name, of_day, step in zip(names.tolist(), daily.tolist(), steps.tolist(), strict=True):
        if not np.isnan(step):
            found.setdefault(_name(of_day, step), []).append(name)
    if len(found) > 1:
        told = "; ".join(f"{length}: {listed(symbols, 3)}" for length, symbols in found.items())
        raise quorate.DataError(
            f"the symbols have bars of different lengths ({told}): read those of one length with data.symbols, or set "
            "data.mixed = true, and each bar is known when it is over"
        )


def _on_the_eve(code: Codes, local: Times) -> NDArray[np.bool_]:
    """Return which bars are of a symbol that has some on Sundays and never on Fridays: its days begin on the eve."""
    weekday = (local.astype("datetime64[D]").astype(np.int64) + 3) % 7  # Monday is 0
    on = np.zeros((int(code.max()) + 1, 7), dtype=bool)
    on[code, weekday] = True
    return np.asarray((on[:, 6] & ~on[:, 4] & (on.sum(axis=1) >= 3))[code], dtype=bool)


def _check_options(stamps: Sequence[Stamps], intraday: bool, bare: bool, how: Timing) -> None:
    """Refuse an option that would be read by nothing."""
    naive = any(s.naive for s in stamps)
    if how.timezone is not None and bare and naive and not any(not s.naive for s in stamps):
        raise quorate.DataError(
            "data.timezone says in which zone times of day are, but these stamps are dates: leave it out"
        )
    if how.timezone is not None and intraday and not naive:
        raise quorate.DataError(
            "data.timezone says in which zone stamps are that name none, but these are intraday and name theirs: leave "
            "it out"
        )
    if how.length is not None and not intraday:
        raise quorate.DataError(
            "data.frequency is the length of an intraday bar, but these are daily or longer: leave it out"
        )


def _check_dates(
    stamps: Sequence[Stamps],
    utc: Times,
    dates: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    clock: quorate.Calendar,
    how: Timing,
    eve: NDArray[np.bool_],
) -> None:
    """Ask for the zone of daily stamps that are instants, and neither midnight nor a close at the exchange."""
    own = np.concatenate([np.full(len(s.utc), not s.naive) for s in stamps])
    asked = own & ~dates & ~inside
    if how.timezone is not None or not asked.any():
        return
    of_day = _of_day(utc[asked], clock)
    # Where no hours are known, any hour but midnight may be the open of the day or its close.
    odd = (of_day != 0) & (of_day < DAY - MIDNIGHT)
    if clock.open:
        odd &= (of_day != _seconds(clock.open)) & (of_day < _seconds(clock.close))
        odd &= utc[asked] != clock.close_times(clock.sessions(utc[asked]))  # a half day's
    if odd.any():
        first = int(odd.argmax())
        raise quorate.DataError(
            f"daily bars are stamped {utc[asked][first]} UTC, {_clock(float(of_day[first]))} in {clock.timezone}: "
            "neither midnight there nor a close; say at whose midnight they are stamped with data.timezone, e.g. "
            f'"Europe/Berlin"{f"; or, as they lie {EVE}" if eve.any() else ""}'
        )


def _of_day(utc: Times, clock: quorate.Calendar) -> NDArray[np.float64]:
    """Return the seconds of the exchange's day of each instant."""
    local = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(clock.timezone).tz_localize(None)
    return np.asarray((local - local.normalize()) / pd.Timedelta(seconds=1), dtype=np.float64)


def _seconds(text: str) -> float:
    hours, minutes = text.split(":")
    return float(hours) * 3600 + float(minutes) * 60


def _check_zone(
    stamps: Sequence[Stamps], utc: Times, steps: NDArray[np.float64], clock: quorate.Calendar, how: Timing
) -> None:
    """Ask for the zone of stamps without one that do not fit the hours of a market that has hours."""
    if not clock.open or how.timezone is not None or not all(s.naive for s in stamps):
        return
    of_day = _of_day(utc, clock)
    first, last = float(of_day.min()), float(of_day.max())
    sessions = len(np.unique(clock.sessions(utc)))
    step = float(np.nanmin(steps)) if np.isfinite(steps).any() else 0.0
    outside = first < EARLY or last > LATE
    short = sessions >= ENOUGH and (last + step < _seconds(clock.close) or first - step > _seconds(clock.open))
    if outside or short:
        raise quorate.DataError(
            f"the stamps name no zone and run from {_clock(first)} to {_clock(last)}, which are not the hours of "
            f"calendar {clock.name!r} ({clock.open} to {clock.close} in {clock.timezone}): say in which zone they "
            'are with data.timezone, e.g. "UTC", and which market it is with data.calendar'
        )


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}"


def _side(utc: Times, steps: NDArray[np.float64], clock: quorate.Calendar, given: Side | None) -> Side:
    """Return which end of a bar its stamp is: what the market's hours prove, else what is given, else the close."""
    proved: Side | None = None
    if clock.open and np.isfinite(steps).any():
        of_day, step = _of_day(utc, clock), float(np.nanmin(steps))
        first, last = float(of_day.min()), float(of_day.max())
        for begin, end in ((_seconds(clock.open), _seconds(clock.close)), (float(EARLY), float(LATE))):
            if first == begin and last < end <= last + step:
                proved = "open"
            elif last == end and begin < first <= begin + step:
                proved = "close"
    if proved and given and proved != given:
        edges = {
            "open": "begin with the open and never reach the close",
            "close": "end with the close and never begin with the open",
        }
        raise quorate.DataError(
            f"the sessions {edges[proved]} of calendar {clock.name!r}, so bars are stamped at their {proved}; "
            f"data.stamp is {given!r}: leave it out, or name the market's own data.calendar"
        )
    return proved or given or "close"


def _last_sessions(code: Codes, sessions: Times, steps: NDArray[np.float64], stamp: Side) -> Times:
    """Return the date on which each bar ends: for weekly and monthly bars not the date of their open."""
    days = np.nan_to_num(steps, nan=DAY)[code] / DAY
    weekly, monthly = (days >= 5) & (days < 20), days >= 20
    months = sessions.astype("datetime64[M]")
    if stamp == "open":
        following = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
        return np.where(weekly, sessions + np.timedelta64(6, "D"), np.where(monthly, following, sessions))
    # 1970-01-01 was a Thursday: Mondays are 4 modulo 7.
    for longer, word, first in (
        (weekly, "weekly", sessions.astype(np.int64) % 7 == 4),
        (monthly, "monthly", sessions == months.astype("datetime64[D]")),
    ):
        if longer.any() and first[longer].mean() > 0.5:
            raise quorate.DataError(
                f"{word} bars seem to be stamped with their first day, e.g. {sessions[longer][0]}, "
                'on which their close was not known; set data.stamp = "open"'
            )
    return sessions


def make_timing(stamp: Side | None, frequency: str | None, mixed: bool, timezone: str | None) -> Timing:
    """Return the options, checked; `DataError` for an unknown zone or length."""
    if timezone is not None:
        check_zone(timezone)
    return Timing(stamp, None if frequency is None else bar_length(frequency), mixed, timezone)


def bar_length(frequency: str) -> np.timedelta64:
    """Return the length of an intraday bar, e.g. of ``"5min"``, or raise `DataError`."""
    try:
        length = pd.Timedelta(frequency)
    except ValueError:
        length = pd.Timedelta(0)
    if not pd.Timedelta(0) < length < pd.Timedelta(days=1):
        raise quorate.DataError(
            f'data.frequency must be the length of an intraday bar, such as "5min" or "1h"; it was {frequency!r}'
        )
    return length.to_timedelta64()
