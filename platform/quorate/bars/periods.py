"""Records that are read by the period, such as hourly ones by the day: what each period's come to, and from when on.

A period ends where the market's calendar says that it does, as bars do that are made of shorter ones. What counts at a
time is made of the records that were known by then: one that comes later makes another version, known from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar
from quorate.bars.frequency import minutes_of
from quorate.bars.holidays import closed_weekdays
from quorate.errors import DataError
from quorate.statistics import Floats

AGGREGATES = ("last", "mean", "sum", "min", "max", "count")
ZERO = ("sum", "count")  # which are 0 of a period without records
LONG = ("1d", "1w", "1mo")
MINUTE = 60_000_000  # microseconds

Times = NDArray[np.datetime64]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

_OVER: dict[str, Callable[[Floats, Places], Floats]] = {
    "sum": lambda told, starts: np.add.reduceat(told, starts),
    "min": lambda told, starts: np.minimum.reduceat(told, starts),
    "max": lambda told, starts: np.maximum.reduceat(told, starts),
    "count": lambda told, starts: np.diff(np.append(starts, len(told))).astype(np.float64),
    "mean": lambda told, starts: np.add.reduceat(told, starts) / np.diff(np.append(starts, len(told))),
    "last": lambda told, starts: told[np.append(starts[1:], len(told)) - 1],
}


@dataclass(frozen=True)
class Periods:
    """How records are read by the period.

    Parameters
    ----------
    frequency : str
        As `quorate.bars.frequency.read_frequency` gives it.
    calendar : Calendar
        Of the bars, whose sessions the periods are.
    how : mapping of str to str
        What becomes of each value: one of `AGGREGATES`.
    lag : int
        Microseconds after which a period's records are taken to be there, counted from its end.
    dates : bool
        Records are of days: each is stamped with the midnight that its day ends with, and is of that day's session.
    """

    frequency: str
    calendar: Calendar
    how: Mapping[str, str]
    lag: int = 0
    dates: bool = False

    def __str__(self) -> str:
        how = ",".join(f"{name}={what}" for name, what in sorted(self.how.items()))
        return f"{self.frequency}|{self.calendar}|{self.calendar.open}|{how}|{self.lag}|{self.dates}"

    def over_at(self, times: Times) -> Times:
        """Return the end of the last period of these bars that is there at each of them; long ago where none is."""
        ends = np.unique(period_ends(self.calendar, self.frequency, times)) if len(times) else times
        place = np.searchsorted(ends, times - np.timedelta64(self.lag, "us"), side="right")
        return np.concatenate((np.array([np.iinfo(np.int64).min + 1], dtype="datetime64[us]"), ends))[place]


def period_ends(calendar: Calendar, frequency: str, times: Times, dates: bool = False) -> Times:
    """Return the end of the period that each time lies in, which is not before it but of a date.

    Days, weeks and months end with the close of their last session; what there is after a close, on a weekend or a
    holiday is of the next session. With `dates` the very midnight is of the day that it ends, though that day's session
    closed before it. Shorter periods are counted from the open, and none goes on beyond a close.
    """
    moments, back = np.unique(times, return_inverse=True)
    long, always = frequency in LONG, calendar.sessions_per_year > 300
    days = calendar.sessions(moments)
    days = days + (calendar.close_times(days) < moments)
    if long and dates:
        local = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(calendar.timezone).tz_localize(None)
        midnight = np.asarray(local == local.normalize())
        days = np.where(midnight, local.to_numpy().astype("datetime64[D]") - 1, days)
    if not always and len(days):
        days = np.busday_offset(days, 0, roll="forward", holidays=_holidays(calendar, days))
    if long:
        closing: Times = last_close(calendar, days, frequency).astype("datetime64[us]")
        return closing[back]
    closes = calendar.close_times(days).astype(np.int64)
    opened = calendar.open_times(days) if calendar.open else calendar.around_the_clock().close_times(days - 1)
    opens, step = opened.astype(np.int64), round(minutes_of(frequency) * MINUTE)
    ends = opens - (opens - moments.astype(np.int64)) // step * step
    found: Times = np.minimum(ends, closes).astype("datetime64[us]")
    return found[back]


def _holidays(calendar: Calendar, days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return the holidays of whole years, the following one among them: they are found once for all parts of bars."""
    first, last = days.min().astype("datetime64[Y]"), days.max().astype("datetime64[Y]") + 2
    try:
        return closed_weekdays(calendar, first.astype("datetime64[D]"), last.astype("datetime64[D]") - 1)
    except DataError:  # of years that its calendar does not reach
        return np.array([], dtype="datetime64[D]")


def last_close(clock: Calendar, days: NDArray[np.datetime64], frequency: str) -> Places:
    """Return when the day, week or month of each session ends, in microseconds."""
    return clock.close_times(last_days(clock, days, frequency)).astype(np.int64)


def last_days(clock: Calendar, days: NDArray[np.datetime64], frequency: str) -> NDArray[np.datetime64]:
    """Return the day on which the day, week or month of each session ends, by the calendar.

    A market that is closed on weekends ends its week on Friday, and its month on the last weekday, holiday or not;
    what there is on a weekend is of the following week.
    """
    number = days.astype("datetime64[D]").astype(np.int64)
    always = clock.sessions_per_year > 300
    weekday = (number + 3) % 7  # Monday is 0
    if frequency == "1w":
        number = number - weekday + 6 if always else number + (4 - weekday) % 7
    elif frequency == "1mo":
        counted = number if always else number + np.where(weekday > 4, 7 - weekday, 0)
        months = counted.astype("datetime64[D]").astype("datetime64[M]")
        number = (months + 1).astype("datetime64[D]").astype(np.int64) - 1
        if not always:
            number -= np.maximum((number + 3) % 7 - 4, 0)
    return number.astype("datetime64[D]")


def aggregated(
    over: Periods, code: NDArray[np.int32], time: Times, known: Times, values: Mapping[str, Floats]
) -> tuple[NDArray[np.int32], Times, Times, dict[str, Floats]]:
    """Return what records come to by the period: whose, the period's end, from when on it was known, and values.

    A period has a version when it is over, and `Periods.lag` has passed, of what is known then, if there is something;
    and another one whenever more becomes known. Of several records of one time counts the one that was known last.

    Parameters
    ----------
    over : Periods
        How.
    code, time, known, values
        As of `quorate.bars.covariates.Covariate`.

    Returns
    -------
    code, time, known, values
        The same of versions, in the order in which they were known.
    """
    if not len(time):
        return code, time, known, dict(values)
    ends = period_ends(over.calendar, over.frequency, time, over.dates)
    there = np.maximum(known, ends + np.timedelta64(over.lag, "us"))
    order = np.lexsort((known, time, ends, code))
    code, time, ends, there = code[order], time[order], ends[order], there[order]
    group = np.cumsum(np.append(False, (np.diff(code) != 0) | (np.diff(ends.astype(np.int64)) != 0))[: len(code)])
    made: list[tuple[Places, Times, dict[str, Floats]]] = []
    for rows, moments, of in _versions(group, there):
        parts, starts = np.unique(group[rows], return_index=True)
        told = {
            name: _of_groups(over.how[name], column[order][rows], time[rows], starts) for name, column in values.items()
        }
        made.append((of[parts], moments[parts], told))
    first = np.concatenate([rows for rows, _, _ in made])
    when = np.concatenate([moments for _, moments, _ in made])
    by_known = np.lexsort((code[first], ends[first], when))
    told = {name: np.concatenate([one[name] for *_, one in made])[by_known] for name in values}
    return code[first][by_known], ends[first][by_known], when[by_known], told


def _versions(group: Places, there: Times) -> Iterator[tuple[Places, Times, Places]]:
    """Yield the rows of the first, second, ... version of each group that has one; when it is known; its first row.

    The latter two are by group. Rows are sorted by group.
    """
    by_known = np.lexsort((there, group))
    new = np.append(True, np.diff(group[by_known]) != 0)[: len(group)]
    other = new | np.append(True, there[by_known][1:] != there[by_known][:-1])[: len(group)]
    count = np.cumsum(other)
    rank = np.empty(len(group), dtype=np.int64)
    starts = np.flatnonzero(new)
    rank[by_known] = count - np.repeat(count[starts], np.diff(np.append(starts, len(group))))
    most = np.maximum.reduceat(rank, starts) if len(starts) else starts
    for version in range(int(rank.max(initial=-1)) + 1):
        rows = np.flatnonzero((rank <= version) & (most >= version)[group])
        moments = np.zeros(len(starts), dtype="datetime64[us]")
        last = rows[rank[rows] == version]
        moments[group[last]] = there[last]
        yield rows, moments, starts


def _of_groups(how: str, told: Floats, time: Times, starts: Places) -> Floats:
    """Return what the values of each group come to, which has its rows from a start on, by time and when known."""
    size = np.diff(np.append(starts, len(told)))
    group = np.repeat(np.arange(len(starts)), size)
    found = np.full(len(starts), 0.0 if how in ZERO else np.nan)
    said = np.isfinite(told)
    told, time, group = told[said], time[said], group[said]
    if not len(told):
        return found
    revised = np.append((group[1:] == group[:-1]) & (time[1:] == time[:-1]), False)  # by the record after it
    told, group = told[~revised], group[~revised]
    parts, begin = np.unique(group, return_index=True)
    found[parts] = _OVER[how](told, begin)
    return found
