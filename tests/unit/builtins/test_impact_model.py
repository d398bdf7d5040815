"""The cost model of impact: its figures by hand, what it reads of each session, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.testing.markets import market, panel, scramble
from quorate.walkforward.causality import other_future
from quorate_plugins.costs import USUAL, impact

BARS = panel(120, late=40)  # BBB comes late and misses a bar here and there


def by_hand(bars, row, column, window, coefficient=1.0):
    """Volatility over the root of the traded value, of the bars of the symbol before a row."""
    own = [k for k in np.flatnonzero(bars.present[:, column]) if k < row]
    returns = np.diff(np.log(bars.close[own, column]))[-window:]
    value = (bars.volume * bars.close)[own[-window:], column]
    return coefficient * returns.std(ddof=1) / math.sqrt(value.mean())


@pytest.mark.parametrize("row, column", [(60, 0), (60, 1), (48, 1), (119, 1), (4, 0)])
def test_it_is_volatility_over_the_root_of_what_is_traded_a_day(row, column):
    fees, half, found = impact(BARS, fees=0.001, half_spread=0.0003, coefficient=1.5, window=8)
    assert (fees, half) == (0.001, 0.0003)
    assert found[row, column] == pytest.approx(by_hand(BARS, row, column, 8, 1.5), rel=1e-9)
    assert np.isfinite(found[BARS.present]).all()


def test_in_its_first_sessions_a_symbol_has_what_is_known_of_it():
    _, _, found = impact(BARS)
    for column in (0, 1):
        first, second, third = np.flatnonzero(BARS.present[:, column])[:3]
        assert found[first, column] == 0.0
        value = (BARS.volume * BARS.close)[:, column]
        assert found[second, column] == pytest.approx(USUAL / math.sqrt(value[first]))
        assert found[third, column] == pytest.approx(USUAL / math.sqrt((value[first] + value[second]) / 2))


def intraday(days=30, per_day=7):
    rng = np.random.default_rng(0)
    sessions = pd.bdate_range("2020-01-06", periods=days)
    times = pd.DatetimeIndex([d + pd.Timedelta(hours=15 + h) for d in sessions for h in range(per_day)])
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.005, len(times))))
    volume = rng.uniform(1e4, 2e4, len(times))
    prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": volume}
    return quorate.Bars.from_frame(pd.DataFrame({"symbol": "A", "time": times.tz_localize("UTC"), **prices}))


def test_of_shorter_bars_it_reads_whole_sessions_that_are_over():
    bars = intraday()
    _, _, found = impact(bars, window=20)
    value = (bars.volume * bars.close)[:, 0].reshape(30, 7).sum(axis=1)
    last = bars.close[:, 0].reshape(30, 7)[:, -1]
    due = np.diff(np.log(last[:29]))[-20:].std(ddof=1) / math.sqrt(value[9:29].mean())
    assert found[-7:, 0] == pytest.approx(due)  # the same through the session
    assert (found[:7] == 0).all()


def test_of_weeks_volatility_and_volume_are_those_of_a_day():
    days = market(200)
    weeks = replace(days, bars_per_year=52.0, frequency="1w")
    one, other = impact(days)[2], impact(weeks)[2]
    known = slice(3, None)
    # The deviation of a week is that of a day times the root of 5; its volume five times as much: they cancel out.
    assert other[known] == pytest.approx(one[known])


@pytest.mark.parametrize("known", [1, 45, 90])
def test_no_later_bar_and_not_its_own_volume_changes_it(known):
    whole = impact(BARS)[2]
    for other in (BARS.until(known), scramble(BARS, known), other_future(BARS, known)):
        there = BARS.present[:known]
        assert (impact(other)[2][:known][there] == whole[:known][there]).all()
    volume = BARS.volume.copy(order="F")
    volume[known:] *= 100
    assert (impact(replace(BARS, volume=volume))[2][: known + 1] == whole[: known + 1]).all()


def test_symbols_without_volume_are_named():
    volume = BARS.volume.copy(order="F")
    volume[:, 1] = np.nan
    with pytest.raises(quorate.DataError, match="there is none of BBB: give bars with a volume"):
        impact(replace(BARS, volume=volume))
    late = impact(replace(BARS, volume=volume).until(20))  # BBB has no bar yet, and lacks nothing
    assert np.isfinite(late[2][:, 0]).all()


def test_where_nothing_is_traded_an_order_pays_the_most():
    volume = BARS.volume.copy(order="F")
    volume[60:, 0], volume[60:, 1] = 0.0, np.nan  # a bar without a volume is one on which nothing was traded
    found = impact(replace(BARS, volume=volume), window=5)[2]
    assert (found[70:][BARS.present[70:]] * math.sqrt(1.0) > 0.5).all()  # for an order of one unit of currency
    assert np.isfinite(found).all()


@pytest.mark.parametrize("options", [{"window": 1}, {"coefficient": -1.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(quorate.RecipeError, match=f"costs.{next(iter(options))}"):
        impact(BARS, **options)
