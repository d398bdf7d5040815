"""Moments at which bars were known."""

from __future__ import annotations

import datetime as dt

from quorate.store.bars.imports import Import


def as_known(imports: list[Import], moment: dt.datetime) -> list[Import]:
    """Return imports in the order in which they count at a time: the last that was known by then last.

    Of what came later the first counts most, as nothing tells what was before it.
    """
    later = [one for one in imports if one.known_at > moment]
    return [*reversed(later), *(one for one in imports if one.known_at <= moment)]


def day_of(date: dt.date) -> dt.datetime:
    """Return the first moment of a date in UTC."""
    return dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)


def end_of(moment: dt.date | dt.datetime) -> dt.datetime:
    """Return a time with a zone; of a date, its last moment in UTC."""
    if isinstance(moment, dt.datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return day_of(moment) + dt.timedelta(days=1, microseconds=-1)
