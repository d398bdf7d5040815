"""The parts of a portfolio: joint closes, shares and scale by what was known, and figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.errors import DataError
from quorate.runs.portfolio_risk import EVERY, FIRST, choose, earned, figures
from quorate.runs.portfolio_series import Joint, by_refresh, by_session
from quorate.statistics import max_drawdown, sharpe, volatility


def at(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def test_daily_closes_at_other_hours_are_joint_by_their_session_when_the_last_is_known() -> None:
    shares = at("2024-01-05T21:00", "2024-01-08T21:00", "2024-01-09T21:00")
    coins = at("2024-01-06T00:00", "2024-01-07T00:00", "2024-01-08T00:00", "2024-01-09T00:00", "2024-01-10T00:00")
    known, (first, second) = by_session([shares, coins])
    assert known.tolist() == at("2024-01-06", "2024-01-09", "2024-01-10").tolist()
    assert first.tolist() == [0, 1, 2]
    assert second.tolist() == [0, 3, 4]  # Saturday and Sunday are in the return of Monday


def test_refresh_times_wait_until_each_has_closed_once_more() -> None:
    hourly = at(*(f"2024-01-05T{hour:02}:00" for hour in range(1, 7)))
    others = at("2024-01-05T02:30", "2024-01-05T05:00")
    known, (first, second) = by_refresh([hourly, others])
    assert known.tolist() == at("2024-01-05T02:30", "2024-01-05T05:00").tolist()
    assert first.tolist() == [1, 4]
    assert second.tolist() == [0, 1]


CLOSES = st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True).map(
    lambda hours: np.datetime64("2024-01-01", "us") + np.array(sorted(hours)) * np.timedelta64(1, "h")
)


@settings(max_examples=30)
@given(st.lists(CLOSES, min_size=1, max_size=4))
def test_no_value_is_later_than_its_joint_close_and_none_is_used_twice(times: list[np.ndarray]) -> None:
    known, places = by_refresh(times)
    again, _ = by_refresh(times[::-1])
    assert known.tolist() == again.tolist()
    for own, place in zip(times, places, strict=True):
        assert (own[place] <= known).all()
        assert (np.diff(place) > 0).all()
        later = own[np.minimum(place + 1, len(own) - 1)]
        assert ((later > known) | (place + 1 == len(own))).all()  # the last that was known


@settings(max_examples=30)
@given(st.lists(CLOSES, min_size=1, max_size=4))
def test_a_session_is_joint_if_all_have_it(times: list[np.ndarray]) -> None:
    daily = [np.unique(one.astype("datetime64[D]")).astype("datetime64[us]") + np.timedelta64(20, "h") for one in times]
    known, places = by_session(daily)
    assert set(known.tolist()) == set.intersection(*(set(one.tolist()) for one in daily))
    assert all((own[place] <= known).all() for own, place in zip(daily, places, strict=True))


def series(n: int = 400, k: int = 3, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, k)) * np.linspace(0.005, 0.02, k) + 0.0003


@pytest.mark.parametrize("weights", ["equal", "inverse-vol", "risk-parity"])
def test_shares_and_scale_know_no_later_return(weights: str) -> None:
    found = series()
    changed = found.copy()
    changed[200:] = np.random.default_rng(9).standard_normal((200, 3)) * 0.05
    one, other = (choose(values, 252, weights, 0.05) for values in (found, changed))
    known = slice(one.begin, 201)  # those of return 200 are chosen before it
    assert one.shares[known].tolist() == other.shares[known].tolist()
    assert one.scale[known].tolist() == other.scale[known].tolist()
    assert one.last_scale != other.last_scale


def test_they_are_chosen_by_all_returns_before_every_so_many() -> None:
    found = series()
    chosen = choose(found, 252, "inverse-vol", None)
    assert chosen.begin == FIRST
    deviation = found[: FIRST + EVERY].std(axis=0, ddof=1)
    expected = (1 / deviation) / (1 / deviation).sum()
    assert chosen.shares[FIRST + EVERY] == pytest.approx(expected, rel=1e-12)
    assert (chosen.shares[FIRST + EVERY] == chosen.shares[FIRST + 2 * EVERY - 1]).all()
    assert chosen.scale[FIRST:].tolist() == [1.0] * (400 - FIRST)


def test_the_budget_scales_down_and_never_up() -> None:
    found = series(k=1)
    least = choose(found, 252, "equal", 0.02)
    scaled = earned(found, np.tile(least.last_shares, (400, 1)), np.full(400, least.last_scale))
    assert volatility(scaled, 252) == pytest.approx(0.02)
    assert choose(found, 252, "equal", 5.0).last_scale == 1.0


def test_nothing_is_chosen_where_there_is_nothing_to_choose() -> None:
    found = choose(series(30, 1), 252, "risk-parity", None)
    assert (found.begin, found.last_shares.tolist(), found.last_scale) == (0, [1.0], 1.0)


def test_too_little_to_choose_by_is_an_error() -> None:
    with pytest.raises(DataError, match=r"at least 64 joint returns .* there were 63: take weights 'equal'"):
        choose(series(63), 252, "inverse-vol", None)
    still = series()
    still[:, 1] = 0.0
    with pytest.raises(DataError, match="in which each ensemble traded"):
        choose(still, 252, "inverse-vol", None)
    one = series(k=1)
    with pytest.raises(DataError, match="these ensembles cancel each other"):
        choose(np.column_stack([one, -one]), 252, "risk-parity", None)


def joint(total: np.ndarray) -> Joint:
    days = np.datetime64("2020-01-01", "us") + np.arange(len(total) + 1) * np.timedelta64(1, "D")
    return Joint(days, total, total, 252.0, (0,) * total.shape[1])


@settings(max_examples=3)
@given(seed=st.integers(0, 50))
def test_a_portfolio_of_one_is_that_one(seed: int) -> None:
    found = series(260, 1, seed)
    told, returns = figures(joint(found), ["a@1"], choose(found, 252, "equal", None), "walk-forward")
    assert returns.tolist() == found[:, 0].tolist()
    assert told["sharpe"] == sharpe(found[:, 0], 252) == told["members"][0]["sharpe"]
    assert told["members"][0]["risk"] == pytest.approx(1)
    assert told["diversification_ratio"] == pytest.approx(1)


@pytest.mark.parametrize("weights", ["equal", "inverse-vol", "risk-parity"])
def test_of_two_copies_the_correlation_is_one_and_the_sharpe_ratio_the_same(weights: str) -> None:
    one = series(300, 1)
    both = np.column_stack([one, one])
    chosen = choose(both, 252, weights, None)
    told, _ = figures(joint(both), ["a@1", "b@1"], chosen, "walk-forward")
    pair = told["correlation"]["pairs"][0]
    assert [pair["low"], pair["correlation"], pair["high"]] == pytest.approx([1, 1, 1])
    assert told["sharpe"] == pytest.approx(sharpe(one[chosen.begin :, 0], 252), rel=1e-9)
    assert told["max_drawdown"] == pytest.approx(told["members"][1]["max_drawdown"], rel=1e-9)


def test_the_deepest_fall_names_what_each_earned_in_it() -> None:
    falls = np.array([[0.1, 0.0], [-0.2, 0.1], [-0.1, 0.0], [0.3, 0.0]])
    told, returns = figures(joint(falls), ["a@1", "b@1"], choose(falls, 252, "equal", None), "walk-forward")
    assert returns.tolist() == pytest.approx([0.05, -0.05, -0.05, 0.15])
    fall = told["deepest"]
    assert fall["depth"] == pytest.approx(max_drawdown(np.cumprod([1, *(1 + returns)])))
    assert (fall["peak"][:10], fall["trough"][:10], fall["recovered"][:10]) == (
        "2020-01-02",
        "2020-01-04",
        "2020-01-05",
    )
    assert fall["members"] == pytest.approx({"a@1": 0.8 * 0.9 - 1, "b@1": 0.1})
