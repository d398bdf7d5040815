"""Another time of day, and another machine, for a plugin that asks for one."""

from __future__ import annotations

import datetime
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

# Moments that differ in all that a clock tells: every day of the week, hours, months, years, odd and even.
MOMENTS = (
    "2024-02-29 03:07:11", "2025-06-15 12:40:52", "2026-11-02 23:59:01", "2031-01-01 00:00:30", "2019-08-24 17:23:45",
    "2022-12-30 08:15:06", "2027-10-12 20:34:27",
)  # fmt: skip
_WORDS = re.compile(r"""(datetime64|Timestamp|to_datetime)\(\s*(["'])(?:now|today)\2""")
_NOW = ("today", "now", "utcnow")


def said_now(text: str, moment: str) -> str:
    """Return a file's text in which ``Timestamp("now")`` and the like name a moment."""
    return _WORDS.sub(lambda found: f'{found[1]}("{moment}"', text)


@contextmanager
def clock_at(moment: str, note: Callable[[], None]) -> Iterator[None]:
    """Let Python's clocks begin at a moment and go on from there; `note` is called whenever one is read."""
    shift = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC).timestamp() - time.time()
    real = {name: getattr(time, name) for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "strftime")}

    def now() -> float:
        note()
        return float(real["time"]()) + shift

    def of(name: str) -> Callable[..., Any]:
        return lambda seconds=None: real[name](now() if seconds is None else seconds)

    made = {
        "time": now,
        "time_ns": lambda: int(now() * 1e9),
        "localtime": of("localtime"),
        "gmtime": of("gmtime"),
        "ctime": of("ctime"),
        "strftime": lambda form, t=None: real["strftime"](form, real["localtime"](now()) if t is None else t),
    }
    with ExitStack() as stack:
        for name, function in made.items():
            stack.enter_context(patch.object(time, name, function))
        for name, kind in _dates(now).items():
            stack.enter_context(patch.object(datetime, name, kind))
        if "pandas" in sys.modules:
            stamp = sys.modules["pandas"].Timestamp
            for name in _NOW:
                told = _stamp(stamp, now, name)
                stack.enter_context(patch.object(stamp, name, told))
        yield


def _stamp(stamp: Any, now: Callable[[], float], name: str) -> Any:
    real = stamp.fromtimestamp

    def told(tz: Any = None) -> Any:
        zone = datetime.UTC if name == "utcnow" else tz
        return real(now(), tz=zone) if zone else real(now())

    return told


def _dates(now: Callable[[], float]) -> dict[str, type]:
    """Return the two classes of `datetime` that know a time, with another one; those of old count as theirs."""
    date: Any = datetime.date
    moment: Any = datetime.datetime

    class OfDate(type):
        def __instancecheck__(cls, thing: Any) -> bool:
            return isinstance(thing, date)

    class OfMoment(type):
        def __instancecheck__(cls, thing: Any) -> bool:
            return isinstance(thing, moment)

    class Date(date, metaclass=OfDate):  # type: ignore[misc]
        @classmethod
        def today(cls) -> Any:
            return date.fromtimestamp(now())

    class Moment(moment, metaclass=OfMoment):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return moment.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return moment.fromtimestamp(now())

    return {"date": Date, "datetime": Moment}


@contextmanager
def machine(processors: int, name: str, text: str) -> Iterator[None]:
    """Let Python tell of another machine: its processors and name; a process number where `text` asks for it."""
    import platform
    import socket

    made: list[tuple[Any, str, Any]] = [
        (os, "cpu_count", lambda: processors),
        (os, "process_cpu_count", lambda: processors),
        (os, "sched_getaffinity", lambda pid: set(range(processors))),
        (socket, "gethostname", lambda: name),
        (platform, "node", lambda: name),
    ]
    if "getpid" in text:
        made.append((os, "getpid", lambda: 1000 + processors))
    with ExitStack() as stack:
        for module, function, other in made:
            if hasattr(module, function):
                stack.enter_context(patch.object(module, function, other))
        yield


@contextmanager
def environment(names: dict[str, str]) -> Iterator[None]:
    """Set variables, the zone of the clock among them, and put all back."""
    before = dict(os.environ)
    os.environ.update(names)
    if hasattr(time, "tzset"):
        time.tzset()
    try:
        yield
    finally:
        for key in names:
            os.environ.pop(key, None)
        os.environ.update(before)
        if hasattr(time, "tzset"):
            time.tzset()
