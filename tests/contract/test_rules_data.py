"""The rules of what feeds a run: each names the plugin that breaks it, and lets sound ones pass."""

import importlib
import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.plugins.hooks import HOOKS
from quorate.plugins.provider import Plugin, Provider
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from quorate.testing._base import NotApplicable, Violation, rules_in
from quorate.testing.checks import (
    costs,
    features,
    features_finite,
    features_future,
    features_lookback,
    labels,
    labels_ends,
    sources,
    splitters,
    strategies,
)
from quorate.testing.markets import market
from quorate.testing.tools.compare import cuts, rough
from quorate.testing.tools.fresh import fresh

MODULES = {
    "feature": ("features", "features_finite", "features_future", "features_lookback"),
    "label": ("labels", "labels_ends"),
    "strategy": ("strategies",),
    "cost": ("costs",),
    "splitter": ("splitters",),
    "source": ("sources",),
}
CAUSAL = {
    "feature": {"prefix-invariant", "scramble-invariant"},
    "label": {"ends-ahead", "ends-honest", "starts-at-fill", "is-forecast"},
    "strategy": {"prefix-invariant", "scramble-invariant"},
    "cost": {"prefix-invariant", "scramble-invariant"},
    "splitter": {"trains-before"},
    "source": set(),
}


def plugin(spec):
    return Plugin(spec.kind, spec.name, spec, Provider("test", None, None, "test"))


def feature(function, **more):
    return plugin(quorate.FeatureSpec("one", function, **more))


def rules(kind):
    for name in MODULES[kind]:
        yield from rules_in(importlib.import_module(f"quorate.testing.checks.{name}"), kind)


def refused(check, one):
    with pytest.raises(Violation) as e:
        check(one)
    return e.value


@pytest.mark.parametrize("kind", MODULES)
def test_what_concerns_the_future_cannot_be_excused(kind):
    assert {r.name for r in rules(kind) if r.causal} == CAUSAL[kind]


@pytest.mark.parametrize("kind", MODULES)
def test_every_rule_is_one_line_that_ends_in_a_full_stop(kind):
    assert all(r.summary.endswith(".") and len(r.summary) < 110 for r in rules(kind))


@dataclass(frozen=True)
class Shifted:
    by: int

    def __call__(self, close):
        out = np.zeros_like(close)
        out[: len(close) - self.by] = close[self.by :]
        return out / close


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 60))
def test_a_feature_that_reads_ahead_is_named_however_far_it_reads(by):
    found = refused(features_future.check_feature_prefix_invariant, feature(Shifted(by), lookback=1))
    assert found.example["expected"] != found.example["found"]
    assert f"bar {found.example['bar']} (" in found.message
    assert "reads the future" in found.message
    refused(features_future.check_feature_scramble_invariant, feature(Shifted(by), lookback=1))


def past_return(window):
    def one(close):
        out = np.full_like(close, np.nan)
        out[window:] = close[window:] / close[:-window] - 1
        return out

    return one


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40), st.integers(-1, 1))
def test_a_lookback_is_right_to_the_bar(window, error):
    if window + 1 + error < 1:
        return
    filled = lambda close: np.nan_to_num(past_return(window)(close))  # noqa: E731
    one = feature(filled if error < 0 else past_return(window), lookback=window + 1 + error)
    enough, tight = features_lookback.check_feature_lookback_enough, features_lookback.check_feature_lookback_tight
    if error < 0:
        assert f"lookback={window}" in refused(enough, one).message
    else:
        enough(one)
    if error > 0:
        assert refused(tight, one).example == {"expected": window + 1, "found": window + 2}
    elif error == 0:
        tight(one)


def test_a_longer_warm_up_than_the_window_is_not_held_against_a_feature():
    def late(close):
        out = past_return(5)(close)
        out[:9] = np.nan
        return out

    features_lookback.check_feature_lookback_tight(feature(late, lookback=10))


def test_a_recursive_feature_may_keep_a_thousandth_of_the_past():
    def mean(close):
        out = close.copy()
        for t in range(1, len(close)):
            out[t] = 0.8 * out[t - 1] + 0.2 * close[t]
        return close / out - 1

    features_lookback.check_feature_lookback_enough(feature(mean, lookback=45, recursive=True))
    features_lookback.check_feature_start_independent(feature(mean, lookback=45, recursive=True))
    refused(features_lookback.check_feature_lookback_enough, feature(mean, lookback=45))
    refused(features_lookback.check_feature_lookback_enough, feature(mean, lookback=12, recursive=True))
    assert (
        "declare lookback="
        in refused(features_lookback.check_feature_lookback_tight, feature(mean, lookback=190, recursive=True)).message
    )


def test_a_feature_beyond_float32_is_refused():
    assert "float32" in refused(features.check_feature_computes, feature(lambda close: close * 1e40)).message


def test_inputs_given_as_text_are_named():
    assert "('close',)" in refused(features.check_feature_computes, feature(np.log, inputs="close")).message


def test_rules_on_what_cannot_be_computed_refer_to_the_one_that_says_why():
    one = feature(lambda close: close[1:])
    refused(features.check_feature_computes, one)
    with pytest.raises(NotApplicable, match="computes"):
        features_future.check_feature_prefix_invariant(one)


def test_a_long_standstill_is_a_remark():
    def zscore(close):
        out = np.full_like(close, np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(close, 20, axis=0)
        out[19:] = (close[19:] - windows.mean(axis=2)) / np.ptp(windows, axis=2)
        return out

    assert "prices that stand still" in features_finite.check_feature_quiet_bars(feature(zscore, lookback=20))


def test_a_feature_that_remembers_calls_is_not_deterministic():
    seen = []

    def counting(close):
        seen.append(1)
        return np.log(close) + len(seen)

    refused(features.check_feature_deterministic, feature(counting))


def trade(prices, horizon, entry=1, leave=1, end=1):
    n = len(prices)
    t = np.arange(n - 12)
    values = np.full_like(prices, np.nan)
    values[: n - 12] = prices[t + leave + horizon] / prices[t + entry] - 1
    return values, np.broadcast_to(np.arange(n)[:, None] + end + horizon, prices.shape)


@pytest.mark.parametrize(
    "params, rule",
    [
        ({"leave": 2}, "ends-honest"),
        ({"end": 0}, "ends-honest"),
        ({"entry": 0}, "starts-at-fill"),
        ({"entry": 0, "leave": 0, "end": 0}, "starts-at-fill"),
        ({"end": -3}, "ends-ahead"),
    ],
)
def test_a_misplaced_label_is_named(params, rule):
    one = plugin(quorate.LabelSpec("one", trade, params, task="regression"))
    check = next(r.check for r in rules("label") if r.name == rule)
    refused(check, one)
    sound = plugin(quorate.LabelSpec("one", trade, task="regression"))
    check(sound)


def test_a_label_that_ends_early_only_where_all_bars_are_there_gets_a_remark():
    def early(prices, horizon):
        values, ends = trade(prices, 1)
        return values, ends

    one = plugin(quorate.LabelSpec("one", early, task="regression"))
    assert "near the end of the data" in labels_ends.check_label_ends_honest(one)
    assert "labels.horizon would have no effect" in refused(labels.check_label_horizon_used, one).message


def test_a_classification_of_numbers_is_refused():
    one = plugin(quorate.LabelSpec("one", trade))
    assert 'task="regression"' in refused(labels.check_label_computes, one).message


def test_ends_are_positions():
    one = plugin(quorate.LabelSpec("one", lambda prices, horizon: (prices, prices + 0.5), task="regression"))
    assert "positions" in refused(labels.check_label_computes, one).message


def test_a_strategy_with_nan_where_there_is_a_score_is_refused():
    one = plugin(quorate.StrategySpec("one", lambda score, threshold: np.where(score > threshold, 1.0, np.nan)))
    found = refused(strategies.check_strategy_computes, one)
    assert found.example["found"] == "nan"


@pytest.mark.parametrize("value", [0.5, -0.001, float("nan"), "a", None, np.ones(3)])
def test_a_cost_that_is_no_fraction_is_refused(value):
    assert (
        "fees" in refused(costs.check_cost_computes, plugin(quorate.CostSpec("one", lambda bars: (value, 0.0)))).message
    )


@pytest.mark.parametrize("value", [-1e-6, float("inf"), float("nan"), "a", np.ones(3)])
def test_an_impact_that_is_none_is_refused(value):
    one = plugin(quorate.CostSpec("one", lambda bars: (0.0, 0.0, value)))
    assert "impact" in refused(costs.check_cost_computes, one).message


def test_a_cost_model_gives_two_figures_or_three():
    for answer in (0.0, (0.0,), (0.0, 0.0, 0.0, 0.0)):
        one = plugin(quorate.CostSpec("one", lambda bars, answer=answer: answer))
        assert "(fees, slippage, impact)" in refused(costs.check_cost_computes, one).message
    for answer in ((0.0, 0.0), (0.0, 0.0, 5.0)):
        costs.check_cost_computes(plugin(quorate.CostSpec("one", lambda bars, answer=answer: answer)))


def test_a_cost_model_that_needs_volumes_says_of_which_symbols_there_are_none():
    def needs(said):
        def one(bars):
            if np.isnan(bars.volume).all():
                raise quorate.DataError(said)
            return 0.0, 0.0, 1e-6

        return plugin(quorate.CostSpec("one", one))

    for rule in rules("cost"):
        rule.check(needs("no volume of AAA, BBB"))
    assert "BBB is missing" in refused(costs.check_cost_computes, needs("no volume of AAA")).message


def test_a_cost_that_writes_into_the_bars_is_named():
    def one(bars):
        bars.volume[0] = 1.0
        return 0.0, 0.0

    assert "bars.volume" in refused(costs.check_cost_input_unmodified, plugin(quorate.CostSpec("one", one))).message


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 900), st.integers(0, 3))
def test_a_gap_between_spans_is_named(size, gap):
    def one(sessions, start):
        first = start or 500
        while first < len(sessions):
            yield first, min(first + size, len(sessions))
            first += size + gap

    splitter = plugin(quorate.SplitterSpec("one", one))
    if gap:
        refused(splitters.check_splitter_contiguous, splitter)
    else:
        for rule in rules("splitter"):
            rule.check(splitter)


def test_a_splitter_that_asks_for_more_history_is_not_at_fault():
    def one(sessions, start):
        if len(sessions) < 4000:
            raise quorate.DataError("more bars, please")
        yield quorate.Span(start or 1000, len(sessions))

    for rule in rules("splitter"):
        rule.check(plugin(quorate.SplitterSpec("one", one)))


def test_a_fingerprint_of_its_own_is_named():
    class Sealed(quorate.Bars):
        fingerprint = "sealed"

    bars = market(50)
    sealed = Sealed(**{name: getattr(bars, name) for name in quorate.Bars.__dataclass_fields__})
    one = plugin(quorate.SourceSpec("one", lambda: sealed))
    assert "content" in refused(sources.check_source_fingerprint_honest, one).message
    sources.check_source_fingerprint_honest(plugin(quorate.SourceSpec("one", lambda: bars)))


def test_a_source_that_needs_an_option_is_left_alone():
    with pytest.raises(NotApplicable):
        sources.check_source_computes(plugin(quorate.SourceSpec("one", lambda path: market(50))))


@given(st.integers(1, 60), st.integers(62, 120))
@settings(max_examples=20, deadline=None)
def test_cuts_hold_both_ends_and_never_repeat(first, n):
    found = list(cuts(first, n))
    assert len(found) == len(set(found))
    assert {first, n - 1} <= set(found) <= set(range(first, n))


def test_the_rough_market_has_what_an_ordinary_one_lacks():
    bars = rough(300, 2)
    assert (bars.high == bars.low).any()
    assert (bars.volume == 0).any()
    assert np.abs(np.diff(np.log(bars.close), axis=0)).max() > 0.15


def test_a_warm_up_that_is_too_short_is_told_to_the_bar():
    one = feature(past_return(10), lookback=10)
    assert "declare lookback=11" in refused(features_finite.check_feature_warm_up_only, one).message


def test_gaps_here_and_there_are_no_warm_up():
    def gap(close):
        return np.where(np.isin(np.arange(len(close)), (50, 90))[:, None], np.nan, np.log(close))

    assert "define the value" in refused(features_finite.check_feature_warm_up_only, feature(gap)).message


def ewm(alpha):
    def one(close):
        out = close.copy()
        for t in range(1, len(close)):
            out[t] = (1 - alpha) * out[t - 1] + alpha * close[t]
        return close / out - 1

    return one


def test_the_lookback_that_is_enough_is_told_and_is_enough():
    filled = lambda close: np.nan_to_num(past_return(40)(close))  # noqa: E731
    enough = features_lookback.check_feature_lookback_enough
    assert "Declare lookback=41 " in refused(enough, feature(filled, lookback=7)).message
    message = refused(enough, feature(ewm(0.2), lookback=12, recursive=True)).message
    told = int(message.rpartition("lookback=")[2])
    enough(feature(ewm(0.2), lookback=told, recursive=True))
    assert "recursive=True and lookback=" in refused(enough, feature(ewm(0.2), lookback=12)).message


@pytest.mark.parametrize("recursive", [False, True])
def test_no_lookback_is_enough_for_a_mean_over_all_history(recursive):
    def expanding(close):
        return close / (np.cumsum(close, axis=0) / np.arange(1, len(close) + 1)[:, None]) - 1

    one = feature(expanding, lookback=20, recursive=recursive)
    assert "No lookback would be enough" in refused(features_lookback.check_feature_lookback_enough, one).message


def test_a_feature_that_fails_on_a_short_history_is_told_so():
    def one(close):
        if len(close) < 60:
            raise ValueError("too few samples")
        return np.log(close)

    message = refused(features_future.check_feature_prefix_invariant, feature(one)).message
    assert "with only the bars up to 0" in message
    assert "short histories" in message


def test_a_slow_feature_gets_a_remark():
    def one(close):
        time.sleep(0.35)
        return np.log(close)

    assert "Compile once" in features.check_feature_computes(feature(one))
    assert features.check_feature_computes(feature(np.log)) is None


def test_rules_give_features_arrays_of_their_own():
    def one(close):
        close.setflags(write=True)
        close[0] = 1.0
        return np.log(close)

    features.check_feature_deterministic(feature(one))
    refused(features.check_feature_input_unmodified, feature(one))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_file_is_loaded_anew_every_time_whatever_its_kind(kind, tmp_path):
    path = tmp_path / "counted.py"
    hook = next(name for name, of in HOOKS.items() if of == kind)
    more = ", apply=remembered" if kind == "transform" else ""
    path.write_text(
        "import quorate\n\nCALLS = []\n\n\ndef remembered(*arguments):\n    CALLS.append(1)\n    return len(CALLS)\n\n"
        f"\n@quorate.hookimpl\ndef {hook}():\n    yield quorate.{KINDS[kind].__name__}('counted', remembered{more})\n"
    )
    plugin = Registry.load([path], environment=False).find(kind, "counted")
    assert [plugin.spec.resolve()() for _ in range(2)] == [1, 2]
    assert [fresh(plugin).spec.resolve()() for _ in range(3)] == [1, 1, 1]
