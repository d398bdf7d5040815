"""The calendars of some sixty exchanges, where exchange-calendars is installed: hours, sessions a year, holidays."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError

COUNTED = ("2015-01-01", "2024-12-31")  # years whose sessions are counted; fixed, so that no figure moves with the date
EXTRA = "pip install 'quorate[calendars]'"


class Hours(NamedTuple):
    """Sessions of an exchange, when each opens and closes in UTC, and whether it closes early."""

    sessions: NDArray[np.datetime64]
    opens: NDArray[np.datetime64]
    closes: NDArray[np.datetime64]
    early: NDArray[np.bool_]


def installed() -> bool:
    """Return whether exchanges' own calendars can be had."""
    return find_spec("exchange_calendars") is not None


@cache
def exchange_names() -> tuple[str, ...]:
    """Return the names of exchanges that are known, such as ``XTKS`` (their ISO 10383 codes) or ``NYSE``."""
    if not installed():
        return ()
    names: list[str] = import_module("exchange_calendars").get_calendar_names()
    return tuple(sorted(name for name in names if "/" not in name))


@cache
def hours(name: str) -> tuple[str, str, str, str, int]:
    """Return an exchange's own name, its zone, ``HH:MM`` of its open and of its latest regular close, sessions a year.

    Raises
    ------
    DataError
        For a market whose sessions end on the day after, or lie on weekends.
    """
    known = _schedule(name, *COUNTED)
    if known.open_offset not in (0, -1) or known.close_offset or known.weekmask != "1111100":
        raise DataError(
            f"calendar {name!r}: a session of this market ends on the day after, or lies on a weekend, and such a "
            'market has no calendar of its own yet; set data.calendar = "weekdays", or "24x7"'
        )
    # Hours change: the latest close is never before the real one, the earliest open never after it.
    opens, closes = ([time for _, time in times] for times in (known.open_times, known.close_times))
    years = (known.last_session - known.first_session).days / 365.25
    a_year = round(len(known.sessions) / years)
    return known.name, str(known.tz), f"{min(opens):%H:%M}", f"{max(closes):%H:%M}", a_year


@cache
def closed_days(name: str, first: str, last: str) -> NDArray[np.datetime64]:
    """Return the weekdays on which an exchange is closed, of those between two dates that its calendar knows."""
    known = _schedule(name, first, last)
    days = pd.bdate_range(known.first_session, known.last_session)
    return days.difference(known.sessions).to_numpy().astype("datetime64[D]")


def hours_of(name: str, sessions: NDArray[np.datetime64]) -> Hours | None:
    """Return the hours of an exchange in the years of some dates; None of another market, or where none is known."""
    if not len(sessions) or name not in exchange_names():
        return None
    years = sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    try:
        return _hours_in(name, int(years.min()), int(years.max()))
    except DataError:  # of years that its calendar does not reach
        return None


@cache
def _hours_in(name: str, first: int, last: int) -> Hours:
    known = _schedule(name, f"{first}-01-01", f"{last}-12-31")
    opens, closes = (
        pd.DatetimeIndex(known.schedule[side]).tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
        for side in ("open", "close")
    )
    early = np.asarray(known.sessions.isin(known.early_closes))
    return Hours(known.sessions.to_numpy().astype("datetime64[D]"), opens, closes, early)


def _schedule(name: str, first: str, last: str) -> Any:
    """Return an exchange's calendar from one date to another, or as much of it as is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library uses of pandas is for its authors
        try:
            kind = type(import_module("exchange_calendars").get_calendar(name))
            least, most = kind.bound_min(), kind.bound_max()
            start = pd.Timestamp(first) if least is None else max(pd.Timestamp(first), least)
            end = pd.Timestamp(last) if most is None else min(pd.Timestamp(last), most)
            return kind(start=start, end=end)
        except (ValueError, NotImplementedError) as e:  # the latter of some calendars with pandas 3
            raise DataError(f"calendar {name!r}: exchange-calendars does not know it from {first} to {last}") from e
