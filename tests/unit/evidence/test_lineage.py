"""Bars of one history are related whatever their frequency, and no others are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.calendar import Calendar, get_calendar
from quorate.bars.panel import Bars
from quorate.bars.resample import resample
from quorate.errors import IntegrityError
from quorate.evidence.ledger import (
    Candidate,
    count,
    ledger_of,
    lineage_of,
    looks,
    record_candidates,
    record_opening,
    related,
    tried_so_far,
)
from quorate.evidence.ledger.verify import verify
from quorate.recipe.schema import Recipe
from quorate.runs.resampling import resampled, within_hours
from quorate.store import Home
from quorate.store.files import write_json

NEW_YORK = "America/New_York"
MARKETS = {
    "us-equity": get_calendar("us-equity"),
    "24x7": get_calendar("24x7"),
    "futures": Calendar("futures", "America/Chicago", "16:00", 252, "17:00"),
}


def walk(times: pd.DatetimeIndex, seed: int, calendar: str | Calendar, scale: float = 0.01) -> Bars:
    """Return a random walk at these times."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, scale, len(times))))
    return at(times, close, calendar)


def at(times: pd.DatetimeIndex, close: np.ndarray, calendar: str | Calendar) -> Bars:
    frame = {"symbol": "A", "time": times, **dict.fromkeys(("open", "high", "low", "close"), close)}
    return Bars.from_frame(pd.DataFrame(frame), calendar)


def daily(seed: int = 0, days: int = 900, start: str = "2001-02-14") -> Bars:
    dates = pd.bdate_range(start, periods=days) + pd.Timedelta(hours=16)
    return walk(dates.tz_localize(NEW_YORK), seed, "us-equity")


def within_days(name: str, seed: int, days: int = 260, minutes: int = 120) -> Bars:
    """Return bars within the day, of a market that has hours also before its open and after its close."""
    if name == "us-equity":
        dates = pd.bdate_range("2010-03-03", periods=days).to_numpy()[:, None]
        local = dates + pd.to_timedelta(np.arange(7.5 * 60, 20 * 60 + 1, minutes), unit="min").to_numpy()
        times = pd.DatetimeIndex(local.ravel()).tz_localize(NEW_YORK)
    else:
        times = pd.date_range("2010-03-03", periods=days * 1440 // minutes, freq=f"{minutes}min", tz="UTC")
        if name == "futures":
            times = times[times.day_of_week < 5]
    return walk(times, seed, MARKETS[name], 0.01)  # so that eleven weeks hold enough to be known by


def recipe(**data: Any) -> Recipe:
    return Recipe.model_validate({"data": data})


def as_read(bars: Bars, **data: Any) -> Bars:
    """Return what a recipe makes of a source's bars."""
    return resampled(within_hours(bars, recipe(**data).data)[0], recipe(**data))[0]


def without(bars: Bars) -> Bars:
    """Return the same bars as another source would give them, which says nothing of what they were made of."""
    return replace(bars, made_of=frozenset())


# --- other frequencies


@settings(max_examples=8, deadline=None)
@given(
    name=st.sampled_from(sorted(MARKETS)),
    seed=st.integers(0, 1000),
    frequency=st.sampled_from(["240min", "1d", "1w"]),
    first=st.integers(0, 40),
    last=st.integers(0, 40),
)
def test_bars_within_the_day_are_related_to_longer_ones_wherever_either_is_cut(name, seed, frequency, first, last):
    short = within_days(name, seed)
    longer = resample(short, frequency).bars
    cut = longer.take(first * len(longer) // 400, len(longer) - last * len(longer) // 400)
    own = lineage_of(without(cut))
    assert related(lineage_of(short), own)
    assert not related(lineage_of(within_days(name, seed + 1)), own)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), frequency=st.sampled_from(["1w", "1mo"]), first=st.integers(0, 200))
def test_days_are_related_to_weeks_and_months(seed, frequency, first):
    days = daily(seed)
    longer = resample(days.take(first, len(days)), frequency).bars
    assert related(lineage_of(days), lineage_of(longer))
    assert not related(lineage_of(daily(seed + 1)), lineage_of(longer))


def test_what_longer_bars_are_known_by_is_what_the_shorter_ones_hold():
    days, short = daily(), within_days("24x7", 0, 500)
    for frequency in ("1w", "1mo"):
        longer = resample(days, frequency).bars
        assert lineage_of(longer)
        assert lineage_of(longer) < lineage_of(days)
    made = resample(short, "1d").bars
    assert lineage_of(made) < lineage_of(short)
    assert lineage_of(resample(made, "1w").bars) == lineage_of(resample(short, "1w").bars)
    apart = lineage_of(resample(short, "240min").bars) - lineage_of(short)
    assert len(apart) <= 2 * 16  # its own, of 16 months: the days are the same


@pytest.mark.parametrize("day", range(5))
def test_weeks_may_be_stamped_with_any_of_their_days(day):
    days = daily()
    weeks = resample(days, "1w").bars
    stamps = pd.DatetimeIndex(weeks.times).tz_localize("UTC") - pd.Timedelta(days=day)
    assert related(lineage_of(days), lineage_of(at(stamps, weeks.close[:, 0], "us-equity")))


def test_prices_that_are_adjusted_for_dividends_are_related_to_those_that_are_not():
    raw = daily(days=1500)
    paid = np.cumsum(np.arange(1500) % 63 == 40) * 0.006  # once in each quarter
    adjusted = replace(raw, close=raw.close * np.exp(paid)[:, None])
    assert related(lineage_of(raw), lineage_of(adjusted))
    for one, other in ((raw, adjusted), (adjusted, raw)):
        assert related(lineage_of(one), lineage_of(resample(other, "1w").bars))


@pytest.mark.parametrize("digits", [2, 4, 6])
def test_weeks_with_rounded_prices_are_related_to_days(digits):
    days = daily(days=2500)
    weeks = resample(days, "1w").bars
    assert related(lineage_of(days), lineage_of(replace(weeks, close=np.round(weeks.close, digits))))


def test_the_calendar_does_not_matter_within_the_day():
    bars = within_days("futures", 0)
    other = Bars.from_frame(bars.to_frame(), "24x7")
    assert (bars.sessions != other.sessions).any()
    assert related(lineage_of(bars), lineage_of(other))


def test_symbols_that_move_together_are_not_related():
    rng = np.random.default_rng(0)
    days = daily(days=2000)
    common = rng.normal(0, 0.01, (2000, 1))
    closes = 100 * np.exp(np.cumsum(common + rng.normal(0, 0.0004, (2000, 25)), axis=0))  # they correlate by .998
    lineages = [lineage_of(replace(days, close=np.asfortranarray(one[:, None]))) for one in closes.T]
    assert all(lineages)
    assert len(frozenset().union(*lineages)) == sum(map(len, lineages))


# --- what a recipe makes of them


def test_hours_do_not_make_other_data():
    bars = within_days("us-equity", 0)
    kinds = [
        as_read(bars),
        as_read(bars, hours="regular"),
        as_read(bars, resample="1d"),
        as_read(bars, hours="all", resample="1d"),
        as_read(bars, hours="regular", resample="1w"),
        as_read(bars, hours="all", resample="1w"),
    ]
    for one in kinds:
        for other in kinds:
            assert related(lineage_of(one), lineage_of(other))
    assert not (kinds[2].close[:50] == kinds[3].close[:50]).any()
    assert not related(lineage_of(without(kinds[2])), lineage_of(without(kinds[3])))  # the digests know it, not they
    assert related(lineage_of(bars), lineage_of(without(kinds[2])))
    strange = as_read(within_days("us-equity", 1), hours="all", resample="1d")
    assert not any(related(lineage_of(one), lineage_of(strange)) for one in kinds)


def test_bars_that_a_recipe_leaves_as_they_are_were_made_of_none():
    bars = within_days("24x7", 0, 30)
    assert as_read(bars, hours="regular").made_of == as_read(bars, resample="2h").made_of == frozenset()
    assert as_read(bars, resample="1d").made_of == lineage_of(bars)


def test_a_home_keeps_what_bars_were_made_of(tmp_path: Path):
    home, bars = Home(tmp_path), as_read(within_days("us-equity", 0), hours="all", resample="1d")
    other = replace(bars, made_of=frozenset(["0" * 16]))
    assert other.fingerprint == bars.fingerprint
    home.keep_bars(bars)
    assert home.bars(bars.fingerprint).made_of == bars.made_of
    home.keep_bars(other)
    assert home.bars(bars.fingerprint).made_of == bars.made_of | other.made_of
    home.keep_bars(without(bars))
    assert home.bars(bars.fingerprint).made_of == bars.made_of | other.made_of
    [beside] = (path for path in home.bars_files(bars.fingerprint) if path.name.endswith(".lineage.json"))
    beside.write_text("{", encoding="utf-8")
    for ask in (lambda: home.bars(bars.fingerprint), lambda: home.keep_bars(bars)):
        with pytest.raises(IntegrityError, match="it must be a list of digests"):
            ask()


# --- in the ledger


def noise(seed: int, bars: Bars) -> Candidate:
    days = np.unique(bars.sessions[-100:]).astype("datetime64[D]").astype(np.int32)
    returns = np.random.default_rng(seed).normal(0, 0.01, len(days))
    return Candidate("ridge", "hold", "member", returns, days, 252.0)


def record(home: Home, bars: Bars, seed: int, run: str) -> None:
    record_candidates(home, bars, [noise(seed, bars)], run=run, part="development", recipe_digest=run)


def counted(home: Home, bars: Bars, until: int | None = None) -> int:
    return count(ledger_of(home), bars, "1990-01-01", "2030-01-01", until=until).n


def test_a_holdout_that_was_opened_on_days_was_seen_by_who_opens_it_on_weeks(tmp_path: Path):
    home, days = Home(tmp_path), daily()
    weeks, strange = resample(days, "1w").bars, resample(daily(1), "1w").bars
    assert record_opening(home, days, 700, run="one", recipe_digest="daily").looks == 1
    assert looks(ledger_of(home), weeks, 140) == 1
    assert record_opening(home, weeks, 140, run="two", recipe_digest="weekly").looks == 2
    assert looks(ledger_of(home), strange, 140) == 0
    assert looks(ledger_of(home), days, 700) == 2
    assert looks(ledger_of(home), days, 10, until=1) == 1


def test_a_lineage_that_an_earlier_version_stored_stays_what_its_entries_say(tmp_path: Path, monkeypatch):
    home, days = Home(tmp_path), daily()
    weeks = resample(days, "1w").bars
    quarters = lineage_of(days) - lineage_of(weeks)
    with monkeypatch.context() as earlier:
        earlier.setattr("quorate.evidence.ledger.candidates.lineage_of", lambda bars: quarters)
        record(home, days, 1, "before")
    record(home, weeks, 2, "weeks")
    assert (counted(home, days, until=1), counted(home, days, until=2)) == (1, 1)  # as it was counted then
    assert counted(home, weeks) == 1
    record(home, days, 3, "after")
    assert counted(home, days) == 3
    assert counted(home, weeks) == 2  # the entry of before says no more than it did
    assert tried_so_far(ledger_of(home), ledger_of(home).entries()) == [1, 1, 3]
    assert counted(home, days, until=2) == 1
    found = verify(home)
    assert (found.sound, found.files, found.missing) == (True, 6, 0)
    assert len(list((tmp_path / "ledger" / "data").iterdir())) == 3
    record(home, days, 4, "again")
    assert len(list((tmp_path / "ledger" / "data").iterdir())) == 3


def test_a_further_lineage_that_is_edited_is_told(tmp_path: Path, monkeypatch):
    home, days = Home(tmp_path), daily()
    with monkeypatch.context() as earlier:
        earlier.setattr("quorate.evidence.ledger.candidates.lineage_of", lambda bars: frozenset(["0" * 16]))
        record(home, days, 1, "before")
    record(home, days, 2, "after")
    [further] = (tmp_path / "ledger" / "data").glob("*-*.json")
    document = json.loads(further.read_text())
    write_json(further, {**document, "lineage": document["lineage"][1:]})
    assert [problem.where for problem in verify(home).problems] == [str(further)]
    assert counted(home, daily(5)) == 1  # of what is no longer known it may be
