"""How much capital is borne: where a Sharpe ratio falls to a level, and which orders are too large to be believed."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate import statistics
from quorate.recipe.schema import Gates
from quorate.testing.markets import market
from quorate.trading.backtest import equity_curves
from quorate.trading.costs import Trading
from quorate.walkforward.capacity import TIMES, borne, capacity_of

N, FIRST = 500, 100
CAPITALS = [1e4, 1e5, 1e6, 1e7, 1e8]


def walked(capital=1e6, daily=1e8, skill=0.02, seed=1, gate=1.0):
    """A walk-forward of one symbol, and decisions that know something of the next open to open."""
    bars = market(N, 1, seed)
    daily_volume = np.full((N, 1), daily) / bars.close
    bars = replace(bars, volume=np.asfortranarray(daily_volume))
    gains = np.zeros(N)
    gains[:-2] = bars.open[2:, 0] / bars.open[1:-1, 0] - 1
    told = gains + np.random.default_rng(seed).normal(0, skill, N)
    targets = np.where(told > 0, 1.0, 0.0)[:, None]
    trading = Trading(slippage=0.0002, capital=capital, impact=np.full((N, 1), 0.02 / math.sqrt(daily)))
    gates = Gates.model_validate({"sharpe": {"threshold": gate}} if gate else {"sharpe": False})
    walk = SimpleNamespace(bars=bars, trading=trading, recipe=SimpleNamespace(gates=gates))
    return walk, SimpleNamespace(decisions=SimpleNamespace(targets=targets), label="mean/long")


@given(st.floats(0.2, 5), st.floats(1e-6, 1), st.floats(0.01, 0.99))
def test_a_ratio_that_falls_with_the_root_of_the_capital_is_met_exactly(at_none, slope, share):
    sharpes = [at_none - slope * math.sqrt(capital) for capital in CAPITALS]
    level = share * at_none
    found = borne(CAPITALS, sharpes, at_none, level)
    due = ((at_none - level) / slope) ** 2
    if due > CAPITALS[-1] * (1 + 1e-9):
        assert found == {"capital": 1e8, "reached": "above"}
    elif due < CAPITALS[-1] * (1 - 1e-9):
        assert found["reached"] == "at"
        assert found["capital"] == pytest.approx(due, rel=1e-6)


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.floats(0.1, 4), st.floats(0.01, 3), st.floats(0.01, 3))
def test_a_lower_level_bears_no_less_capital(falls, at_none, one, other):
    low, high = sorted((one, other))
    more, less = borne(CAPITALS, falls, at_none, low), borne(CAPITALS, falls, at_none, high)
    assert (more["capital"] or 0) >= (less["capital"] or 0) * (1 - 1e-12)
    assert (less["reached"] == "never") == (high >= at_none)


def test_without_a_gain_there_is_no_capacity():
    never = {"capital": None, "reached": "never"}
    assert borne(CAPITALS, [-1.0] * 5, -0.5, -0.25) == never
    assert borne(CAPITALS, [0.5] * 5, 0.8, 1.0) == never
    assert borne(CAPITALS, [math.nan] * 5, math.nan, math.nan) == never
    assert borne(CAPITALS, [1.0, math.nan, math.nan, math.nan, math.nan], 1.2, 0.6)["capital"] == pytest.approx(1e4)


@pytest.mark.usefixtures("engine")
def test_each_capital_is_traded_as_it_is_and_an_edge_dies_of_its_size():
    walk, judged = walked()
    found = capacity_of(walk, judged, FIRST, N)
    span, trading, targets = walk.bars.take(FIRST, N), walk.trading.take(FIRST, N), judged.decisions.targets[FIRST:]
    assert [row["step"] for row in found.rows] == [1e6 * times for times in TIMES]
    for row in found.rows:
        equity = equity_curves(span, targets[:, :, None], replace(trading, capital=row["step"]))[:, 0]
        assert row["sharpe"] == statistics.sharpe(statistics.returns_of(equity), span.bars_per_year)
        assert row["cagr"] == statistics.cagr(equity, span.bars_per_year)
    sharpes = [row["sharpe"] for row in found.rows]
    assert sharpes == sorted(sharpes, reverse=True)
    assert sharpes[1] > 1
    assert sharpes[-1] < 0
    moved = [row["impact_bp"] for row in found.rows]
    assert moved == sorted(moved)
    half, gate = found.levels
    free = equity_curves(span, targets[:, :, None], replace(trading, impact=0.0))[:, 0]
    assert half["at_none"] == gate["at_none"] == statistics.sharpe(statistics.returns_of(free), span.bars_per_year)
    assert (half["sharpe"], gate["sharpe"]) == (half["at_none"] / 2, 1.0)
    assert half["reached"] == gate["reached"] == "at"
    at = equity_curves(span, targets[:, :, None], replace(trading, capital=half["capital"]))[:, 0]
    assert statistics.sharpe(statistics.returns_of(at), span.bars_per_year) == pytest.approx(half["sharpe"], rel=0.15)


@pytest.mark.usefixtures("engine")
def test_mean_impact_and_the_largest_share_are_those_of_the_orders():
    walk, judged = walked()
    judged.decisions.targets[:] = 0.0
    judged.decisions.targets[200:300] = 0.5
    found = capacity_of(walk, judged, FIRST, N)
    for row in found.rows[:2]:
        value = 0.5 * row["step"]  # bought; what is sold is worth another sum by then
        grown = walk.bars.open[301, 0] / walk.bars.open[201, 0] * value
        impacts = [0.02 * math.sqrt(v / 1e8) for v in (value, grown)]
        assert row["impact_bp"] == pytest.approx(1e4 * np.average(impacts, weights=[value, grown]), rel=1e-9)
        assert row["largest_share"] == pytest.approx(max(value, grown) / 1e8, rel=1e-9)


@pytest.mark.usefixtures("engine")
def test_orders_that_are_too_large_are_told_and_others_are_not():
    walk, judged = walked(capital=1e6)
    assert capacity_of(walk, judged, FIRST, N).warnings == []
    walk, judged = walked(capital=5e7)
    [told] = capacity_of(walk, judged, FIRST, N).warnings
    assert "of mean/long" in told
    assert "wanted more than 10% of what was traded that day (up to" in told
    assert "AAA on 20" in told
    walk, judged = walked(capital=1e6)
    volume = walk.bars.volume.copy(order="F")
    volume[::3] = 0.0
    walk.bars = replace(walk.bars, volume=volume)
    [told] = capacity_of(walk, judged, FIRST, N).warnings
    assert "were filled on a day on which nothing was traded" in told
    walk, judged = walked(capital=1e13)
    assert "paid 49.9%, the most that impact takes" in capacity_of(walk, judged, FIRST, N).warnings[0]


@pytest.mark.usefixtures("engine")
def test_where_size_costs_nothing_or_nothing_is_traded_there_is_nothing_to_tell():
    walk, judged = walked()
    walk.trading = replace(walk.trading, impact=0.0)
    assert capacity_of(walk, judged, FIRST, N).rows == []
    walk, judged = walked()
    judged.decisions.targets[:] = 0.0
    assert capacity_of(walk, judged, FIRST, N).levels == []
    walk, judged = walked(gate=None)
    assert [level["level"] for level in capacity_of(walk, judged, FIRST, N).levels] == ["half"]


@pytest.mark.usefixtures("engine")
def test_volumes_that_are_not_known_leave_the_share_open():
    walk, judged = walked()
    walk.bars = replace(walk.bars, volume=np.full_like(walk.bars.volume, np.nan))
    found = capacity_of(walk, judged, FIRST, N)
    assert all(math.isnan(row["largest_share"]) for row in found.rows)
    assert found.warnings == []
