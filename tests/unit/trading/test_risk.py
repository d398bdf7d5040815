"""Limits end positions where they say, at closes, from what is known by then; those that are off change nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.testing import market
from quorate.trading.orders import GONE
from quorate.trading.risk import Risk, average_true_range, limited, realised_volatility

NAN = math.nan


def bars_of(close, open=None, high=None, low=None):
    """Daily bars of one symbol, or of as many as there are columns; NaN where there is no bar."""
    close = np.array(close, dtype=float).reshape(len(close), -1)
    n, m = close.shape
    opens = close if open is None else np.array(open, dtype=float).reshape(n, m)
    highs = np.maximum(opens, close) if high is None else np.array(high, dtype=float).reshape(n, m)
    lows = np.minimum(opens, close) if low is None else np.array(low, dtype=float).reshape(n, m)
    frame = pd.DataFrame(
        {
            "symbol": np.tile([f"S{j}" for j in range(m)], n),
            "time": np.repeat(pd.bdate_range("2020-01-06", periods=n, tz="UTC") + pd.Timedelta(hours=21), m),
            "open": opens.ravel(),
            "high": highs.ravel(),
            "low": lows.ravel(),
            "close": close.ravel(),
        }
    )
    bars = quorate.Bars.from_frame(frame.assign(**frame.fillna(1.0)[["open", "high", "low", "close"]]))
    panels = {"open": opens, "high": highs, "low": lows, "close": close}
    return replace(bars, **{name: np.where(np.isnan(close), NAN, panel) for name, panel in panels.items()})


def apply(weights, bars, fill="open", **options):
    weights = np.array(weights, dtype=float).reshape(len(weights), -1, 1)
    return limited(weights, bars, [Risk(**options)], fill)[:, 0, 0].tolist()


# --- by hand: decided at row 0, filled at bar 1


@pytest.mark.parametrize(
    "limit, side, close, expected",
    [
        ({"stop": 0.05}, 1, [100, 100, 96, 95, 94, 99], [1, 1, 1, 0, 0, 0]),
        ({"stop": 0.05}, -1, [100, 100, 104, 105, 104, 99], [-1, -1, -1, 0, 0, 0]),
        ({"stop": 0.05}, 1, [100, 100, 150, 120, 96, 96], [1, 1, 1, 1, 1, 1]),
        ({"trailing": 0.05}, 1, [100, 100, 120, 115, 114, 130], [1, 1, 1, 1, 0, 0]),
        ({"trailing": 0.05}, -1, [100, 100, 80, 83, 84, 70], [-1, -1, -1, -1, 0, 0]),
        ({"max_bars": 2}, 1, [100, 100, 100, 100, 100, 100], [1, 1, 0, 0, 0, 0]),
        ({"max_bars": 1}, -1, [100, 100, 100, 100, 100, 100], [-1, 0, 0, 0, 0, 0]),
        ({"stop": 0.05, "max_bars": 4}, 1, [100, 100, 100, 100, 100, 90], [1, 1, 1, 1, 0, 0]),
    ],
    ids=["stop long", "stop short", "stop is from entry, not from the best", "trailing long", "trailing short",
         "two bars", "one bar", "the first limit counts"],
)  # fmt: skip
def test_a_limit_ends_a_position_at_the_close_that_reaches_it(limit, side, close, expected):
    assert apply([side] * 6, bars_of(close), **limit) == expected


@pytest.mark.parametrize("price, hit", [(90.0, True), (90.0001, False)])
def test_the_level_itself_is_reached(price, hit):
    assert apply([1] * 4, bars_of([100, 100, price, price]), stop=0.1)[2:] == ([0, 0] if hit else [1, 1])
    assert apply([-1] * 4, bars_of([100, 100, 200 - price, 200 - price]), stop=0.1)[2:] == ([0, 0] if hit else [-1, -1])


def test_the_price_of_entry_is_the_fill_after_the_decision():
    bars = bars_of([100, 110, 104, 98, 97], open=[100, 100, 110, 104, 98])
    assert apply([1] * 5, bars, fill="open", stop=0.05) == [1, 1, 1, 1, 1]  # entered at 100: out at 95
    assert apply([1] * 5, bars, fill="close", stop=0.05) == [1, 1, 0, 0, 0]  # entered at 110: out at 104.5


def test_the_bar_of_entry_can_end_the_position_at_its_close():
    bars = bars_of([100, 90, 91, 92], open=[100, 100, 90, 91])
    assert apply([1] * 4, bars, stop=0.05) == [1, 0, 0, 0]
    assert apply([1] * 4, bars, trailing=0.05) == [1, 1, 1, 1]  # the best close since entry is this one


def test_a_gap_through_the_stop_is_seen_at_the_close_after_it():
    bars = bars_of([100, 100, 80, 81, 81], open=[100, 100, 82, 79, 81])
    assert apply([1] * 5, bars, stop=0.05) == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "weights, expected",
    [
        ([1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0, 0, 0]),
        ([1, 1, 1, 1, 0, 1, 1, 1], [1, 1, 0, 0, 0, 1, 1, 1]),
        ([1, 1, 1, -1, -1, -1, -1, -1], [1, 1, 0, -1, -1, -1, -1, -1]),
        ([1, 1, -1, -1, -1, 1, 1, 1], [1, 1, -1, -1, -1, 1, 1, 1]),
        ([1, 1, 0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1, 1, 1]),
        ([1, 1, 0.5, 0.2, 0.9, 1, 1, 1], [1, 1, 0, 0, 0, 0, 0, 0]),
    ],
    ids=["stays out", "zero in between", "other side", "turned by itself", "left by itself", "still on that side"],
)
def test_after_a_stop_a_symbol_stays_out_until_its_strategy_has_let_go(weights, expected):
    assert apply(weights, bars_of([100, 100, 90, 90, 90, 90, 90, 90]), stop=0.05) == expected


def test_what_is_entered_again_has_a_new_price_of_entry():
    close = [100, 100, 90, 90, 80, 80, 77, 75]
    assert apply([1, 1, 1, 0, 1, 1, 1, 1], bars_of(close), stop=0.05) == [1, 1, 0, 0, 1, 1, 1, 0]  # 80, out at 76


def test_more_of_the_same_is_no_new_entry():
    assert apply([0.5, 0.5, 1, 1, 1], bars_of([100, 100, 120, 120, 94]), stop=0.05) == [0.5, 0.5, 1, 1, 0]


def test_missed_bars_change_nothing():
    # The order of row 0 waits for bar 2; bar 4 is missed; bars held are 2, 3 and 5.
    bars = bars_of([100, NAN, 100, 97, NAN, 94, 94], open=[100, NAN, 98, 100, NAN, 94, 94])
    weights = [1, 0, 1, 1, 0, 1, 1]
    assert apply(weights, bars, max_bars=3) == [1, 0, 1, 1, 0, 0, 0]
    assert apply(weights, bars, stop=0.04) == [1, 0, 1, 1, 0, 0, 0]  # from 98, the fill of bar 2: out at 94.08
    barred = bars_of([100, 100, 90, NAN, 90, 90])
    assert apply([1, 1, 1, 0, 1, 1], barred, stop=0.05) == [1, 1, 0, 0, 0, 0]  # no bar, no zero of its strategy


def test_a_symbol_that_has_ended_starts_anew():
    close = [100.0, 100, 90] + [NAN] * GONE + [90.0, 90, 90]
    weights = [1.0, 1, 1] + [0.0] * GONE + [1.0, 1, 1]
    two = bars_of(np.column_stack([close, np.full(len(close), 50.0)]))
    out = limited(np.column_stack([weights, weights])[:, :, None], two, [Risk(stop=0.05)], "open")[:, 0, 0]
    assert out[:3].tolist() == [1, 1, 0]
    assert out[-3:].tolist() == [1, 1, 1]  # paid out in between
    short = bars_of(np.column_stack([close[:4] + close[-3:], np.full(7, 50.0)]))
    out = limited(np.array([weights[:4] + weights[-3:]] * 2).T[:, :, None], short, [Risk(stop=0.05)], "open")[:, 0, 0]
    assert out[-3:].tolist() == [0, 0, 0]


def test_the_distance_in_true_ranges_is_that_of_the_bar_that_decided():
    close = np.full(10, 100.0)
    close[7:] = [96.5, 96.0, 95.9]
    high, low = np.maximum(close, 100) + 1, close - 1
    high[6:] += 5  # ranges that widen after the entry move no stop
    bars = bars_of(close, open=np.full(10, 96.5).clip(close, high), high=high, low=low)
    ranges = average_true_range(bars, 3)[:, 0]
    assert ranges[3:6].tolist() == [2.0, 2.0, 2.0]
    weights = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]  # entered at bar 5 for 100
    assert apply(weights, bars, atr=2.0, atr_window=3) == [0, 0, 0, 0, 1, 1, 1, 1, 0, 0]  # 100 - 2 * 2 = 96
    up = bars_of(200 - close, open=200 - bars.open[:, 0], high=200 - low, low=200 - high)
    assert apply([-w for w in weights], up, atr=2.0, atr_window=3) == [0, 0, 0, 0, -1, -1, -1, -1, 0, 0]


def test_without_a_full_window_there_is_no_position():
    bars = market(12)
    assert apply([1] * 12, bars, atr=50.0, atr_window=5) == [0] * 5 + [1] * 7
    out = np.array(apply([1] * 12, bars, volatility=9.0, volatility_window=5))
    assert out.tolist() == [0] * 5 + [1] * 7


@pytest.mark.parametrize(
    "weights, expected",
    [
        ([0.5, 0.55, 0.6, 0.65, 0.4], [0.5, 0.5, 0.6, 0.6, 0.4]),
        ([0.05, 0.0, -0.05, 0.05, 0.0], [0.05, 0.0, -0.05, 0.05, 0.0]),
        ([-0.5, -0.45, -0.39, -0.5, -0.5], [-0.5, -0.5, -0.39, -0.5, -0.5]),
    ],
    ids=["small changes add up", "in, out and round", "short"],
)
def test_a_change_smaller_than_the_band_is_not_made(weights, expected):
    assert apply(weights, bars_of([100] * 5), band=0.1) == expected


def test_weights_are_scaled_to_the_target_volatility_and_never_up():
    close = 100 * np.cumprod(1 + np.tile([0.01, -0.01], 20))
    bars = bars_of(close)
    actual = np.std([0.01, -0.01] * 10, ddof=1) * math.sqrt(252)
    np.testing.assert_allclose(realised_volatility(bars, 20)[20:, 0], actual, rtol=1e-9)
    assert np.isnan(realised_volatility(bars, 20)[:20]).all()
    out = apply([0.8] * 40, bars, volatility=actual / 2)
    np.testing.assert_allclose(out[20:], 0.4, rtol=1e-9)
    assert apply([0.8] * 40, bars, volatility=actual * 2)[20:] == [0.8] * 20
    assert apply([0.8] * 40, bars_of([100] * 40), volatility=0.1)[20:] == [0.8] * 20  # what stands still


def test_the_average_true_range_is_wilders_recursion_over_a_symbols_own_bars():
    """Wilder (1978): the plain mean first, then (n - 1) / n of the last value and 1 / n of the new range."""
    bars = with_gaps(market(60, 2, seed=3), seed=1)
    for j, found in enumerate(average_true_range(bars, 5).T):
        have = np.flatnonzero(np.isfinite(bars.close[:, j]))
        high, low, close = (getattr(bars, name)[have, j] for name in ("high", "low", "close"))
        ranges = [max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
                  for i in range(1, len(have))]  # fmt: skip
        expected, value = np.full(60, NAN), NAN
        for i, row in enumerate(have[1:]):
            value = np.mean(ranges[:5]) if i == 4 else value * 4 / 5 + ranges[i] / 5
            expected[row] = value
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_bars(n):
    bars = market(5).take(0, n)
    options = Risk(stop=0.1, trailing=0.1, atr=2, max_bars=2, band=0.1, volatility=0.1)
    assert limited(np.ones((n, 1, 1)), bars, [options], "open").tolist() == [[[0.0]]] * n


# --- any bars, any weights


def with_gaps(bars, seed):
    """Some symbols miss some bars."""
    missed = np.random.default_rng(seed).random(bars.close.shape) < 0.1
    names = ("open", "high", "low", "close", "volume")
    return replace(bars, **{name: np.where(missed, NAN, getattr(bars, name)) for name in names})


@st.composite
def cases(draw):
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    bars = with_gaps(market(80, 2, seed), seed)
    levels = draw(st.sampled_from([(-1.0, 0.0, 1.0), (0.0, 0.3, 0.35, 1.0), (-0.6, -0.5, 0.2, 0.25)]))
    stay = draw(st.sampled_from([0.0, 0.8, 0.97]))
    weights = np.empty((80, 2))
    now = rng.choice(levels, 2)
    for t in range(80):
        now = np.where(rng.random(2) < stay, now, rng.choice(levels, 2))
        weights[t] = now
    risk = Risk(
        stop=draw(st.sampled_from([0.0, 0.005, 0.02])),
        trailing=draw(st.sampled_from([0.0, 0.01, 0.03])),
        atr=draw(st.sampled_from([0.0, 0.5, 2.0])),
        atr_window=draw(st.sampled_from([1, 5])),
        max_bars=draw(st.sampled_from([0, 1, 7])),
        band=draw(st.sampled_from([0.0, 0.07, 0.5])),
        volatility=draw(st.sampled_from([0.0, 0.12, 0.3])),
        volatility_window=draw(st.sampled_from([2, 10])),
    )
    return bars, np.where(bars.present, weights, 0.0), risk, draw(st.sampled_from(["open", "close"]))


def one_by_one(weights, bars, risk, fill):
    """The same limits for one symbol, a bar at a time, as one would tell them."""
    ranges, spread = average_true_range(bars, risk.atr_window), realised_volatility(bars, risk.volatility_window)
    out = weights.copy()
    for j in range(weights.shape[1]):
        held, entry, best, bars_held, distance, pending, barred = 0.0, NAN, NAN, 0, NAN, False, 0
        for t in np.flatnonzero(bars.present[:, j]):
            price, own = bars.close[t, j], weights[t, j]
            side = int(np.sign(held))
            if held:
                if pending:
                    entry, best, bars_held, pending = bars.fill(fill)[t, j], price, 0, False
                best = max(best, price) if side > 0 else min(best, price)
                bars_held += 1
                lost = side * (entry - price) / entry
                ends = (
                    (risk.stop and lost >= risk.stop - 1e-12)
                    or (risk.trailing and side * (best - price) / best >= risk.trailing - 1e-12)
                    or (risk.atr and side * (entry - price) >= distance - 1e-9)
                    or (risk.max_bars and bars_held >= risk.max_bars)
                )
                if ends and np.sign(own) == side:
                    barred = side
            if np.sign(own) != barred:
                barred = 0
            wanted = 0.0 if barred else own
            if (risk.atr and np.isnan(ranges[t, j])) or (risk.volatility and np.isnan(spread[t, j])):
                wanted = 0.0
            if risk.volatility and wanted:
                wanted *= min(1.0, risk.volatility / spread[t, j])
            if np.sign(wanted) == side and abs(wanted - held) < risk.band - 1e-12:
                wanted = held
            if wanted and np.sign(wanted) != side:
                pending, distance = True, risk.atr * ranges[t, j]
            held = out[t, j] = wanted
    return out


@settings(max_examples=60, deadline=None)
@given(cases())
def test_all_columns_at_once_are_each_symbol_bar_by_bar(case):
    bars, weights, risk, fill = case
    out = limited(weights[:, :, None], bars, [risk], fill)[:, :, 0]
    np.testing.assert_allclose(out, one_by_one(weights, bars, risk, fill), rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(cases(), st.integers(1, 79))
def test_no_weight_changes_when_the_future_is_cut_off_or_another(case, known):
    bars, weights, risk, fill = case
    whole = limited(weights[:, :, None], bars, [risk], fill)
    part = limited(weights[:known, :, None], bars.take(0, known), [risk], fill)
    assert part.tobytes() == whole[:known].tobytes()
    later = np.arange(80)[:, None] >= known
    prices = {name: np.where(later, 1.7, 1.0) * getattr(bars, name) for name in ("open", "high", "low", "close")}
    other = limited(np.where(later, -0.5, 1.0)[:, :, None] * weights[:, :, None], replace(bars, **prices), [risk], fill)
    assert other[:known].tobytes() == whole[:known].tobytes()


@settings(max_examples=30, deadline=None)
@given(cases())
def test_limits_never_turn_or_enlarge_a_position_beyond_what_was_wanted(case):
    bars, weights, risk, fill = case
    out = limited(weights[:, :, None], bars, [risk], fill)[:, :, 0]
    assert ((np.sign(out) == np.sign(weights)) | (out == 0)).all()
    assert (np.abs(out) <= np.abs(weights) + max(risk.band, 0.0)).all()


@settings(max_examples=20, deadline=None)
@given(cases(), st.lists(st.sampled_from([Risk(), Risk(stop=0.01), Risk(max_bars=3, band=0.2), Risk(atr=1.0)]),
                         min_size=1, max_size=4))  # fmt: skip
def test_a_column_is_what_it_would_be_alone(case, others):
    bars, weights, risk, fill = case
    risks = [*others, risk, Risk()]
    together = limited(np.stack([weights] * len(risks), axis=2), bars, risks, fill)
    for k, one in enumerate(risks):
        alone = limited(weights[:, :, None], bars, [one], fill)
        assert alone[:, :, 0].tobytes() == np.ascontiguousarray(together[:, :, k]).tobytes()
    assert np.ascontiguousarray(together[:, :, -1]).tobytes() == weights.tobytes()  # without limits, to the last bit


def test_without_limits_the_weights_are_handed_back():
    weights = np.random.default_rng(0).uniform(-1, 1, (30, 2, 3))
    assert limited(weights, market(30, 2), [Risk()] * 3, "open") is weights
    assert not Risk(atr_window=3, volatility_window=9).active


def test_the_weights_given_are_left_as_they_were():
    weights = np.ones((30, 1, 1))
    weights.flags.writeable = False
    assert (limited(weights, market(30), [Risk(max_bars=3, volatility=0.01)], "open") != 1).any()
