"""When a schedule is due: by a zone's clock, as systemd reckons it."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.errors import RecipeError
from quorate.serving.times import DAYS, At, local_zone

BERLIN = "Europe/Berlin"


def _next(text: str, zone: str, after: str, count: int = 3) -> list[str]:
    found = At.parse(text, zone).after(dt.datetime.fromisoformat(after).replace(tzinfo=dt.UTC))
    return [f"{one.astimezone(dt.UTC):%m-%d %H:%M}" for one in islice(found, count)]


@pytest.mark.parametrize(
    ("text", "told", "calendar"),
    [
        ("Sat 06:00", "Sat 06:00", "Sat *-*-* 06:00:00"),
        ("saturday 06:00", "Sat 06:00", "Sat *-*-* 06:00:00"),
        ("Mon-Fri 18:30", "Mon-Fri 18:30", "Mon,Tue,Wed,Thu,Fri *-*-* 18:30:00"),
        ("Thu,Mon 07:15", "Mon,Thu 07:15", "Mon,Thu *-*-* 07:15:00"),
        ("Sat-Mon 07:15", "Mon,Sat,Sun 07:15", "Mon,Sat,Sun *-*-* 07:15:00"),
        ("06:00", "06:00", "*-*-* 06:00:00"),
        ("daily 06:00", "06:00", "*-*-* 06:00:00"),
    ],
)
def test_days_and_times(text: str, told: str, calendar: str) -> None:
    at = At.parse(text)
    assert (str(at), at.on_calendar) == (told, calendar)
    assert At.parse(str(at)) == at


@pytest.mark.parametrize("text", ["Sat", "6:00", "Sat 24:00", "Sat 06:60", "Xyz 06:00", "Mon- 06:00", "", "- 06:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"--at must be days and a time, such as 'Sat 06:00'"):
        At.parse(text)


def test_a_zone_that_is_none_is_refused_with_near_misses() -> None:
    with pytest.raises(RecipeError, match="did you mean 'Europe/Berlin'"):
        At.parse("06:00", "Europe/Berln")


def test_in_winter_and_summer_it_is_the_same_time_by_the_clock() -> None:
    assert _next("Sat 06:00", BERLIN, "2026-03-20T00:00") == ["03-21 05:00", "03-28 05:00", "04-04 04:00"]


def test_an_hour_that_comes_twice_counts_once_and_one_that_is_left_out_is_none() -> None:
    assert _next("02:30", BERLIN, "2026-10-24T12:00") == ["10-25 00:30", "10-26 01:30", "10-27 01:30"]
    assert _next("02:30", BERLIN, "2026-10-25T00:45", 1) == ["10-26 01:30"]
    assert _next("02:30", BERLIN, "2026-03-27T12:00") == ["03-28 01:30", "03-30 00:30", "03-31 00:30"]
    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert At.parse("02:30", BERLIN).left_out(moment) == dt.date(2026, 3, 29)
    assert At.parse("06:00", BERLIN).left_out(moment) is None


def test_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert str(local_zone()) == "America/New_York"
    assert _next("Sat 06:00", "", "2026-06-01T00:00", 1) == ["06-06 10:00"]


@settings(max_examples=40)
@given(
    days=st.sets(st.integers(0, 6), min_size=1),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    moment=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2029, 1, 1)),
)
def test_times_follow_one_another_on_their_days(
    days: set[int], hour: int, minute: int, zone: str, moment: dt.datetime
) -> None:
    at, begin = At(tuple(sorted(days)), hour, minute, zone), moment.replace(tzinfo=dt.UTC)
    found = list(islice(at.after(begin), 4))
    stamps = [begin.timestamp(), *(one.timestamp() for one in found)]
    assert stamps == sorted(set(stamps))
    for one in found:
        assert (one.weekday() in days, one.hour, one.minute) == (True, hour, minute)
    assert list(islice(at.after(found[0]), 3)) == found[1:]
    assert At.parse(str(at), zone) == at


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize(
    ("text", "zone", "base"),
    [
        ("02:30", BERLIN, "2026-03-27 12:00"),
        ("02:30", BERLIN, "2026-10-24 12:00"),
        ("Sat,Mon 06:00", BERLIN, "2026-03-20 00:00"),
    ],
)
def test_systemd_reckons_the_same(text: str, zone: str, base: str) -> None:
    at, begin = At.parse(text, zone), dt.datetime.fromisoformat(base).replace(tzinfo=dt.UTC)
    words = ["systemd-analyze", "calendar", f"--base-time={base} UTC", "--iterations=4", at.on_calendar]
    own = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    told = subprocess.run(words, env=own, capture_output=True, text=True, check=True).stdout
    lines = [line.partition(": ")[2].strip() for line in told.splitlines() if "(in UTC)" in line]
    lines = lines or [
        re.sub(r"^.*?: ", "", line.strip()) for line in told.splitlines() if "Next" in line or "Iter" in line
    ]
    ours = [one.astimezone(dt.UTC) for one in islice(at.after(begin), 4)]
    assert lines == [f"{DAYS[one.weekday()]} {one:%Y-%m-%d %H:%M}:00 UTC" for one in ours]
