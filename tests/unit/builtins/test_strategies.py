"""Built-in strategies by their definitions; what they may read; and parameters that each fold chooses from the past."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate import statistics
from quorate.dataset.folds import walk_forward
from quorate.dataset.labels import build_labels
from quorate.dataset.rows import build_dataset
from quorate.errors import IntegrityError, PluginError, RecipeError
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs import Span
from quorate.recipe.load import load_recipe, nested_override, validate
from quorate.recipe.resolve import resolve, to_toml
from quorate.recipe.schema import RETURN_THRESHOLDS, SCORE_THRESHOLDS
from quorate.testing import market
from quorate.testing.markets import sides
from quorate.trading.asking import strategy_arguments
from quorate.trading.backtest import equity_curves
from quorate.trading.costs import Trading
from quorate.trading.risk import Risk, limited
from quorate.trading.strategy import Plan, ThresholdRule, decide, desired_weights, to_panel
from quorate.walkforward.causality import audit_strategy
from quorate.walkforward.findings import _same_trades
from quorate_strategies import quorate_strategies
from quorate_strategies.sizing import kelly, meta, proportional
from quorate_strategies.threshold import long_flat, long_short

pytestmark = pytest.mark.usefixtures("engine")

NAN = np.nan
BUILT_IN = {spec.name: spec for spec in quorate_strategies()}
N_BARS, FIRST, TEST, HORIZON = 160, 40, 20, 3
COSTS = Trading(fees=0.0005)


def column(*values):
    return np.array(values, dtype=float)[:, None]


# --- built-in strategies


def test_a_position_is_left_where_the_score_has_fallen_by_the_hysteresis():
    score = column(0.09, 0.11, 0.06, 0.05, 0.09, 0.2, 0.051, NAN, 0.06, -0.3)
    held = [0, 1, 1, 0, 0, 1, 1, 0, 1, 0]  # left at 0.05 or below; kept over a missing score
    assert long_flat(score, 0.1, hysteresis=0.5)[:, 0].tolist() == held
    assert long_short(-score, 0.1, hysteresis=0.5)[:, 0].tolist() == [-v for v in held[:-1]] + [1]


def state_machine(score, threshold, hysteresis, short):
    out, held = np.zeros(score.shape), np.zeros(score.shape[1])
    for t, j in product(*map(range, score.shape)):
        s = score[t, j]
        if np.isnan(s):
            continue
        if held[j] * s <= threshold * (1 - hysteresis):
            held[j] = 0
        if s > threshold:
            held[j] = 1
        elif short and s < -threshold:
            held[j] = -1
        out[t, j] = held[j]
    return out


SCORES = st.lists(st.sampled_from([NAN, -0.3, -0.1, -0.06, -0.05, 0.0, 0.04, 0.05, 0.1, 0.2]), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(SCORES, st.sampled_from([0.0, 0.05, 0.1]), st.sampled_from([0.0, 0.5, 1.0]))
def test_hysteresis_is_a_state_machine_and_without_it_the_threshold_alone(values, threshold, hysteresis):
    score = np.array([values, values[::-1]]).T
    flat, short = (f(score, threshold, hysteresis) for f in (long_flat, long_short))
    assert np.array_equal(flat, state_machine(score, threshold, hysteresis, False))
    assert np.array_equal(short, state_machine(score, threshold, hysteresis, True))
    if not hysteresis:
        plain = np.where(score > threshold, 1.0, 0.0)
        assert flat.tobytes() == plain.tobytes()
        assert short.tobytes() == np.where(score < -threshold, -1.0, plain).tobytes()


def test_proportional_weights_are_the_score_over_the_scale():
    score = column(0.01, 0.1, -0.1, 0.5, NAN, -0.5)
    assert proportional(score, 0.02, scale=0.2)[:, 0].tolist() == [0, 0.5, 0, 1, 0, 0]
    assert proportional(score, 0.02, scale=0.2, long_only=False)[:, 0].tolist() == [0, 0.5, -0.5, 1, 0, -1]


def test_proportional_weights_scale_by_the_root_mean_square_so_far():
    weights = proportional(column(0.0, 0.3, NAN, 0.1, -0.1), 0.0, long_only=False)[:, 0]
    so_far = np.sqrt([0.1 / 3, 0.11 / 4])  # of 0, 0.3, 0.1 and of 0, 0.3, 0.1, -0.1
    np.testing.assert_allclose(weights, [0, 1, 0, 0.1 / so_far[0], -0.1 / so_far[1]], rtol=1e-12)


def test_kelly_of_a_probability_is_that_of_an_even_bet():
    """Kelly (1956): the fraction 2p - 1 makes the capital grow fastest."""
    bets = np.linspace(0, 0.999, 1000)
    p = 0.6
    best = bets[np.argmax(p * np.log1p(bets) + (1 - p) * np.log1p(-bets))]
    score = column(2 * p - 1, -0.2, 0.9)
    full = kelly(score, 0.0, np.ones((3, 1)), True, 5, fraction=1.0)
    assert full[0, 0] == pytest.approx(best, abs=1e-3)
    assert full[:, 0].tolist() == pytest.approx([0.2, 0, 0.9])
    assert kelly(score, 0.0, np.ones((3, 1)), True, 5, cap=0.3, long_only=False)[:, 0] == pytest.approx(
        [0.1, -0.1, 0.3]
    )


def test_kelly_of_an_expected_return_is_that_over_the_variance_so_far():
    """Thorp (2006): expectation over variance; returns +10 %, -10 %, +10 % with a bar missing in between."""
    close = column(100, 110, NAN, 99, 108.9)
    score = column(0.01, 0.01, 0.01, 0.01, -0.005)
    variance = [np.var([0.1, -0.1], ddof=1), np.var([0.1, -0.1, 0.1], ddof=1)]
    expected = [0, 0, 0, 0.5 * 0.01 / variance[0] / 2, -0.5 * 0.005 / variance[1] / 2]
    weights = kelly(score, 0.0, close, False, 2, long_only=False)[:, 0]
    np.testing.assert_allclose(weights, expected, rtol=1e-9)
    assert not kelly(score, 0.0, np.full((5, 1), 7.0), False, 2).any()  # no variance: not defined


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("long-flat", {"hysteresis": 1.5}, r"hysteresis must be less than or equal to 1; it was 1\.5"),
        ("long-short", {"hysteresis": -0.1}, "hysteresis must be greater than or equal to 0"),
        ("proportional", {"scale": -1.0}, "scale must be greater"),
        ("kelly", {"cap": 2}, "cap must be less"),
        ("kelly", {"fraction": 0}, "fraction must be greater than 0"),
        ("kelly", {"long_only": 1}, "long_only must be a valid boolean"),
        ("kelly", {"close": 1}, "has no option 'close'"),
        ("kelly", {"binary": True}, "has no option 'binary'"),
    ],
)
def test_options_are_checked_before_anything_runs(name, given, message):
    with pytest.raises(RecipeError, match=message):
        resolve_options(BUILT_IN[name], given, "strategy.params")


# --- what a strategy is given


def test_a_strategy_is_given_what_it_reads_and_what_it_asks_for():
    seen = {}

    def look(score, threshold, volume, bars_per_year, size=1.0, *, horizon):
        seen.update(volume=volume, bars_per_year=bars_per_year, size=size, horizon=horizon)
        return np.zeros(score.shape)

    bars, spec = market(30, 2), quorate.StrategySpec("look", look, inputs=("volume",))
    assert resolve_options(spec, {}, "strategy.params") == {"size": 1.0}
    plan = Plan(spec, {"size": 2.0}, np.zeros((30, 2)), binary=False, horizon=4)
    desired_weights(plan, [plan.default(0.1)], bars)
    assert seen["volume"] is bars.volume
    assert not seen["volume"].flags.writeable
    assert (seen["bars_per_year"], seen["size"], seen["horizon"]) == (252, 2.0, 4)
    assert strategy_arguments(BUILT_IN["long-flat"], bars, plan.facts) == {}


@pytest.mark.parametrize(
    "inputs, message",
    [(("clos",), "unknown input 'clos': .* did you mean 'close'"), ("close", r"must be a tuple, e\.g\. \('close',\)")],
)
def test_inputs_are_names_of_fields(inputs, message):
    with pytest.raises(PluginError, match=message):
        quorate.StrategySpec("one", long_flat, inputs=inputs)


def next_close(score, threshold, close):
    return np.where(np.vstack([close[1:], close[-1:]]) > close, 1.0, 0.0)


def last_score(score, threshold, close):
    return np.where(score > score[-1], 1.0, 0.0)


def dodges_crashes(score, threshold, close):
    jumps = np.abs(np.diff(close, axis=0, prepend=close[:1]) / close) > 0.4
    return np.where(np.cumsum(jumps[::-1], axis=0)[::-1] > 0, 0.0, 1.0)


def mostly_next_close(score, threshold, close):
    rose = np.vstack([close[1:], close[-1:]]) / close - 1
    return np.where(rose > -0.02, 0.5, 0.0)


@pytest.mark.parametrize(
    "function, change",
    [
        (mostly_next_close, "when scores and bars"),
        (next_close, "when scores and bars"),
        (last_score, "are not known"),
        (dodges_crashes, "are others"),
    ],
    ids=lambda p: getattr(p, "__name__", p),
)
def test_an_audit_stops_a_strategy_that_reads_later_rows(function, change):
    spec, score = quorate.StrategySpec("knowing", function, inputs=("close",)), np.full((100, 2), 0.1)
    score[::3] = 0.3
    with pytest.raises(IntegrityError, match=f"strategy 'knowing' looks ahead: its weight of AAA on .* {change}"):
        audit_strategy(spec, {}, score, 0.1, market(100, 2), {}, 40)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("binary", [True, False])
def test_an_audit_lets_the_built_in_strategies_pass(name, binary):
    bars = market(100, 2)
    score = np.random.default_rng(0).normal(0, 0.1 if binary else 0.01, (100, 2))
    options = resolve_options(BUILT_IN[name], {}, "strategy.params")
    audit_strategy(BUILT_IN[name], options, score, 0.01, bars, {"binary": binary, "horizon": 1, "side": sides}, 40)


LIMITS = [{}, {"stop": 0.01}, {"trailing": 0.01}, {"atr": 1.0}, {"max_bars": 3}, {"band": 0.2}, {"volatility": 0.1}]


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: next(iter(limit), "none"))
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), known=st.integers(1, 119), binary=st.booleans())
def test_no_desired_weight_depends_on_the_future(name, limit, seed, known, binary):
    rng = np.random.default_rng(seed)
    bars = market(120, 2, seed)
    score = rng.normal(0, 0.1 if binary else 0.01, (120, 2))
    score[rng.random(score.shape) < 0.1] = NAN
    options = resolve_options(BUILT_IN[name], {"hysteresis": 0.5} if "long" in name[:4] else {}, "strategy.params")
    plan = Plan(BUILT_IN[name], options, score, binary, 2, Risk(**limit), side=sides)
    whole = desired_weights(plan, plan.candidates([0.0, 0.02]), bars)
    past = replace(plan, score=score[:known])
    assert desired_weights(past, past.candidates([0.0, 0.02]), bars.take(0, known)).tobytes() == whole[:known].tobytes()


def test_without_limits_a_strategy_wants_what_it_says_times_its_share():
    score = np.array([[0.1, -0.3], [0.05, NAN], [-0.2, 0.2], [NAN, 0.0]])
    plan = Plan(BUILT_IN["long-short"], {"hysteresis": 0.0}, score)
    assert desired_weights(plan, plan.candidates([0.05]), market(4, 2))[:, :, 0].tolist() == [
        [0.5, -0.5], [0.0, 0.0], [-0.5, 0.5], [0.0, 0.0]
    ]  # fmt: skip


def test_a_stop_is_filled_at_the_next_open_and_a_gap_loses_more():
    bars = market(6)
    open_, close = column(100, 100, 100, 82, 79, 81), column(100, 100, 100, 80, 81, 81)
    both = {"high": np.maximum(open_, close), "low": np.minimum(open_, close)}
    bars = replace(bars, open=open_, close=close, **both)
    plan = Plan(BUILT_IN["long-flat"], {}, np.full((6, 1), 0.5), risk=Risk(stop=0.05))
    weights = desired_weights(plan, [plan.default(0.1)], bars)
    assert weights[:, 0, 0].tolist() == [1, 1, 1, 0, 0, 0]
    equity = equity_curves(bars, weights, Trading(capital=1000.0))[:, 0]
    assert equity.tolist() == pytest.approx([1000, 1000, 1000, 800, 790, 790])


# --- chosen from the past


@pytest.fixture(scope="module")
def world():
    """Two symbols, folds, and scores that are right more often than not."""
    bars = market(N_BARS, 2, seed=5)
    label = Registry.load(environment=False).get("label", "direction")
    close = quorate.FeatureSpec("close", lambda close: close)
    dataset = build_dataset(bars, [close], build_labels(bars, label, HORIZON, "open", {}))
    rng = np.random.default_rng(0)
    hint = np.nan_to_num(dataset.y - 0.5, nan=0.0) * 0.3 + rng.normal(0, 0.2, len(dataset))
    score = to_panel(np.where(dataset.bar < FIRST, NAN, np.clip(hint, -1, 1)), dataset, bars)
    spans = [Span(k, min(k + TEST, N_BARS)) for k in range(FIRST, N_BARS, TEST)]
    return SimpleNamespace(bars=bars, dataset=dataset, folds=walk_forward(dataset.bar, dataset.end, spans), score=score)


RULE = ThresholdRule((0.1, 0.0), 0.03, 15)
GRID = {"risk.stop": [0.05, 0.01], "hysteresis": [0.5, 0.0, 0.5], "risk.max_bars": [0, 4]}
JUDGED = Plan(BUILT_IN["long-short"], {"hysteresis": 0.2}, np.empty((0, 2)), risk=Risk(band=0.1), grid=GRID)


def decided(world, **changes):
    plan = replace(JUDGED, score=world.score, **changes)
    return decide([plan], world.bars, world.dataset, world.folds, RULE, COSTS)[0]


def test_a_grid_is_the_loop_over_its_combinations(world):
    decisions = decided(world)
    span, share = world.bars.take(FIRST, N_BARS), 0.5
    combinations, weights, curves = [], [], []
    for level, hysteresis, most, stop in product((0.0, 0.1), (0.0, 0.5), (0, 4), (0.01, 0.05)):
        own = np.where(np.isnan(world.score), 0.0, long_short(world.score, level, hysteresis))
        risk = Risk(stop=stop, max_bars=most, band=0.1)
        kept = limited(own[:, :, None], world.bars, [risk], "open") * share
        combinations.append({"threshold": level, "hysteresis": hysteresis, "risk.max_bars": most, "risk.stop": stop})
        weights.append(kept[:, :, 0])
        curves.append(equity_curves(span, kept[FIRST:], COSTS)[:, 0])
    chosen = []
    for k, fold in enumerate(world.folds):
        n = fold.first - 1 - HORIZON - FIRST
        if n < RULE.min_bars:
            assert decisions.chosen[k] == {
                "threshold": 0.03, "hysteresis": 0.2, "risk.max_bars": 0, "risk.stop": 0.0
            }  # fmt: skip
            continue
        sharpes = [statistics.sharpe((c[1:] / c[:-1] - 1)[:n], 252) for c in curves]
        best = int(np.nanargmax(sharpes))
        chosen.append(best)
        assert decisions.chosen[k] == combinations[best]
        assert decisions.thresholds[k] == combinations[best]["threshold"]
        np.testing.assert_array_equal(decisions.targets[fold.first : fold.stop], weights[best][fold.first : fold.stop])
    assert len(set(chosen)) > 1  # something is chosen


def test_a_grid_is_told_in_blocks_as_at_once(world, monkeypatch):
    whole = decided(world)
    monkeypatch.setattr("quorate.trading.strategy.CELLS", 3 * world.score.size)
    blocks = decided(world)
    assert blocks.targets.tobytes() == whole.targets.tobytes()
    assert blocks.chosen == whole.chosen


def test_of_equals_the_earlier_combination_is_taken(world):
    sure = np.where(np.isnan(world.score), NAN, np.where(world.score > 0, 0.9, -0.9))
    plan = Plan(BUILT_IN["long-flat"], {}, sure, grid={"hysteresis": [0.5, 0.25], "risk.stop": [0.99, 0.98]})
    decisions = decide([plan], world.bars, world.dataset, world.folds, RULE, COSTS)[0]
    assert decisions.chosen[-1] == {"threshold": 0.0, "hysteresis": 0.25, "risk.stop": 0.98}


def test_what_is_chosen_reads_neither_later_scores_nor_later_prices(world):
    before = decided(world)
    for k, fold in enumerate(world.folds):
        other = np.where(np.arange(N_BARS)[:, None] >= fold.first, -world.score, world.score)
        later = decided(SimpleNamespace(**{**vars(world), "score": other}))
        assert later.chosen[: k + 1] == before.chosen[: k + 1]
        assert later.targets[: fold.first].tobytes() == before.targets[: fold.first].tobytes()


def test_without_a_grid_a_fold_chooses_its_threshold_alone(world):
    decisions = decided(world, grid={}, risk=Risk())
    assert decisions.chosen == [{"threshold": level} for level in decisions.thresholds]


# --- in a recipe


def recipe(**strategy):
    return {"models": {"logistic": {}}, "strategy": {"compare": [], **strategy}}


def resolved(table):
    return resolve(validate(table, "given"), Registry.load(environment=False))[0]


def test_the_standard_thresholds_are_the_ten_of_each_task():
    """One list in `threshold.grid` per task: scores 2p - 1, and returns."""
    assert SCORE_THRESHOLDS == (0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)
    assert RETURN_THRESHOLDS == (0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01)
    assert tuple(resolved(recipe()).threshold.grid) == SCORE_THRESHOLDS
    numbers = {"labels": {"name": "return"}, "models": {"ridge": {}}}
    assert tuple(resolved(numbers).threshold.grid) == RETURN_THRESHOLDS


def test_limits_are_off_unless_the_recipe_says_otherwise_and_the_defaults_are_written_out():
    plain = resolved(recipe())
    assert not Risk(**plain.strategy.risk.model_dump()).active
    assert Risk(**plain.strategy.risk.model_dump()) == Risk()
    assert plain.strategy.model_dump() == {
        "name": "long-flat",
        "compare": [],
        "params": {"hysteresis": 0.0},
        "risk": {"stop": 0.0, "trailing": 0.0, "atr": 0.0, "atr_window": 14, "max_bars": 0, "band": 0.0,
                 "volatility": 0.0, "volatility_window": 20},
        "grid": {},
    }  # fmt: skip


def test_a_grid_resolves_and_is_the_same_when_it_is_read_again(tmp_path):
    given = recipe(grid={"risk.stop": [0, 0.05], "hysteresis": [0, 0.5]}, risk={"trailing": 0.1})
    first = resolved(given)
    assert first.strategy.grid == {"hysteresis": [0.0, 0.5], "risk.stop": [0.0, 0.05]}
    path, registry = tmp_path / "again.toml", Registry.load(environment=False)
    path.write_text(to_toml(first, registry), encoding="utf-8")
    assert resolve(load_recipe(path, registry), registry)[0].strategy == first.strategy


def test_a_limit_of_the_grid_may_be_a_table_of_its_own():
    table = recipe(grid={"hysteresis": [0.5], "risk": {"stop": [0.01]}})
    assert resolved(table).strategy.grid == {"hysteresis": [0.5], "risk.stop": [0.01]}
    given = nested_override("strategy.grid.risk.max_bars=[5, 9]")
    assert resolved({**recipe(), **given}).strategy.grid == {"risk.max_bars": [5, 9]}


@pytest.mark.parametrize(
    "strategy, message",
    [
        ({"grid": {"hysteresi": [0.1]}}, r"strategy\.grid: unknown key 'hysteresi': .*; did you mean 'hysteresis'"),
        ({"grid": {"stop": [0.1]}}, "unknown key 'stop': .*; did you mean .*'risk.stop'"),
        ({"grid": {"risk.stopp": [0.1]}}, "unknown key 'risk.stopp': .*; did you mean 'risk.stop'"),
        ({"grid": {"risk.stop": [1.5]}}, r"strategy\.grid\.risk\.stop must be less than 1; it was 1\.5"),
        ({"grid": {"hysteresis": [0.5, 2]}}, r"strategy\.grid\.hysteresis must be less than or equal to 1; it was 2"),
        ({"grid": {"hysteresis": []}}, "at least 1"),
        ({"grid": {"hysteresis": 0.5}}, r"grid\.hysteresis.*list"),
        ({"grid": {"hysteresis": [0.5, "a"]}}, "must hold numbers, or texts"),
        ({"risk": {"stop": 1.0}}, "risk.stop: .*less than 1"),
        ({"risk": {"stopp": 0.1}}, "risk.stopp: unknown key; .*did you mean 'stop'"),
        ({"risk": {"max_bars": 2.5}}, "risk.max_bars"),
        ({"params": {"hysteresis": 3.0}}, r"strategy\.params\.hysteresis must be less"),
        (
            {"grid": {"hysteresis": [k / 20 for k in range(20)], "risk.max_bars": list(range(11))}},
            "with 10 thresholds there are 2,200 combinations to choose from; at most 2,000",
        ),
    ],
)
def test_what_is_wrong_in_the_recipe_is_said(strategy, message):
    with pytest.raises(RecipeError, match=message):
        resolved(recipe(**strategy))


def test_two_thousand_combinations_are_not_too_many():
    grid = {"hysteresis": [k / 20 for k in range(20)], "risk.max_bars": list(range(10))}
    assert len(resolved(recipe(grid=grid)).strategy.grid["hysteresis"]) == 20


# --- warnings


def series(label, predictions, weights, candidate=True):
    return SimpleNamespace(
        label=label,
        candidate=candidate,
        predictions=np.array(predictions),
        decisions=SimpleNamespace(targets=np.array(weights)),
    )


def test_those_that_trade_alike_from_different_predictions_are_one_group():
    group = _same_trades(
        [
            series("ensemble/flat", [0.6, 0.4], [1.0, 0.0]),
            series("mean/flat", [0.7, 0.4], [1.0, -0.0]),
            series("mean/short", [0.7, 0.4], [1.0, -1.0]),
            series("one/flat", [0.8, 0.4], [1.0, 0.0]),
            series("baseline/flat", [0.9, 0.1], [1.0, 0.0], candidate=False),
            series("idle/flat", [0.5, 0.5], [0.0, 0.0]),
            series("idle too/flat", [0.4, 0.5], [0.0, 0.0]),
        ]
    )
    assert [[one.label for one in some] for some in group] == [["ensemble/flat", "mean/flat", "one/flat"]]
    assert _same_trades([series("mean/flat", [0.7], [1.0]), series("only/flat", [0.7], [1.0])]) == []


# --- a primary rule, followed or not


def test_a_rule_is_followed_where_that_should_pay_by_more_than_the_threshold_and_never_turned_round():
    score = np.array([0.3, 0.3, -0.9, 0.1, np.nan, 0.2])[:, None]
    sides = np.array([1.0, -1.0, 1.0, 1.0, 1.0, 0.0])[:, None]
    assert meta(score, 0.1, sides, True).ravel().tolist() == [1.0, -1.0, 0.0, 0.0, 0.0, 0.0]


def test_a_bet_has_the_size_of_the_book():
    # p = 0.75: z = 0.25 / sqrt(0.1875) = 0.5774, and 2 N(z) - 1 = 0.4363; p = 1 is sure.
    score = np.array([0.5, 1.0, 0.0])[:, None]
    found = meta(score, 0.0, -np.ones((3, 1)), True, sizing="bet").ravel()
    assert found == pytest.approx([-0.4363, -1.0, 0.0], abs=5e-5)
    assert meta(score, 0.0, np.ones((3, 1)), True, sizing="bet", step=0.1).ravel().tolist() == [0.4, 1.0, 0.0]
    with pytest.raises(ValueError, match="an expected return"):
        meta(score, 0.0, score, False, sizing="bet")
