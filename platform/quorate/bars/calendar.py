"""Trading calendars: when a session closes and how many sessions make a year."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars import exchanges, us_equity
from quorate.errors import DataError, near_misses, one_of

ENOUGH = 100  # sessions, from which on they are counted
YEAR = 50  # weeks, from which on a span has seen the holidays of a year
HOLE = 11  # days without a bar, as long as a market's longest holidays: beyond, bars are missing
REST = 1  # days without a bar, beyond which they are missing where a market does not close every week
DAY = 86_400_000_000  # microseconds
TOLERANCE = 0.1  # weekdays without the holidays are 4 % more than an exchange's sessions


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name, or raise `DataError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise DataError(f"unknown time zone {name!r}: use an IANA name such as 'America/New_York' or 'UTC'") from e


@dataclass(frozen=True)
class Calendar:
    """The clock of a market.

    Parameters
    ----------
    name : str
        How reports name it.
    timezone : str
        IANA name of the exchange's time zone.
    close : str
        ``HH:MM`` of the regular close in that zone; ``24:00`` is midnight after the session.
    sessions_per_year : int
        Daily bars in a year; the base of every annualisation.
    open : str
        ``HH:MM`` of the regular open; empty, where the market has no hours that are known. Where it is not before
        the close, sessions begin on the day before, as those of futures do.
    """

    name: str
    timezone: str
    close: str
    sessions_per_year: int
    open: str = field(default="", repr=False)  # out of the fingerprint of bars, which it does not change

    def __post_init__(self) -> None:
        zone(self.timezone)

    @property
    def overnight(self) -> bool:
        """Whether sessions begin on the day before."""
        return bool(self.open) and self.open >= self.close

    def close_times(self, sessions: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the UTC close, ``datetime64[us]``, of each session date.

        That of an exchange is the one of the day, half days and earlier hours among them, as far as exchange-calendars
        knows it, and of ``us-equity`` the rules of `quorate.bars.us_equity`; else the regular close, which is never
        before the real one.
        """
        return self._times(sessions, self._at(sessions, self.close), "closes")

    def open_times(self, sessions: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the UTC open, ``datetime64[us]``, of each session date, as `close_times` does the close.

        Where the market has no hours that are known, that is a day before the close: never after the real one.
        """
        if self.open:
            regular = self._at(sessions.astype("datetime64[D]") - int(self.overnight), self.open)
        else:
            regular = self.close_times(sessions) - np.timedelta64(1, "D")
        return self._times(sessions, regular, "opens")

    def at_own_close(self, times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return UTC stamps, and in place of the regular close of a session that ended early its own."""
        days = self.sessions(times)
        return np.where(times == self._at(days, self.close), self.close_times(days), times)

    def clock_times(self, times: NDArray[np.datetime64]) -> list[str]:
        """Return what clocks of the market show at UTC times, ``HH:MM``."""
        return [f"{one:%H:%M}" for one in pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.timezone)]

    def _at(self, sessions: NDArray[np.datetime64], clock: str) -> NDArray[np.datetime64]:
        """Return a time of the day in the market's zone, on each date, in UTC."""
        hours, minutes = (int(part) for part in clock.split(":"))
        local = pd.DatetimeIndex(sessions.astype("datetime64[us]")) + pd.Timedelta(hours=hours, minutes=minutes)
        utc = local.tz_localize(self.timezone, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
        return utc.tz_localize(None).to_numpy().astype("datetime64[us]")

    def _times(
        self, sessions: NDArray[np.datetime64], regular: NDArray[np.datetime64], side: str
    ) -> NDArray[np.datetime64]:
        """Return the regular times, and of sessions that an exchange's calendar knows their own."""
        if self.open in ("", self.close):  # the latter of a clock around the clock
            return regular
        if self.name == us_equity.NAME:
            return _where_known(sessions, regular, *us_equity.half_days()) if side == "closes" else regular
        known = None if self.name in CALENDARS else exchanges.hours_of(self.name, sessions)
        return regular if known is None else _where_known(sessions, regular, known.sessions, getattr(known, side))

    def sessions(self, times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the session date, ``datetime64[D]``, of each UTC close stamp."""
        # A bar stamped exactly at midnight, or at the open of a session overnight, closed in the session before it.
        local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.timezone) - pd.Timedelta(microseconds=1)
        naive = local.tz_localize(None)
        if self.overnight:
            naive += pd.Timedelta(days=1) - pd.Timedelta(f"{self.open}:00")
        return naive.to_numpy().astype("datetime64[D]")

    def around_the_clock(self) -> Calendar:
        """Return the clock of the same market with sessions that last until the next one."""
        return replace(self, close=self.open) if self.overnight else replace(self, open="", close="24:00")


def _where_known(
    sessions: NDArray[np.datetime64],
    regular: NDArray[np.datetime64],
    days: NDArray[np.datetime64],
    own: NDArray[np.datetime64],
) -> NDArray[np.datetime64]:
    """Return the regular times of sessions, and their own of the days of which these are known."""
    place = np.minimum(np.searchsorted(days, sessions.astype("datetime64[D]")), len(days) - 1)
    return np.where(days[place] == sessions.astype("datetime64[D]"), own[place], regular)


CALENDARS: dict[str, Calendar] = {
    c.name: c
    for c in (
        Calendar("us-equity", "America/New_York", "16:00", 252, "09:30"),
        Calendar("weekdays", "UTC", "24:00", 260),
        Calendar("24x7", "UTC", "24:00", 365),
    )
}


# What people call them, without what stands between letters.
SAID = {
    "24x7": "crypto crypto247 cryptocurrency binance coinbase kraken bitcoin btc 247 7x24 24h 24hours 365 always",
    "weekdays": "forex fx 24x5 245 5x24 business businessdays workdays futures",
    "us-equity": "us usa nyse nasdaq amex stock stocks equity equities usequities usstocks spx sp500 etf etfs",
}


def get_calendar(name: str) -> Calendar:
    """Return the calendar of that name: one of three, or an exchange's, where ``quorate[calendars]`` is installed.

    Raises
    ------
    DataError
        Naming the near misses, or what to install.
    """
    if name in CALENDARS:
        return CALENDARS[name]
    known = exchanges.exchange_names()
    if name in known:
        own, timezone, opens, closes, a_year = exchanges.hours(name)
        return Calendar(own, timezone, closes, a_year, opens)
    others = (
        f', or an exchange such as "XETR" or "NYSE"; {len(known)} are known'
        if known
        else f", or, after {exchanges.EXTRA}, an exchange such as XETR"
    )
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    guess = next((calendar for calendar, said in SAID.items() if plain in said.split()), None)
    near = f"; did you mean '{guess}'?" if guess else near_misses(name, [*CALENDARS, *known])
    raise DataError(f"unknown calendar {name!r}: it must be one of {one_of(CALENDARS)}{others}{near}")


def infer_frequency(
    times: NDArray[np.datetime64], sessions: NDArray[np.datetime64], calendar: Calendar
) -> tuple[str, float]:
    """Return the bars' frequency, e.g. ``1d`` or ``60min``, and the number of bars in a year.

    Bars are daily, if most sessions hold one. Fewer than half of the sessions of a year present means weekly or monthly
    bars. Where there are clearly more or fewer sessions than the calendar says, those that there are count:
    every annualised figure would be wrong else. Bars within a session are always counted.
    """
    if len(times) < 2:
        return "1d", float(calendar.sessions_per_year)
    days, counts = np.unique(sessions, return_counts=True)
    seen = sessions_per_year(days)
    if counts.max() > 1:
        step, often = np.unique(np.diff(times).astype("timedelta64[us]"), return_counts=True)
        length = dt.timedelta(microseconds=int(step[often.argmax()].astype(np.int64)))
        return f"{length.total_seconds() / 60:g}min", _intraday_per_year(times, days, counts, calendar)
    apart = float(np.median(np.diff(sessions).astype(np.int64)))
    for limit, label, per_year in ((5.0, "1d", calendar.sessions_per_year), (20.0, "1w", 52), (80.0, "1mo", 12)):
        if apart < limit:
            return label, _per_year(per_year, seen)
    raise DataError(f"bars must be monthly or more frequent; the median distance was {apart:g} days")


def _intraday_per_year(
    times: NDArray[np.datetime64], days: NDArray[np.datetime64], counts: NDArray[np.int64], calendar: Calendar
) -> float:
    """Return how many bars a year has, counted week by week; weeks with a hole are left out.

    The weeks of a year have seen its holidays. Of fewer, a usual one counts, as often as the calendar has weeks of
    sessions; in less than two weeks, the bars of a session.
    """
    held = 7 if calendar.sessions_per_year > 300 else 5
    weeks = calendar.sessions_per_year / held
    week = np.repeat((days - days[0]).astype(np.int64) // 7, counts)
    complete = int((days[-1] - days[0]).astype(np.int64) + 1) // 7
    sound = np.ones(complete, dtype=bool)
    gaps = np.diff(times).astype("timedelta64[us]").astype(np.int64)
    longest = np.zeros(int(week[-1]) + 1, dtype=np.int64)
    np.maximum.at(longest, week[:-1], gaps)
    closes = np.median(longest) > REST * DAY
    hole = np.diff(np.repeat(days, counts)).astype(np.int64) > HOLE if closes else gaps > REST * DAY
    for k in np.flatnonzero(hole):
        sound[week[k] : week[k + 1] + 1] = False
    bars = np.bincount(week, minlength=complete)[:complete][sound]
    if len(bars) >= YEAR:
        return float(round(bars.mean() * 365.25 / 7))
    if len(bars) >= 2:
        return float(round(float(np.median(bars)) * weeks))
    if held == 7:
        steps = gaps[gaps <= HOLE * DAY]
        return float(round(calendar.sessions_per_year * DAY * len(steps) / steps.sum()))
    # The first and the last session may be cut.
    return float(round(calendar.sessions_per_year * float(np.median(counts[1:-1] if len(counts) > 2 else counts))))


def sessions_per_year(days: NDArray[np.datetime64]) -> float | None:
    """Return how many of these distinct days make a year; None, if they are too few to tell.

    Longer gaps, more than ten times the usual, are holes in the data and do not count.
    """
    gaps = np.diff(days).astype(np.int64)
    if len(gaps) < ENOUGH:
        return None
    usual = gaps[gaps <= 10 * np.median(gaps)]
    return float(365.25 * len(usual) / usual.sum())


def _per_year(expected: float, seen: float | None) -> float:
    if seen is None or abs(seen / expected - 1) <= TOLERANCE:
        return float(expected)
    return float(round(seen))


def check_weekdays(sessions: NDArray[np.datetime64], symbols: NDArray[np.str_], present: NDArray[np.bool_]) -> None:
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
