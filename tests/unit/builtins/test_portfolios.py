"""Strategies that choose among symbols: who is held, what each is worth, and what a missed bar or an end leaves."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

import quorate
from quorate.bars.universe import Spell, Universe
from quorate.plugins.registry import Registry
from quorate.testing import market
from quorate.trading import portfolio
from quorate.trading.attribution import attributed
from quorate.trading.backtest import backtest, fills
from quorate.trading.costs import Trading
from quorate.trading.orders import GONE
from quorate.trading.risk import Risk
from quorate.trading.strategy import Plan, desired_weights
from quorate_strategies import quorate_strategies
from quorate_strategies.portfolios import dollar_neutral, top_k

NAN = np.nan
BUILT_IN = {spec.name: spec for spec in quorate_strategies()}
COSTS = Trading(fees=0.0005, slippage=0.0002)


def held_up(score, close=None, threshold=-9.0, **options):
    score = np.array(score, dtype=float)
    close = np.ones(score.shape) if close is None else np.array(close, dtype=float)
    return top_k(score, threshold, close, GONE, np.ones(score.shape, dtype=bool), **options)


def neutral(score, close=None, threshold=0.0, categories=None, **options):
    score = np.array(score, dtype=float)
    close = np.ones(score.shape) if close is None else np.array(close, dtype=float)
    return dollar_neutral(score, threshold, close, GONE, np.ones(score.shape, dtype=bool), categories or {}, **options)


def sample(n_bars=300, n=20, seed=0, missing=0.03):
    """Scores that come and go slowly, prices, and sectors; now and then a bar is missing."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(n_bars, n))
    for t in range(1, n_bars):
        score[t] += 0.8 * score[t - 1]
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_bars, n)), axis=0))
    lost = rng.random((n_bars, n)) < missing
    score[lost], close[lost] = NAN, NAN
    sectors = np.where(lost, -1, np.broadcast_to(np.arange(n) % 4, (n_bars, n))).astype(np.int32)
    return score, close, {"sector": sectors}


# --- top-k


def test_the_best_are_held_and_leave_only_below_the_buffer():
    score = [[4, 3, 2, 1], [1, 3, 4, 2], [2, 4, 1, 3], [1, 2, 3, 4]]
    assert held_up(score, k=2).tolist() == [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5]]
    # With a buffer of one, the third place is good enough to stay, and the fourth is not.
    expected = [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0.5, 0, 0.5]]
    assert held_up(score, k=2, buffer=1).tolist() == expected
    assert held_up(score, k=0.5).tolist() == held_up(score, k=2).tolist()


def test_what_is_not_above_the_threshold_leaves_its_share_in_cash():
    assert held_up([[0.3, 0.1, -0.2, -0.4]], threshold=0.15, k=2).tolist() == [[0.5, 0, 0, 0]]
    assert held_up([[0.3, 0.2, -0.2, -0.4]], threshold=0.15, k=2, gross=0.6).tolist() == [[0.3, 0.3, 0, 0]]


def test_fewer_symbols_than_wanted_are_all_held():
    assert held_up([[0.3, NAN, 0.1, NAN]], k=3).tolist() == [[0.5, 0, 0.5, 0]]
    assert held_up([[0.2]], k=3).tolist() == [[1.0]]


def test_of_equal_scores_those_stay_that_are_held_and_where_all_are_equal_nothing_is():
    assert held_up([[1, 2, 3, 2], [2, 2, 3, 2]], k=2).tolist() == [[0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0]]
    assert held_up([[1, 2, 2, 2]], k=2).tolist() == [[0, 0.5, 0.5, 0]]  # else the first by name
    assert not held_up([[2, 2, 2, 2]], k=2).any()
    assert held_up([[2, 2]], k=2).tolist() == [[0.5, 0.5]]  # there is nothing to rank


def test_capital_is_divided_by_score_or_by_calmness():
    assert held_up([[4, 2, 1, 0, 0]], k=2, weights="score").tolist() == [[0.75, 0.25, 0, 0, 0]]  # 3 and 1 above 1
    close = 100 * np.cumprod(1 + np.array([[0.02, 0.01, 0.0]]) * np.array([[1], [-1]] * 6), axis=0)
    found = held_up(np.full((12, 3), [3, 2, 1]), close, k=3, weights="inverse-volatility", window=4)
    assert not found[:4].any()  # no window of four returns is full yet
    assert found[-1] == pytest.approx([2 / 9, 4 / 9, 0])  # what stands still has no size, and its share is cash


def test_a_missed_bar_keeps_place_and_weight_until_the_end():
    n = GONE + 6
    score, close = np.tile([3.0, 2.0, 1.0], (n, 1)), np.ones((n, 3))
    score[2:, 0], close[2:, 0] = NAN, NAN  # the first symbol ends after its second bar
    found = held_up(score, close, k=2)
    assert (found[: 1 + GONE] == [0.5, 0.5, 0]).all()
    assert (found[1 + GONE :] == [0, 0.5, 0.5]).all()  # paid out: its place is free
    score[2:, 0], close[2:, 0] = NAN, 1.0  # a bar without a forecast is no missed bar
    assert (held_up(score, close, k=2)[2:] == [0, 0.5, 0.5]).all()


# --- dollar-neutral


@pytest.mark.parametrize(
    "options",
    [
        {"k": 3},
        {"k": 0.2, "buffer": 2},
        {"k": 2, "group": "sector", "gross": 0.8},
        {"k": 1, "buffer": 1, "group": "sector", "weights": "score"},
        {"k": 4, "weights": "inverse-volatility", "window": 20},
    ],
)
def test_both_sides_are_equal_at_each_bar_and_in_each_group(options):
    score, close, sectors = sample()
    found = neutral(score, close, categories=sectors, **options)[60:]
    assert np.abs(found.sum(axis=1)).max() < 1e-12
    assert np.abs(found).sum(axis=1) == pytest.approx(np.full(240, options.get("gross", 1.0)))
    if "group" in options:
        for one in range(4):
            assert np.abs(found[:, np.arange(20) % 4 == one].sum(axis=1)).max() < 1e-12
            assert found[:, np.arange(20) % 4 == one].any(axis=1).all()


def test_the_highest_are_bought_and_the_lowest_sold():
    score = [[1, 2, 3, 4, 5, 6]]
    assert neutral(score, k=2).tolist() == [[-0.25, -0.25, 0, 0, 0.25, 0.25]]
    assert neutral(score, k=9).tolist() == [pytest.approx([-1 / 6] * 3 + [1 / 6] * 3)]  # no more than half a side
    assert neutral([[1, 2, 3, 4, 9, 9]], k=2, threshold=2.0).tolist() == [[-0.5, 0, 0, 0, 0.25, 0.25]]
    assert neutral([[1, 9, 3, 4, NAN, 5]], k=0.2, weights="score").tolist() == [[-0.5, 0.5, 0, 0, 0, 0]]


def test_an_empty_side_leaves_nothing_held():
    assert not neutral([[2, 2, 2, 2]], k=1).any()
    assert not neutral([[2, NAN, NAN, NAN]], k=1).any()
    assert not neutral([[2, 2, 2, 3]], k=1).any()  # nothing lies below the median
    assert not neutral([[1, 2, 3, 4]], k=1, threshold=2.0).any()


def test_a_group_counts_by_its_symbols_and_those_without_one_are_left_out():
    score = np.array([[1, 2, 3, 4, 9, 8, 7, 6, 5]])
    sectors = {"sector": np.array([[0, 0, 1, 1, 1, 1, 1, 1, -1]], dtype=np.int32)}
    # Of the first sector one a side, of the second two: six names, each worth as much.
    expected = [-1 / 6, 1 / 6, -1 / 6, -1 / 6, 1 / 6, 1 / 6, 0, 0, 0]
    assert neutral(score, categories=sectors, k=2, group="sector")[0] == pytest.approx(expected)


def test_the_others_make_up_for_what_misses_a_bar():
    score, close = np.array([[1.0, 2, 3, 4, 5, 6]] * 4), np.ones((4, 6))
    score[2, 5], close[2, 5] = NAN, NAN
    found = neutral(score, close, k=2, weights="score")
    assert found[2, 5] == found[1, 5] == pytest.approx(0.5 * 2.5 / 4)
    assert found[2].sum() == pytest.approx(0)
    assert np.abs(found[2]).sum() == pytest.approx(1)
    assert found[2, 4] == pytest.approx(0.5 - found[2, 5])
    # All that is left of a side misses the bar: the other side is made as large, whatever it would be.
    score[2, :3], close[2, 4] = NAN, NAN
    assert np.abs(neutral(score, close, k=2)[2]).max() == 0  # nobody can be sold short, so what misses is closed


def test_it_says_which_categories_there_are():
    with pytest.raises(quorate.RecipeError, match="no category 'sektor', they have sector: a column of a file"):
        neutral([[1, 2]], categories={"sector": np.zeros((1, 2), dtype=np.int32)}, group="sektor")
    with pytest.raises(quorate.RecipeError, match=r"k must be a whole number, or a share below 1; it was 2\.5"):
        held_up([[1, 2]], k=2.5)


@pytest.mark.parametrize("options", [{"k": 3, "buffer": 2}, {"k": 2, "buffer": 1, "group": "sector"}])
def test_the_future_changes_nothing(options):
    score, close, sectors = sample(seed=3)
    cut = {name: codes[:170] for name, codes in sectors.items()}
    whole = neutral(score, close, categories=sectors, **options)
    assert (whole[:170] == neutral(score[:170], close[:170], categories=cut, **options)).all()
    assert np.abs(np.diff(whole, axis=0)).sum() < np.abs(np.diff(neutral(score, close, k=3), axis=0)).sum()


def reference(score, close, k, buffer):
    """Who is held, one bar and symbol after the other."""
    held, out, last = set(), [], np.full(score.shape[1], -GONE)
    for t, now in enumerate(score):
        last[np.isfinite(close[t])] = t
        waits = {j for j in held if np.isnan(close[t, j]) and t - last[j] < GONE}
        live = [j for j in range(len(now)) if np.isfinite(now[j]) and np.isfinite(close[t, j])]
        order = sorted(live, key=lambda j: -now[j])
        stays = [j for j in order if j in held and sum(now[i] > now[j] for i in live) < k + buffer]
        held = waits | set((stays + [j for j in order if j not in stays])[: k - len(waits)])
        out.append([j in held for j in range(len(now))])
    return np.array(out)


@pytest.mark.parametrize("buffer", [0, 1, 4])
def test_who_is_held_is_what_the_rule_says(buffer):
    score, close, _ = sample(n_bars=150, seed=buffer, missing=0.1)
    close[80:, 3] = score[80:, 3] = NAN  # delisted
    score = np.round(score)  # with many equal ones
    assert ((held_up(score, close, k=5, buffer=buffer) > 0) == reference(score, close, 5, buffer)).all()


# --- traded


@pytest.fixture(scope="module")
def six(engine):
    return market(120, 6, seed=4)


def plan_of(bars, name="dollar-neutral", **params):
    score = np.random.default_rng(0).normal(size=bars.close.shape)
    score[:20] = NAN
    spec = BUILT_IN[name]
    defaults = {
        k: p.default for k, p in inspect.signature(spec.resolve()).parameters.items() if p.default is not p.empty
    }
    return Plan(spec, {**defaults, "k": 2, **params}, score)


def test_weights_of_a_portfolio_are_shares_of_all_the_capital(six):
    plan = plan_of(six)
    found = desired_weights(plan, [plan.default(0.0)], six)[:, :, 0]
    assert np.abs(found[20:]).sum(axis=1) == pytest.approx(np.ones(100))
    assert np.abs(found.sum(axis=1)).max() < 1e-12


def test_all_are_brought_back_to_their_shares_when_one_changes(six):
    weights = np.zeros((120, 6, 1))
    weights[10:, 0], weights[10:, 1] = 0.5, -0.5
    weights[50:, 2] = 0.25
    weights[50:, 0] = 0.25
    found = portfolio.renewed(weights)
    assert np.abs(found - weights).max() < 1e-15
    orders = fills(six, found[:, :, 0], Trading())
    assert sorted(zip(orders["bar"], orders["column"], strict=True)) == [(11, 0), (11, 1), (51, 0), (51, 1), (51, 2)]
    plain = fills(six, weights[:, :, 0], Trading())
    assert (51, 1) not in set(zip(plain["bar"], plain["column"], strict=True))


@pytest.mark.parametrize("name, net", [("dollar-neutral", 0.0), ("top-k", 1.0)])
def test_who_was_delisted_leaves_its_place_to_others(six, name, net):
    last = six.sessions[59].item()
    told = Universe((Spell(six.symbols[0], exit=last, delisted=True), *map(Spell, six.symbols[1:])))
    close = six.close.copy()
    close[60:, 0] = NAN
    bars, score = replace(six, close=close, universe=told), np.tile(np.arange(6.0)[::-1], (120, 1))
    score[60:, 0] = NAN
    plan = replace(plan_of(bars, name), score=score)
    found = desired_weights(plan, [plan.default(0.0)], bars)[:, :, 0]
    assert (found[59, 0] > 0, found[60, 0]) == (True, 0.0)
    assert found.sum(axis=1) == pytest.approx(np.full(120, net))
    assert np.abs(found).sum(axis=1) == pytest.approx(np.ones(120))


def test_limits_apply_to_a_portfolio(six):
    plan = plan_of(six)
    whole = desired_weights(plan, [plan.default(0.0)], six)
    limited = Plan(plan.strategy, plan.params, plan.score, risk=Risk(max_bars=1))
    short = desired_weights(limited, [limited.default(0.0)], six)
    assert np.abs(short).sum() < np.abs(whole).sum()


def test_more_than_the_capital_is_refused(six):
    spec = quorate.StrategySpec(
        "all", lambda score, threshold: np.ones(score.shape), cross_sectional=True, portfolio=True
    )
    plan = Plan(spec, {}, np.ones(six.close.shape))
    with pytest.raises(quorate.PluginError, match=r"must add up to 1 at most; on 2015-01-05 they add up to 6"):
        desired_weights(plan, [plan.default(0.0)], six)
    with pytest.raises(quorate.PluginError, match="portfolio=True needs cross_sectional=True"):
        quorate.StrategySpec("all", lambda score, threshold: score, portfolio=True)


def test_contributions_of_symbols_add_up_to_the_equity(six):
    plan = plan_of(six, buffer=1)
    targets = desired_weights(plan, [plan.default(0.0)], six)
    [result] = backtest(six, targets, COSTS)
    found = attributed(six, targets[:, :, 0], COSTS, result.equity)
    assert found.pnl.sum(axis=1) == pytest.approx(np.diff(result.equity, prepend=COSTS.capital), abs=1e-6)
    assert found.pnl.sum(axis=0) == pytest.approx(
        result.trades.groupby("symbol")["pnl"].sum().reindex(six.symbols).to_numpy(), abs=1e-5
    )
    years = (len(six) - 1) / six.bars_per_year
    assert found.traded.sum() / result.equity.mean() / years == pytest.approx(result.turnover)


def test_they_are_declared_as_what_they_are():
    registry = Registry.load(environment=False)
    for name in ("top-k", "dollar-neutral"):
        spec = registry.get(quorate.StrategySpec, name)
        assert (spec.portfolio, spec.cross_sectional, spec.inputs) == (True, True, ("close",))
