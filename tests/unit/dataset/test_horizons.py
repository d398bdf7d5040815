"""Horizons in sessions: where labels end, beside a reckoning bar by bar, and that none knows what comes after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.markets import align
from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.dataset.horizons import in_bars, longest, reach
from quorate.dataset.labels import build_labels
from quorate.plugins.registry import Registry
from quorate.plugins.specs import LabelSpec
from quorate.runs.session import open_session

DAYS = pd.bdate_range("2022-03-07", periods=9)  # the clocks of New York change within them
HOURS = [*range(10, 17), 18]  # closes of bars; that of 18:00 is after the market's


@pytest.fixture(scope="module")
def label():
    registry = Registry.load(())
    return lambda name: registry.get(LabelSpec, name)


def intraday(there, calendar="us-equity", seed=0):
    """Bars by the hour, of which `there` says by day, hour and symbol whether there is one."""
    rng, rows = np.random.default_rng(seed), []
    for s in range(len(there)):
        for d, day in enumerate(DAYS):
            for k, hour in enumerate(HOURS):
                if there[s][d][k]:
                    stamp = (day + pd.Timedelta(hours=hour)).tz_localize("America/New_York").tz_convert("UTC")
                    rows.append((f"S{s}", stamp, 100 * np.exp(rng.normal(0, 0.1))))
    frame = pd.DataFrame(rows, columns=["symbol", "time", "open"])
    frame["close"] = frame["open"] * 1.01
    return Bars.from_frame(frame.assign(high=frame["close"], low=frame["open"]), calendar)


def reckoned(bars, symbol, sessions):
    """Return, bar by bar, the return, and the bar at which it is known, of each decision; as the docs tell it."""
    days = sorted({*bars.sessions.tolist()})
    closes = {day: bars.calendar.close_times(np.array([day], "datetime64[D]"))[0] for day in days}
    over = {day: next((i for i, t in enumerate(bars.times) if t >= closes[day]), None) for day in days}
    price, found = bars.open[:, bars.symbols.index(symbol)], {}
    for t in range(len(bars) - 1):
        if np.isnan(price[t + 1]):
            continue
        target = days.index(bars.sessions[t + 1].item()) + sessions
        for day in days[target:]:
            inside = [i for i in range(len(bars)) if bars.sessions[i].item() == day and np.isfinite(price[i])]
            if inside:
                until = [i for i in inside if over[day] is not None and i <= over[day]]
                if until:
                    found[t] = price[until[-1]] / price[t + 1] - 1, over[day]
                break
    return found


cells = st.lists(
    st.lists(st.lists(st.sampled_from([True, True, True, False]), min_size=8, max_size=8), min_size=9, max_size=9),
    min_size=2,
    max_size=2,
)


@settings(max_examples=25, deadline=None)
@given(there=cells, sessions=st.integers(1, 3))
def test_labels_end_as_reckoned_bar_by_bar_and_do_not_change_by_what_comes_later(label, there, sessions):
    for d in range(len(DAYS)):
        there[0][d][2] = there[0][d][4] = True  # bars within the day, whatever else there is
    bars = intraday(there)
    horizon = f"{sessions} sessions"
    found = build_labels(bars, label("return"), horizon, "open", {})
    for column, symbol in enumerate(bars.symbols):
        expected = reckoned(bars, symbol, sessions)
        expected = {t: told for t, told in expected.items() if bars.present[t, column]}
        known = np.flatnonzero(np.isfinite(found.values[:, column])).tolist()
        assert known == sorted(expected)
        for t in known:
            assert found.values[t, column] == pytest.approx(expected[t][0], abs=1e-12)
            assert found.ends[t, column] == expected[t][1] > t
    for stop in (len(bars) // 2, len(bars) - 3):
        part = build_labels(bars.take(0, stop), label("return"), horizon, "open", {})
        assert (part.ends == np.where(found.ends[:stop] < stop, found.ends[:stop], NEVER)).all()
        same = found.ends[:stop] < stop
        assert (part.values[same] == found.values[:stop][same]).all()


def whole(symbols=1):
    return [[[True] * 7 + [False] for _ in DAYS] for _ in range(symbols)]


@pytest.mark.parametrize("name", ["direction", "triple-barrier", "scaled-return", "meta"])
def test_every_label_takes_sessions_and_of_each_length_it_is_what_bars_give(label, name):
    bars, params = intraday(whole()), {"slow": 4, "fast": 2} if name == "meta" else {}
    params |= {"span": 4} if name in ("triple-barrier", "scaled-return") else {}
    far = reach(bars, bars.open, 1)
    assert sorted(np.unique(far.bars).tolist()) == [0, *range(7, 14)]
    found = build_labels(bars, label(name), "1 session", "open", params)
    for length in range(7, 14):
        own = build_labels(bars, label(name), length, "open", params)
        here = (far.bars == length) & (own.ends != NEVER)
        assert here.any()
        assert (found.values[here] == own.values[here]).all()
        assert (found.ends[here] >= own.ends[here]).all()
    asked_often = build_labels(bars, replace(label(name), horizons=False), "1 session", "open", params)
    assert np.array_equal(asked_often.values, found.values, equal_nan=True)
    assert (asked_often.ends == found.ends).all()
    assert longest("1 session", np.arange(len(bars)), found.ends[:, 0]) == 13
    assert longest(5, np.arange(len(bars)), found.ends[:, 0]) == 5


def test_a_session_that_ends_early_is_over_when_that_is_known(label):
    there = whole()
    there[0][3] = [True] * 3 + [False] * 5  # its last bar is of 12:00, and the calendar knows nothing of it
    bars = intraday(there, calendar=quorate.get_calendar("us-equity").around_the_clock())
    found = build_labels(bars, label("return"), "1 session", "close", {})
    first = int(np.flatnonzero(bars.sessions == np.datetime64(DAYS[3].date()))[0])
    decided = int(np.flatnonzero(bars.sessions == np.datetime64(DAYS[2].date()))[0])
    assert found.values[decided, 0] == pytest.approx(bars.close[first + 2, 0] / bars.close[decided + 1, 0] - 1)
    assert found.ends[decided, 0] == first + 3  # a bar of the next session: before it, another might have come


def test_of_daily_bars_sessions_are_bars_and_of_longer_ones_they_cannot_be(label):
    frame = intraday(whole(2)).to_frame()
    daily = Bars.from_frame(frame[frame["time"].dt.tz_convert("America/New_York").dt.hour == 16])
    one, other = (build_labels(daily, label("rank"), horizon, "open", {}) for horizon in (3, "3 sessions"))
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert (one.ends == other.ends).all()
    weekly = daily.take(0, 9)
    with pytest.raises(quorate.DataError, match="3 sessions, and a bar of 1w is longer than one"):
        in_bars(type(weekly)(**{**vars_of(weekly), "frequency": "1w"}), 3)


def vars_of(bars):
    return {name: getattr(bars, name) for name in bars.__dataclass_fields__}


def test_symbols_of_several_markets_count_the_sessions_of_their_own(label):
    new_york = daily_bars("NY", "us-equity", DAYS[:8].delete([3]))  # closed on one day, on which the other trades
    coin = daily_bars("COIN", "24x7", pd.date_range(DAYS[0], DAYS[8]))
    bars = align([new_york, coin], "us-equity")
    found, told = build_labels(bars, label("return"), "1 session", "open", {}), bars.fills
    bar = build_labels(bars, label("return"), 1, "open", {})
    column = bars.symbols.index("NY")
    assert np.array_equal(found.values[:, column], bar.values[:, column], equal_nan=True)
    assert (found.ends[:, column] == bar.ends[:, column]).all()
    column = bars.symbols.index("COIN")
    for t in np.flatnonzero(np.isfinite(found.values[:, column])):
        number, end = told.session[:, column], found.ends[t, column]
        fill = next(i for i in range(t + 2, len(bars)) if number[i] >= number[t + 1] + 1)
        expected = told.price[fill, column] / told.price[t + 1, column] - 1
        assert found.values[t, column] == pytest.approx(expected)
        assert end >= fill
    kept = type(told).from_frame(told.to_frame())
    assert (kept.session == told.session).all()
    assert (kept.closing == told.closing).all()
    older = type(told).from_frame(told.to_frame().drop(columns=["session", "closing"]))
    with pytest.raises(quorate.DataError, match="kept without the sessions of each"):
        older.sessions(bars.times, bars.symbols)


def daily_bars(name, calendar, days):
    clock = quorate.get_calendar(calendar)
    times = pd.DatetimeIndex(clock.close_times(days.to_numpy())).tz_localize("UTC")
    close = 100 + np.random.default_rng(len(days)).normal(0, 1, len(days)).cumsum()
    fields = {"open": close - 0.5, "high": close + 1, "low": close - 1, "close": close}
    return Bars.from_frame(pd.DataFrame({"symbol": name, "time": times, **fields}), calendar)


def walk_of(bars, **labels):
    from quorate.walkforward.layout import prepare

    table = {
        "data": {"source": "simulated"},
        "labels": {"name": "return", **labels},
        "features": {"use": ["return_1"]},
        "models": {"ridge": {}},
        "folds": {"initial": 20, "test": 10},
        "holdout": {"bars": 0},
    }
    session = open_session(table)
    return prepare(session.recipe, session.registry, bars, [(0, len(bars))])


def test_folds_are_purged_by_the_bar_at_which_a_session_is_over_and_an_earlier_one_is_found(monkeypatch):
    bars = intraday(whole())
    walk = walk_of(bars, horizon="1 session")
    assert walk.horizon == 13  # with a fill at the first bar of a session: to the last of the next
    for fold in walk.folds:
        ends = walk.dataset.end[fold.train]
        assert (ends < fold.first).all()
        assert int(ends.max()) >= fold.first - 7  # what ended with the session before trains
    assert walk_of(bars, horizon=5).horizon == 5

    def early(bars, prices, sessions):
        far = reach(bars, prices, sessions)
        return far._replace(ends=np.maximum(far.ends - 7, np.arange(len(bars))[:, None] + 1))

    monkeypatch.setattr("quorate.dataset.labels.reach", early)  # a session earlier: while its close is not known
    with pytest.raises(quorate.QuorateError, match="the label looks past its own end"):
        walk_of(bars, horizon="1 session")
