"""Features on bars of other frequencies, over random markets, against one that knows nothing but the bars so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.calendar import Calendar, get_calendar
from quorate.bars.resample import resample
from quorate.bars.universe import Spell, Universe
from quorate.dataset.folds import NEVER
from quorate.dataset.labels import Labels
from quorate.dataset.rows import build_dataset
from quorate.errors import DataError

MARKETS = {
    "us-equity": (get_calendar("us-equity"), "2024-03-07", (570, 960)),
    "24x7": (get_calendar("24x7"), "2024-02-27", (0, 1440)),
    "around": (Calendar("around", "America/New_York", "24:00", 365), "2024-03-08", (0, 1440)),
    "futures": (Calendar("futures", "America/Chicago", "16:00", 252, "17:00"), "2024-03-06", (0, 1440)),
}
FREQUENCIES = ("", "120min", "240min", "1d", "1w")


def change(close):
    out = np.full_like(close, np.nan)
    out[1:] = close[1:] / close[:-1] - 1
    return out


def reach(high, low):
    return high / low - 1


def rank(close):
    return np.argsort(np.argsort(np.where(np.isnan(close), np.inf, close), axis=1), axis=1).astype(float)


CHANGE = quorate.FeatureSpec("change", change, lookback=2)
REACH = quorate.FeatureSpec("reach", reach, inputs=("high", "low"))
RANK = quorate.FeatureSpec("rank", rank, cross_sectional=True)


def market(name, seed, gaps, step=30):
    """Return some days of bars of two symbols of which each lacks some."""
    clock, first, (opens, closes) = MARKETS[name]
    rng = np.random.default_rng(seed)
    days = pd.date_range(first, periods=13)
    frames = []
    for symbol in "AB":
        at = (
            days.to_numpy()[:, None] + pd.to_timedelta(np.arange(opens + step, closes + 1, step), unit="min").to_numpy()
        )
        local = pd.DatetimeIndex(at.ravel())
        if clock.sessions_per_year < 300:
            begun = local - pd.Timedelta(1, "us")
            local = local[(begun.day_of_week < 5) & (begun.hour != 16)]
        times = local.tz_localize(clock.timezone, nonexistent="NaT", ambiguous="NaT").dropna().unique()
        times = times[rng.random(len(times)) >= gaps]
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(times))))
        open = close * np.exp(rng.normal(0, 0.002, len(times)))
        prices = {"open": open, "high": np.maximum(open, close) * 1.001, "low": np.minimum(open, close), "close": close}
        frames.append(pd.DataFrame({"symbol": symbol, "time": times.tz_convert("UTC"), **prices, "volume": 1.0}))
    return quorate.Bars.from_frame(pd.concat(frames, ignore_index=True), clock)


def rows(bars, features):
    unknown = Labels(np.full(bars.close.shape, np.nan), np.full(bars.close.shape, NEVER))
    return build_dataset(bars, features, unknown)


def slowly(bars, row, column, spec):
    """Return a feature at a bar, from what is known there alone; None, where there is too little."""
    known = bars.until(row + 1)
    try:
        own = resample(known, spec.frequency).bars if spec.frequency else known
    except DataError:
        return None
    arrays = [getattr(own, name) for name in spec.inputs]
    here = own.present[:, column]
    if spec.cross_sectional:
        values = spec.resolve()(*arrays)[here, column]
    else:
        values = spec.resolve()(*(array[here, column : column + 1] for array in arrays))[:, 0]
    return np.float32(values[-1]) if len(values) >= spec.lookback else None


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(MARKETS)),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.lists(st.sampled_from(FREQUENCIES), min_size=1, max_size=3, unique=True),
)
def test_a_row_has_what_can_be_computed_from_the_bars_before_its_close(name, seed, gaps, frequencies):
    bars = market(name, seed, gaps)
    bars = replace(bars, frequency="30min")  # where half are missing most are an hour apart
    features = [spec.at(f) if f else spec for f in frequencies for spec in (CHANGE, REACH, RANK)]
    try:
        data = rows(bars, features)
    except DataError:
        return
    there = {(int(b), int(s)): x for b, s, x in zip(data.bar, data.symbol, data.X, strict=True)}
    rng = np.random.default_rng(seed)
    for row in rng.choice(len(bars), 6, replace=False):
        for column in np.flatnonzero(bars.present[row]):
            expected = [slowly(bars, int(row), int(column), spec) for spec in features]
            got = there.get((int(row), int(column)))
            assert (got is None) == (None in expected)
            if got is not None:
                np.testing.assert_array_equal(got, np.array(expected, dtype=np.float32))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(MARKETS)), st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
def test_shorter_bars_count_up_to_the_close_of_the_row(name, seed, gaps):
    short = replace(market(name, seed, gaps), frequency="30min")
    days = replace(resample(short, "1d").bars, finer=short)
    features = [CHANGE.at("source"), REACH.at("120min"), CHANGE]
    data = rows(days, features)
    for row, column, values in list(zip(data.bar, data.symbol, data.X, strict=True))[::4]:
        until = int(np.searchsorted(short.times, days.times[row], side="right"))
        known = short.until(until)
        own = known.close[known.present[:, column], column]
        assert values[0] == np.float32(own[-1] / own[-2] - 1)
        two = resample(replace(known, frequency="30min"), "120min", days.times[row]).bars
        last = np.flatnonzero(two.present[:, column])[-1]
        assert values[1] == np.float32(two.high[last, column] / two.low[last, column] - 1)


def test_what_compares_symbols_needs_its_lookback_in_the_universe_in_bars_of_its_frequency():
    universe = Universe((Spell("A"), Spell("B", dt.date(2024, 3, 1))))
    bars = replace(market("24x7", 3, 0.0), universe=universe)

    def apart(close):
        out = np.full_like(close, np.nan)
        out[2:] = close[2:] - close[:-2]  # NaN, where one did not belong two bars before
        return out

    spec = quorate.FeatureSpec("apart", apart, lookback=3, cross_sectional=True)
    for frequency, first in (("", "2024-03-01T01:30"), ("240min", "2024-03-01T12:00"), ("1d", "2024-03-04T00:00")):
        data = rows(bars, [spec.at(frequency) if frequency else spec])
        assert np.isfinite(data.X).all()
        assert bars.times[data.bar[data.symbol == 1].min()] == np.datetime64(first)


def test_a_cut_in_the_middle_of_a_longer_bar_changes_no_row_before_it():
    bars = market("us-equity", 3, 0.1)
    features = [CHANGE, *(CHANGE.at(frequency) for frequency in ("120min", "1d"))]
    whole = rows(bars, features)
    for stop in range(40, len(bars), 5):
        part = rows(bars.until(stop), features)
        n = int(np.searchsorted(whole.bar, stop))
        assert len(part) == n
        assert part.X.tobytes() == whole.X[:n].tobytes()


def test_a_cut_changes_no_row_that_reads_shorter_bars_also_where_the_last_of_a_day_is_missing():
    short = replace(market("24x7", 0, 0.3), frequency="30min")
    days = replace(resample(short, "1d").bars, finer=short)
    features = [CHANGE.at("source"), REACH.at("120min"), CHANGE.at("240min")]
    whole = rows(days, features)
    for stop in range(3, len(days)):
        part = rows(days.until(stop), features)
        assert part.X.tobytes() == whole.X[: len(part)].tobytes()
        assert len(part) == int(np.searchsorted(whole.bar, stop))
