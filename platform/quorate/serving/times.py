"""When a schedule is due: a time of day on some weekdays, in a time zone.

It is reckoned as systemd does it (checked against ``systemd-analyze calendar``): an hour that a clock goes through
twice counts the first time, and a time that it leaves out in spring is left out on that day.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from quorate.errors import RecipeError, near_misses

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WHOLE = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FORM = "must be days and a time, such as 'Sat 06:00', 'Mon-Fri 18:30', 'Mon,Thu 07:15' or, for every day, '06:00'"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class At:
    """A time of day on some weekdays.

    Parameters
    ----------
    days : tuple of int
        Weekdays, Monday being 0, sorted.
    hour, minute : int
        The time by the clock of the zone.
    zone : str
        Name of the time zone, as ``Europe/Berlin``; empty: that of this machine.
    """

    days: tuple[int, ...]
    hour: int
    minute: int
    zone: str = ""

    @classmethod
    def parse(cls, text: str, zone: str = "") -> At:
        """Return what a text such as ``Sat 06:00`` says.

        Raises
        ------
        RecipeError
            If it is none, or there is no such time zone.
        """
        days, _, time = text.strip().rpartition(" ")
        found = _TIME.fullmatch(time)
        if found is None:
            raise RecipeError(f"--at {_FORM}; it was {text!r}")
        check_zone(zone)
        return cls(_days(days.strip(), text), int(found[1]), int(found[2]), zone)

    def __str__(self) -> str:
        """Return it as it may be given: ``Sat 06:00``."""
        return f"{'' if len(self.days) == 7 else _named(self.days) + ' '}{self.hour:02}:{self.minute:02}"

    @property
    def on_calendar(self) -> str:
        """What systemd calls it."""
        days = "" if len(self.days) == 7 else ",".join(DAYS[day] for day in self.days) + " "
        return f"{days}*-*-* {self.hour:02}:{self.minute:02}:00{' ' + self.zone if self.zone else ''}"

    @property
    def tz(self) -> dt.tzinfo:
        """The time zone."""
        return ZoneInfo(self.zone) if self.zone else local_zone()

    def after(self, moment: dt.datetime) -> Iterator[dt.datetime]:
        """Yield the times after a moment, one after the other, in the zone."""
        tz = self.tz
        day = moment.astimezone(tz).date()
        while True:
            found = self._on(day, tz) if day.weekday() in self.days else None
            # Of two moments in one zone, > would compare what clocks show.
            if found is not None and found.timestamp() > moment.timestamp():
                yield found
            day += dt.timedelta(days=1)

    def left_out(self, moment: dt.datetime, days: int = 400) -> dt.date | None:
        """Return the first day within so many at which the clock leaves this time out."""
        first = moment.astimezone(self.tz).date()
        every = (first + dt.timedelta(days=n) for n in range(days))
        return next((day for day in every if day.weekday() in self.days and self._on(day, self.tz) is None), None)

    def _on(self, day: dt.date, tz: dt.tzinfo) -> dt.datetime | None:
        """Return the moment on a day; None, where the clock leaves it out."""
        found = dt.datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=tz)
        back = found.astimezone(dt.UTC).astimezone(tz)
        # Of the two times that a clock shows twice, Python takes the first one, too.
        return found if (back.hour, back.minute) == (self.hour, self.minute) else None


def check_zone(zone: str) -> None:
    """Raise `RecipeError`, if there is no time zone of that name."""
    from zoneinfo import available_timezones

    if zone and zone not in (known := available_timezones()):
        raise RecipeError(
            f"--zone must be a time zone, such as Europe/Berlin; it was {zone!r}{near_misses(zone, known)}"
        )


def local_zone() -> dt.tzinfo:
    """Return the time zone of this machine, with its rules; where that is not known, the present offset."""
    names = [os.environ.get("TZ", "").lstrip(":")]
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    names += [name] if found else []
    for one in names:
        try:
            return ZoneInfo(one)
        except (OSError, ValueError):  # no zone of that name, or none at all
            continue
    return dt.datetime.now().astimezone().tzinfo or dt.UTC


def _days(text: str, whole: str) -> tuple[int, ...]:
    if text.lower() in ("", "daily"):
        return tuple(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        begin = _day(first, whole)
        end = _day(last, whole) if dash else begin
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return tuple(sorted(found))


def _day(name: str, whole: str) -> int:
    found = [n for n, day in enumerate(_WHOLE) if len(name) > 1 and day.startswith(name.lower())]
    if not found:
        raise RecipeError(f"--at {_FORM}; {name!r} in {whole!r} is no weekday{near_misses(name, DAYS)}")
    return found[0]


def _named(days: tuple[int, ...]) -> str:
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)
