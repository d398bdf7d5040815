"""The naive forecast: the mean of what was known, and of nothing later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate import statistics
from quorate.dataset.folds import NEVER
from quorate.runs.session import open_session
from quorate.statistics._naive import naive_forecasts
from quorate.trading.strategy import Decisions
from quorate.walkforward.layout import prepare
from quorate.walkforward.series import Series, judge_span
from quorate_data.simulated import simulated

ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 8), st.one_of(st.none(), st.floats(-1, 1))), min_size=1, max_size=50
)


def rows(drawn):
    """Return labels, ends and bars of rows, by bar; a label that is not known never ends."""
    drawn = sorted(drawn, key=lambda row: row[0])
    bars = np.array([bar for bar, _, _ in drawn])
    labels = np.array([np.nan if label is None else label for _, _, label in drawn])
    ends = np.array([NEVER if label is None else bar + reach for bar, reach, label in drawn])
    return labels, ends, bars


def test_by_hand_with_labels_of_two_bars():
    labels = np.array([1.0, 0.0, 0.0, 1.0, np.nan, np.nan])
    ends = np.array([2, 3, 4, 5, NEVER, NEVER])
    found = naive_forecasts(labels, ends, np.arange(6))
    assert found == pytest.approx([np.nan, np.nan, 1.0, 0.5, 1 / 3, 0.5], nan_ok=True)


@given(ROWS)
def test_it_is_the_mean_of_the_labels_that_had_ended(drawn):
    labels, ends, bars = rows(drawn)
    found = naive_forecasts(labels, ends, bars)
    for value, bar in zip(found, bars, strict=True):
        known = labels[ends <= bar]
        assert value == pytest.approx(known.mean() if len(known) else np.nan, abs=1e-12, nan_ok=True)


@given(ROWS, st.integers(0, 30), st.floats(-100, 100))
def test_no_later_label_enters(drawn, now, other):
    labels, ends, bars = rows(drawn)
    later = ends > now
    changed = np.where(later & np.isfinite(labels), other, labels)
    before = bars <= now
    expected = naive_forecasts(labels, ends, bars)[before]
    assert naive_forecasts(changed, ends, bars)[before].tolist() == pytest.approx(expected.tolist(), abs=0, nan_ok=True)
    # As if the rows after it, and the labels that end after it, did not exist.
    cut = np.where(later, np.nan, labels)[before]
    assert naive_forecasts(cut, ends[before], bars[before]).tolist() == pytest.approx(
        expected.tolist(), abs=0, nan_ok=True
    )


def test_without_rows_there_is_nothing():
    none = np.empty(0, dtype=np.int64)
    assert len(naive_forecasts(np.empty(0), none, none)) == 0


# --- in a walk-forward


def judged(bars, first, stop):
    """Trade half of two symbols throughout, and forecast every row."""
    recipe = {"data": {"source": "simulated"}, "folds": {"initial": 300, "test": 100}, "models": {"logistic": {}}}
    session = open_session({**recipe, "labels": {"horizon": 3}})
    walk = prepare(session.recipe, session.registry, bars, [(0, len(bars))])
    targets = np.full((len(bars), 2), 0.25)
    p = np.where(walk.dataset.bar >= first, 0.6, np.nan)
    one = Series("half", "ensemble", "hold", p, Decisions(targets, np.empty(0)))
    return walk, judge_span(walk, [one], first, stop)


def test_a_performance_knows_its_market_its_bars_and_what_was_naive():
    bars = simulated(n_bars=450, n_symbols=2, signal=0.4, seed=3)
    walk, [(_, one), (_, hold)] = judged(bars, 320, 440)
    assert np.array_equal(one.market, hold.returns)
    assert np.array_equal(hold.market, hold.returns)
    assert statistics.beta(one.returns, one.market) == pytest.approx(0.5, abs=0.02)
    assert (len(hold.naive), len(hold.forecast_bar)) == (0, 0)
    assert len(one.naive) == len(one.forecast_bar) == len(one.labels)
    assert (one.forecast_bar[0], one.forecast_bar[-1]) == (0, 119)
    assert (np.diff(one.forecast_bar) >= 0).all()
    data = walk.dataset
    for i in (0, 7, -1):
        decided = 320 + one.forecast_bar[i]
        assert one.naive[i] == pytest.approx(data.y[data.end <= decided].mean(), rel=1e-12)


def test_another_future_leaves_the_naive_forecasts_as_they_were():
    bars = simulated(n_bars=450, n_symbols=2, signal=0.4, seed=3)
    _, [(_, whole), _] = judged(bars, 320, 440)
    _, [(_, short), _] = judged(bars.take(0, 400), 320, 400)
    assert len(short.naive) < len(whole.naive)
    assert np.array_equal(whole.naive[: len(short.naive)], short.naive)
    assert np.array_equal(whole.market[: len(short.market)], short.market)
