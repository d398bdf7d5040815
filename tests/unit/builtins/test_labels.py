"""The labels beside the plain return: barriers as wide as prices move, and symbols among others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quorate_plugins.labels import meta as metas
from quorate_plugins.labels.cross_section import neutral_return, rank
from quorate_plugins.labels.returns import trade_return
from quorate_plugins.labels.volatility import scaled_return, triple_barrier

SPAN = 10


@pytest.fixture
def prices() -> np.ndarray:
    random = np.random.default_rng(0)
    return 100 * np.exp(np.cumsum(random.normal(0, 0.01, (120, 3)), axis=0))


def volatility(prices: np.ndarray, t: int, column: int) -> float:
    """Return the volatility that was known at a bar, by its definition."""
    moves = prices[1 : t + 1, column] / prices[:t, column] - 1
    weights = (1 - 2 / (SPAN + 1)) ** np.arange(len(moves))[::-1]
    return float(np.sqrt((weights * moves**2).sum() / weights.sum()))


def test_a_scaled_return_is_in_units_of_what_was_known(prices: np.ndarray) -> None:
    plain, ends = trade_return(prices, 4)
    values, scaled_ends = scaled_return(prices, 4, span=SPAN)
    for t in (SPAN, 40, 100):
        assert values[t, 1] == pytest.approx(plain[t, 1] / (2 * volatility(prices, t, 1)))
    assert (ends == scaled_ends).all()
    assert np.isnan(values[: SPAN // 2]).all()


@pytest.mark.parametrize(("up", "down"), [(1.0, 1.0), (0.5, 2.0)])
def test_the_barrier_that_is_reached_first_decides(prices: np.ndarray, up: float, down: float) -> None:
    horizon = 6
    values, ends = triple_barrier(prices, horizon, up, down, span=SPAN)
    reached = set()
    for t in range(SPAN, 120 - 1 - horizon):
        width = volatility(prices, t, 0) * np.sqrt(horizon)
        for k in range(1, horizon + 1):
            earned = prices[t + 1 + k, 0] / prices[t + 1, 0] - 1
            if earned >= up * width or earned <= -down * width or k == horizon:
                assert (values[t, 0], ends[t, 0]) == (earned > 0, t + 1 + k)
                reached.add((bool(earned > 0), k == horizon))
                break
    assert len(reached) == 4  # each barrier, and the end of time on either side


def test_what_touched_near_the_end_is_known_and_what_did_not_is_not(prices: np.ndarray) -> None:
    values, ends = triple_barrier(prices, 20, 0.2, 0.2, span=SPAN)
    late = slice(110, 119)
    known = np.isfinite(values[late])
    assert known.any()
    assert not known.all()
    assert (ends[late][known] < 120).all()


def test_a_barrier_must_lie_apart_from_the_fill(prices: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"up and down must be above 0; they were 0 and 1\.0"):
        triple_barrier(prices, 5, up=0)
    with pytest.raises(ValueError, match="span must be 2 bars or more; it was 1"):
        scaled_return(prices, 5, span=1)


def test_a_price_that_stands_still_has_no_unit() -> None:
    assert np.isnan(scaled_return(np.full((60, 1), 5.0), 2)[0]).all()


def test_symbols_are_ranked_among_those_that_have_a_return(prices: np.ndarray) -> None:
    prices[50:55, 2] = np.nan
    plain, _ = trade_return(prices, 1)
    values, _ = rank(prices, 1)
    expected = pd.DataFrame(plain).rank(axis=1)
    n = expected.notna().sum(axis=1)
    np.testing.assert_allclose(values, expected.sub(0.5).div(n, axis=0).sub(0.5).to_numpy())
    assert sorted(values[10]) == pytest.approx([-1 / 3, 0, 1 / 3])
    assert sorted(values[51, :2]) == pytest.approx([-0.25, 0.25])
    assert np.isnan(values[51, 2])


def test_a_neutral_return_adds_up_to_nothing(prices: np.ndarray) -> None:
    prices[50:55, 2] = np.nan
    values, _ = neutral_return(prices, 1)
    known = np.isfinite(values).any(axis=1)
    np.testing.assert_allclose(np.nansum(values[known], axis=1), 0, atol=1e-15)
    plain, _ = trade_return(prices, 1)
    assert values[10, 0] - values[10, 1] == pytest.approx(plain[10, 0] - plain[10, 1])


RULES = ("momentum", "reversal", "crossover", "breakout")


def test_a_primary_rule_takes_the_side_that_it_says() -> None:
    up = np.arange(1.0, 41.0)[:, None]
    both = np.hstack([up, up[::-1]])
    for primary, first, rising in (("momentum", 8, 1), ("reversal", 3, -1), ("crossover", 7, 1), ("breakout", 7, 1)):
        found = metas.side(both, primary, 3, 8)
        assert not found[:first].any()
        assert (found[first:] == [rising, -rising]).all()


def test_a_breakout_holds_until_the_other_one() -> None:
    prices = np.array([5.0, 4, 5, 6, 5.5, 5.4, 3, 4, 4.5])[:, None]
    assert metas.side(prices, "breakout", 1, 3).ravel().tolist() == [0, 0, 1, 1, 1, -1, -1, -1, 1]


@pytest.mark.parametrize("primary", RULES)
def test_a_primary_rule_reads_prices_up_to_its_bar_and_takes_no_side_without_one(
    prices: np.ndarray, primary: str
) -> None:
    prices[50, 1] = np.nan
    whole = metas.side(prices, primary, 4, 9)
    assert whole[50, 1] == 0.0
    assert set(np.unique(whole)) == {-1.0, 0.0, 1.0}
    for known in (30, 51, 100):
        assert (metas.side(prices[:known], primary, 4, 9) == whole[:known]).all()


def test_a_meta_label_says_whether_the_side_paid(prices: np.ndarray) -> None:
    plain, plain_ends = trade_return(prices, 4)
    values, ends = metas.meta(prices, 4, "momentum", slow=9, above=0.001)
    sides = metas.side(prices, "momentum", slow=9)
    known = (sides != 0) & np.isfinite(plain)
    assert (values[known] == (sides * plain > 0.001)[known]).all()
    assert np.isnan(values[~known]).all()
    assert (ends == plain_ends).all()


def test_its_barriers_lie_with_the_side_and_against_it(prices: np.ndarray) -> None:
    long, long_ends = triple_barrier(prices, 6, 1.0, 2.0, SPAN)
    short, short_ends = triple_barrier(prices, 6, 2.0, 1.0, SPAN)
    values, ends = metas.meta(prices, 6, "momentum", slow=9, up=1.0, down=2.0, span=SPAN)
    sides = metas.side(prices, "momentum", slow=9)
    for taken, own, own_ends in ((1, long, long_ends), (-1, 1 - short, short_ends)):
        here = (sides == taken) & np.isfinite(own)
        assert here.sum() > 40
        assert (values[here] == own[here]).all()
        assert (ends[here] == own_ends[here]).all()


@pytest.mark.parametrize(
    ("options", "told"), [({"up": 1.0}, "both be above 0"), ({"fast": 9, "slow": 9}, "fewer bars than slow")]
)
def test_options_that_do_not_go_together_are_refused(prices: np.ndarray, options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        metas.meta(prices, 2, **options)
