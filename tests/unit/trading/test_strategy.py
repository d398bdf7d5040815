"""Weights and thresholds come from the past only: from rows whose label had ended, from bars already traded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import quorate
from quorate import statistics
from quorate.dataset.folds import NEVER, Fold, walk_forward
from quorate.dataset.labels import build_labels
from quorate.dataset.rows import Dataset, build_dataset
from quorate.ensemble.asking import combiner_of
from quorate.ensemble.combine import combine_all
from quorate.ensemble.combiner import EnsembleHistory, weighted
from quorate.errors import PluginError
from quorate.plugins.specs import Span
from quorate.testing import market
from quorate.trading.backtest import equity_curves
from quorate.trading.costs import Trading
from quorate.trading.orders import GONE
from quorate.trading.portfolio import share_of_capital
from quorate.trading.strategy import Plan, ThresholdRule, decide, desired_weights, score_of, to_panel
from quorate_data.simulated import simulated
from quorate_plugins.ensemblers import quorate_ensemblers
from quorate_plugins.ensemblers.weights import mean, past_performance
from quorate_plugins.labels import quorate_labels
from quorate_strategies.threshold import long_flat, long_short

N_BARS, FIRST, TEST, HORIZON = 160, 40, 20, 3
MEMBERS = ("good", "poor")
PAST = next(spec for spec in quorate_ensemblers() if spec.name == "past-performance")
EQUAL = quorate.EnsemblerSpec("mean", mean)
LONG_FLAT = quorate.StrategySpec("long-flat", long_flat)
LONG_SHORT = quorate.StrategySpec("long-short", long_short)
RULE = ThresholdRule(grid=(0.0, 0.05, 0.1, 0.2), default=0.03, min_bars=15)
COSTS = Trading(fees=0.0005)


@dataclass(frozen=True)
class World:
    """Two simulated symbols, rows with labels, folds, and out-of-fold predictions of two members."""

    bars: quorate.Bars
    dataset: Dataset
    folds: list[Fold]
    predictions: np.ndarray

    def combine(self, spec=PAST, **params):
        return combine_all([(spec, params)], MEMBERS, self.predictions, self.dataset, self.folds, True)[0][:2]

    def decide(self, values=None, rule=RULE, spec=LONG_SHORT):
        values = self.predictions[:, 0] if values is None else values
        score = to_panel(score_of(values, True), self.dataset, self.bars)
        return decide([Plan(spec, {}, score)], self.bars, self.dataset, self.folds, rule, COSTS)[0]

    def with_other_labels(self, rows):
        y = self.dataset.y.copy()
        y[rows] = 1 - y[rows]
        return replace(self, dataset=replace(self.dataset, y=y))

    def with_other_predictions(self, rows):
        predictions = self.predictions.copy()
        predictions[rows] = 1 - predictions[rows]
        return replace(self, predictions=predictions)

    def with_other_prices_after(self, bar):
        frame = self.bars.to_frame()
        late = frame["time"].dt.tz_localize(None).to_numpy() > self.bars.times[bar]
        factor = np.exp(np.random.default_rng(bar).normal(0, 0.05, late.sum()))
        for column in ("open", "high", "low", "close"):
            frame.loc[late, column] *= factor
        return replace(self, bars=quorate.Bars.from_frame(frame))


@pytest.fixture(scope="module")
def world():
    """The first member is right more often than not, the second has no idea."""
    bars = simulated(n_bars=N_BARS, n_symbols=2)
    label = next(spec for spec in quorate_labels() if spec.name == "direction")
    close = quorate.FeatureSpec("close", lambda close: close)
    dataset = build_dataset(bars, [close], build_labels(bars, label, HORIZON, "open", {}))
    hint = np.nan_to_num(dataset.y - 0.5, nan=0.0)[:, None] * [0.2, 0.0]
    noise = np.random.default_rng(0).normal(0, 0.1, (len(dataset), 2))
    predictions = np.clip(0.5 + hint + noise, 0.01, 0.99)
    predictions[dataset.bar < FIRST] = np.nan
    return World(
        bars,
        dataset,
        walk_forward(dataset.bar, dataset.end, [Span(k, min(k + TEST, N_BARS)) for k in range(FIRST, N_BARS, TEST)]),
        predictions,
    )


def weights_of(spec, score, level, bars, params=None):
    """The desired weights of a strategy at one threshold, without limits."""
    plan = Plan(spec, params or {}, score)
    return desired_weights(plan, [plan.default(level)], bars)[:, :, 0]


def history(predictions, labels, binary=True):
    predictions = np.array(predictions, dtype=float)
    names = tuple("abcdef"[: predictions.shape[1]])
    return EnsembleHistory(names, predictions, np.array(labels, dtype=float), np.arange(len(labels)), binary)


# --- weights


def test_weights_use_no_label_that_had_not_ended(world):
    combined, weights = world.combine()
    for k, fold in enumerate(world.folds):
        changed = world.with_other_labels(world.dataset.end > fold.first)
        other_combined, other_weights = changed.combine()
        assert other_weights[: k + 1].tobytes() == weights[: k + 1].tobytes()
        until = world.dataset.bar < fold.stop
        assert other_combined[until].tobytes() == combined[until].tobytes()


def test_weights_use_every_label_that_had_ended(world):
    _, weights = world.combine()
    for k, fold in enumerate(world.folds[1:], 1):
        last = (world.dataset.end == fold.first) & (world.dataset.bar >= FIRST)
        assert last.any()
        assert (world.with_other_labels(last).combine()[1][k] != weights[k]).all()


def test_weights_use_no_later_prediction(world):
    _, weights = world.combine()
    for k, fold in enumerate(world.folds):
        later = world.with_other_predictions(world.dataset.bar >= fold.first)
        assert later.combine()[1][: k + 1].tobytes() == weights[: k + 1].tobytes()


def test_what_an_ensembler_is_shown_is_exactly_the_past(world):
    shown = []

    def look(history):
        shown.append(history)
        return np.ones(2)

    world.combine(quorate.EnsemblerSpec("look", look))
    d = world.dataset
    assert len(shown) == len(world.folds) - 1  # before the first fold there is nothing to be shown
    for fold, seen in zip(world.folds[1:], shown, strict=True):
        rows = np.flatnonzero((d.bar >= FIRST) & (d.bar + 1 + HORIZON <= fold.first))
        assert np.array_equal(seen.predictions, world.predictions[rows])
        assert np.array_equal(seen.labels, d.y[rows])
        assert np.isfinite(seen.labels).all()
        assert (seen.members, seen.binary) == (MEMBERS, True)


def test_the_first_fold_has_equal_weights_and_the_better_member_gains(world):
    _, weights = world.combine()
    assert weights[0].tolist() == [0.5, 0.5]
    assert np.allclose(weights.sum(axis=1), 1)
    assert weights[-1, 0] > 0.9


def test_the_combination_is_the_weighted_mean_of_the_fold(world):
    combined, weights = world.combine()
    for k, fold in enumerate(world.folds):
        np.testing.assert_allclose(combined[fold.test], world.predictions[fold.test] @ weights[k], rtol=1e-14)
    assert np.isnan(combined[world.dataset.bar < FIRST]).all()


def test_a_rows_combination_does_not_depend_on_the_others(world):
    rng = np.random.default_rng(0)
    predictions, weights = rng.random((50, 7)), rng.random(7)
    whole = weighted(predictions, weights)
    for n in (1, 2, 3, 49):
        assert weighted(predictions[:n], weights).tobytes() == whole[:n].tobytes()


def member_weights(spec, params, history):
    return combiner_of(spec, params, history).weights


def test_past_performance_is_the_closed_form_for_probabilities():
    p, y = [[0.8, 0.5], [0.3, 0.5], [0.6, 0.5]], [1, 0, 0]
    losses = np.array([-np.log(0.8 * 0.7 * 0.4), -np.log(0.125)])
    eta = np.sqrt(8 * np.log(2) / 3)
    for rate in (1.0, 0.3):
        expected = np.exp(-rate * eta * losses)
        got = member_weights(PAST, {"rate": rate}, history(p, y))
        np.testing.assert_allclose(got, expected / expected.sum(), rtol=1e-12)
    assert got[0] > got[1]  # the better one has more


def test_past_performance_is_the_closed_form_for_expected_returns():
    p, y = np.array([[0.02, 0.0], [-0.01, 0.0], [0.00, 0.0]]), np.array([0.03, -0.03, 0.0])
    losses = np.array([0.01**2 + 0.02**2, 2 * 0.03**2]) / (2 * 0.03**2 / 3)
    expected = np.exp(-np.sqrt(8 * np.log(2) / 3) * losses)
    got = member_weights(PAST, {}, history(p, y, binary=False))
    np.testing.assert_allclose(got, expected / expected.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    "predictions, labels, binary",
    [
        (np.tile([1.0, 0.0], (5000, 1)), np.ones(5000), True),
        (np.tile([0.0, 1.0, 9.0], (50, 1)), np.zeros(50), False),
        (np.full((5, 1), 0.5), np.ones(5), True),
    ],
    ids=["certain and always wrong", "labels that do not vary", "one member"],
)
def test_past_performance_gives_usable_weights_in_extreme_cases(predictions, labels, binary):
    weights = member_weights(PAST, {}, history(predictions, labels, binary))
    assert weights[0] == pytest.approx(1.0)
    assert weights.sum() == pytest.approx(1.0)


def test_members_that_did_alike_get_equal_weights():
    assert past_performance(history([[0.6, 0.6, 0.6]] * 9, [1] * 9)).tolist() == [1, 1, 1]
    assert member_weights(EQUAL, {}, history([[0.6, 0.1]] * 9, [1] * 9)).tolist() == [0.5, 0.5]


def test_without_history_weights_are_equal_and_the_ensembler_is_not_asked():
    spec = quorate.EnsemblerSpec("never", lambda history: 1 / 0)
    empty = EnsembleHistory(("a", "b", "c", "d"), np.empty((0, 4)), np.empty(0), np.empty(0, dtype=np.int64), True)
    assert member_weights(spec, {}, empty).tolist() == [0.25] * 4


def test_weights_are_divided_by_their_sum():
    spec = quorate.EnsemblerSpec("three-to-one", lambda history: [3, 1])
    assert member_weights(spec, {}, history([[0.5, 0.5]], [1])).tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    "answer", [[1.0], [1.0, -0.1], [0.0, 0.0], [1.0, np.nan], [np.inf, 1.0], [[1.0, 1.0]]], ids=str
)
def test_an_ensembler_that_breaks_its_contract_is_told(answer):
    spec = quorate.EnsemblerSpec("faulty", lambda history: np.array(answer))
    with pytest.raises(PluginError, match="'faulty' must give 2 finite weights, none negative and not all zero"):
        member_weights(spec, {}, history([[0.5, 0.5]], [1]))


# --- thresholds


def rule(*grid, default=0.03, min_bars=15):
    return ThresholdRule(grid, default, min_bars)


def last_known(fold):
    """The bar of the last row whose label had ended at the fold's first decision."""
    return fold.first - 1 - HORIZON


@pytest.mark.usefixtures("engine")
def test_thresholds_and_weights_use_neither_later_predictions_nor_later_prices(world):
    before = world.decide()
    assert len(set(before.thresholds)) > 2  # something is chosen
    for k, fold in enumerate(world.folds):
        later = world.with_other_predictions(world.dataset.bar >= fold.first).decide()
        assert later.thresholds[: k + 1].tobytes() == before.thresholds[: k + 1].tobytes()
        assert later.targets[: fold.first].tobytes() == before.targets[: fold.first].tobytes()
        market = world.with_other_prices_after(last_known(fold)).decide()
        assert market.thresholds[: k + 1].tobytes() == before.thresholds[: k + 1].tobytes()
        assert market.targets[: fold.stop].tobytes() == before.targets[: fold.stop].tobytes()


def test_each_fold_takes_the_threshold_that_would_have_done_best_so_far(world):
    values = world.predictions[:, 0]
    score = to_panel(score_of(values, True), world.dataset, world.bars)
    decisions = world.decide()
    span = world.bars.take(FIRST, N_BARS)
    alone = [
        equity_curves(span, weights_of(LONG_SHORT, score, level, world.bars)[FIRST:, :, None], COSTS)[:, 0]
        for level in RULE.grid
    ]
    for k, fold in enumerate(world.folds):
        n = last_known(fold) - FIRST  # returns of bars FIRST + 1 to the last known
        if n < RULE.min_bars:
            assert decisions.thresholds[k] == RULE.default
            continue
        sharpes = [statistics.sharpe((e[1:] / e[:-1] - 1)[:n], 252) for e in alone]
        assert decisions.thresholds[k] == RULE.grid[int(np.argmax(sharpes))]
        expected = weights_of(LONG_SHORT, score, decisions.thresholds[k], world.bars)
        assert np.array_equal(decisions.targets[fold.first : fold.stop], expected[fold.first : fold.stop])
    assert not decisions.targets[:FIRST].any()


@pytest.mark.parametrize("first", [0, FIRST + 30], ids=["from the first fold on", "from a later bar on"])
def test_what_every_threshold_earned_is_told(world, first):
    score = to_panel(score_of(world.predictions[:, 0], True), world.dataset, world.bars)
    plan = Plan(LONG_SHORT, {}, score)
    [decisions] = decide([plan], world.bars, world.dataset, world.folds, RULE, COSTS, first)
    assert [one.picked for one in decisions.offered] == [{"threshold": level} for level in RULE.grid]
    assert decide([plan], world.bars, world.dataset, world.folds, RULE, COSTS)[0].offered == []  # unless it is asked
    begin = max(first - FIRST, 0)
    for one in decisions.offered:
        weights = weights_of(LONG_SHORT, score, one.picked["threshold"], world.bars)[FIRST:]
        equity = equity_curves(world.bars.take(FIRST, N_BARS), weights[:, :, None], COSTS)[begin:, 0]
        assert one.earned["sharpe"] == pytest.approx(statistics.sharpe(equity[1:] / equity[:-1] - 1, 252))
        assert one.earned["total-return"] == pytest.approx(equity[-1] / equity[0] - 1)
        assert one.earned["max-drawdown"] == pytest.approx(statistics.max_drawdown(equity))
        signs = np.sign(weights[begin:-1])  # what is wanted at the last close is filled no more
        turned = np.diff(signs, axis=0, prepend=0) != 0
        assert one.earned["entries"] == (turned & (signs != 0)).sum()
        assert one.earned["exposure"] == (signs != 0).any(axis=1).mean()


@pytest.mark.parametrize("min_bars, defaults", [(0, 1), (16, 1), (17, 2), (36, 2), (37, 3), (10_000, 6)])
def test_the_default_serves_until_there_are_enough_bars(world, min_bars, defaults):
    thresholds = world.decide(rule=rule(0.0, 0.1, default=0.03, min_bars=min_bars)).thresholds
    assert (thresholds[:defaults] == 0.03).all()
    assert (thresholds[defaults:] != 0.03).all()
    assert len(thresholds) == 6


def test_a_tie_goes_to_the_lower_threshold(world):
    sure = np.where(np.isnan(world.predictions[:, 0]), np.nan, np.where(world.predictions[:, 0] > 0.5, 0.95, 0.05))
    thresholds = world.decide(sure, rule(0.3, 0.2, 0.1)).thresholds  # every level trades the same
    assert thresholds[2:].tolist() == [0.1] * 4


def test_a_threshold_that_never_trades_is_not_chosen(world):
    losing = 1 - world.predictions[:, 0]  # the hint turned round: any trading loses, none would be best
    thresholds = world.decide(losing, rule(0.0, 0.99)).thresholds
    assert thresholds[2:].tolist() == [0.0] * 4
    assert world.decide(losing, rule(0.98, 0.99)).thresholds.tolist() == [0.03] * 6


def test_several_series_decide_as_each_would_alone(world):
    scores = [to_panel(score_of(world.predictions[:, j], True), world.dataset, world.bars) for j in range(2)]
    plans = [Plan(LONG_SHORT, {}, scores[0]), Plan(LONG_FLAT, {}, scores[1]), Plan(LONG_FLAT, {}, scores[0])]
    together = decide(plans, world.bars, world.dataset, world.folds, RULE, COSTS)
    for plan, one in zip(plans, together, strict=True):
        alone = decide([plan], world.bars, world.dataset, world.folds, RULE, COSTS)[0]
        assert alone.thresholds.tobytes() == one.thresholds.tobytes()
        assert alone.targets.tobytes() == one.targets.tobytes()


# --- strategies and shares


@pytest.mark.parametrize(
    "strategy, expected",
    [(long_flat, [0, 0, 0, 0, 1]), (long_short, [-1, 0, 0, 0, 1])],
    ids=["long-flat", "long-short"],
)
def test_a_strategy_trades_beyond_the_threshold_and_not_at_it(strategy, expected):
    score = np.array([[-0.2], [-0.1], [0.0], [0.1], [0.2]])
    assert strategy(score, 0.1)[:, 0].tolist() == expected


def test_a_score_is_twice_the_probability_less_one_or_the_expected_return():
    values = np.array([0.0, 0.5, 0.75, np.nan])
    assert np.array_equal(score_of(values, True), [-1, 0, 0.5, np.nan], equal_nan=True)
    assert score_of(values, False) is values


def test_a_panel_has_each_row_in_its_place(world):
    panel = to_panel(world.predictions[:, 0], world.dataset, world.bars)
    assert panel.shape == (N_BARS, 2)
    assert np.array_equal(panel[world.dataset.bar, world.dataset.symbol], world.predictions[:, 0], equal_nan=True)
    assert np.isnan(panel[:FIRST]).all()


def test_symbols_share_the_capital_among_those_with_a_recent_score():
    n = GONE + 4
    available = np.ones((n, 3), dtype=bool)
    available[:2, 1] = False  # listed late
    available[3:, 2] = False  # ended
    available[4, 0] = False  # one bar missing
    shares = share_of_capital(available)
    assert shares[0].tolist() == [1 / 2, 0, 1 / 2]
    assert shares[2 : 2 + GONE].tolist() == [[1 / 3] * 3] * GONE  # a gap does not change what the others get
    assert shares[2 + GONE :].tolist() == [[1 / 2, 1 / 2, 0]] * 2
    assert not share_of_capital(np.zeros((3, 2), dtype=bool)).any()


def test_weights_are_shares_and_zero_without_a_score():
    score = np.array([[0.5, -0.5], [np.nan, 0.5]])
    assert weights_of(LONG_SHORT, score, 0.1, market(2, 2)).tolist() == [[0.5, -0.5], [0.0, 0.5]]


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda score, threshold: score[1:], r"must give weights \(4, 1\); it gave \(3, 1\)"),
        (lambda score, threshold: np.full_like(score, 1.01), r"must give finite weights in -1\.\.1"),
        (lambda score, threshold: np.full_like(score, -1.01), r"must give finite weights in -1\.\.1"),
        (lambda score, threshold: np.full_like(score, np.nan), r"must give finite weights in -1\.\.1"),
    ],
    ids=["too few", "above one", "below minus one", "nan"],
)
def test_a_strategy_that_breaks_its_contract_is_told(function, message):
    with pytest.raises(PluginError, match="'faulty' " + message):
        weights_of(quorate.StrategySpec("faulty", function), np.full((4, 1), 0.2), 0.1, market(4))


def test_the_last_rows_have_predictions_and_no_label(world):
    """Guards the tests above: rows whose label never ends are among those that are predicted."""
    unlabelled = world.dataset.end == NEVER
    assert unlabelled.sum() == 2 * (HORIZON + 1)
    assert np.isfinite(world.predictions[unlabelled]).all()
