"""Combinatorial paths as evidence: the gate's answers, the splits it is given, and how the paths are traded."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quorate
from quorate import statistics
from quorate.dataset.folds import audit_split
from quorate.dataset.splits import Paths, combinatorial_folds
from quorate.errors import IntegrityError, PluginError, RecipeError
from quorate.evidence.evidence import Evidence
from quorate.execution.choose import make_executor
from quorate.execution.key import with_keys
from quorate.execution.progress import Progress
from quorate.execution.steps import hold_back
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec, Span
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.testing import Violation, rules
from quorate.testing.markets import performance
from quorate.walkforward import paths as module
from quorate.walkforward.layout import prepare
from quorate.walkforward.members import Fitting, collect
from quorate.walkforward.series import decide_judged, judge_span, trade_as_given
from quorate_plugins.gates.paths import cpcv

KEY = (6, 3, "combinatorial")


def evidence(returns=None, key=KEY, **more):
    p = performance()
    paths = {} if returns is None else {key: Paths(returns, 20, 3, **more)}
    return Evidence(p, p, 7, _paths=paths)


def with_means(*means):
    """Return returns of two bars' pattern whose Sharpe ratios are sqrt(252) times the means; NaN: a flat path."""
    pattern = np.tile([-1.0, 1.0], 100)[:, None] / np.std(np.tile([-1.0, 1.0], 100), ddof=1)
    means = np.asarray(means)
    return np.where(np.isnan(means), 0.0, pattern + np.nan_to_num(means)) / 100


# --- the gate


def test_nine_of_ten_paths_are_enough_and_what_it_says_is_enough_to_compute_it_again():
    means = [-0.1, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10]
    result = cpcv(evidence(with_means(*means)))
    assert (result.verdict, result.value, result.threshold, result.condition) == ("PASS", 0.9, 0.9, ">=")
    assert result.inputs["sharpes"] == pytest.approx([m * math.sqrt(252) for m in means])
    # Ten values: the 5th percentile lies 0.45 of the way from the least to the next.
    low, middle = ((-0.1 + 0.45 * 0.12) * math.sqrt(252), 0.055 * math.sqrt(252))
    assert result.uncertainty == f"Sharpe p5 {low:.2f}, median {middle:.2f}"
    assert result.sample == "10 paths of 20 splits, trained on later data, too"
    told = {k: result.inputs[k] for k in ("groups", "tests", "splitter", "embargo", "splits")}
    assert told == {"groups": 6, "tests": 3, "splitter": "combinatorial", "embargo": 3, "splits": 20}


def test_eight_of_ten_are_not():
    result = cpcv(evidence(with_means(*[-0.1] * 2, *[0.1] * 8)))
    assert (result.verdict, result.value, result.reason) == ("FAIL", 0.8, "2 of 10 paths do not gain")


def test_one_of_ten_does_not():
    result = cpcv(evidence(with_means(-0.1, *[0.1] * 9)), threshold=1.0)
    assert (result.verdict, result.reason) == ("FAIL", "1 of 10 paths does not gain")


def test_a_path_that_never_trades_does_not_gain():
    result = cpcv(evidence(with_means(math.nan, -0.1, *[0.1] * 8)))
    assert (result.verdict, result.value) == ("FAIL", 0.8)
    assert result.reason == "2 of 10 paths do not gain; 1 of them traded nothing"
    assert result.inputs["sharpes"][0] is None


@pytest.mark.parametrize("returns", [np.zeros((50, 10)), np.full((50, 10), np.nan), np.empty((0, 10))])
def test_nothing_but_undefined_paths_fail(returns):
    result = cpcv(evidence(returns))
    assert (result.verdict, result.value, result.uncertainty) == ("FAIL", 0.0, "")
    assert result.reason == "10 of 10 paths do not gain; 10 of them traded nothing"


def test_without_paths_nothing_is_judged_and_the_reason_is_passed_on():
    result = cpcv(evidence())
    assert (result.verdict, result.value) == ("INSUFFICIENT", None)
    assert result.reason == "no paths of 6 groups, 3 of them tested, were computed"
    assert cpcv(evidence(with_means(*[0.1] * 10), key=(6, 2, "combinatorial"))).verdict == "INSUFFICIENT"
    result = cpcv(evidence(np.empty((0, 0)), reason="too short"))
    assert (result.verdict, result.reason) == ("INSUFFICIENT", "too short")


def test_members_that_were_lost_are_told_whatever_the_verdict():
    for mean, verdict in ((0.1, "PASS"), (-0.1, "FAIL")):
        result = cpcv(evidence(with_means(*[mean] * 10), lost=("model 'a' failed", "model 'b' failed")))
        assert (result.verdict, result.warning) == (verdict, "model 'a' failed; model 'b' failed")


@given(
    st.lists(st.one_of(st.just(math.nan), st.floats(-1, 1).filter(lambda m: abs(m) > 1e-6)), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_the_value_is_the_share_of_paths_that_gain_and_the_verdict_follows(means, threshold):
    result = cpcv(evidence(with_means(*means)), threshold=threshold)
    assert result.value == sum(m > 0 for m in means) / len(means)
    assert (result.verdict == "PASS") == (result.value >= threshold)
    assert cpcv(evidence(3 * with_means(*means)), threshold=threshold).value == result.value


def test_a_gate_that_asks_for_paths_needs_the_options_that_say_which():
    def nameless(evidence, groups=6):
        return quorate.judge("nameless", math.nan, ">", 0.0, sample="none").insufficient("there is nothing")

    registry = Registry.load()
    registry.add_inline(quorate.GateSpec("nameless", nameless, paths=True))
    [rule] = [r for r in rules("gate") if r.name == "computes"]
    with pytest.raises(Violation, match="must have the options groups, tests and splitter; it lacks tests, splitter"):
        rule.check(registry.find("gate", "nameless"))


# --- the splits


def walk_forward_of(small, **more):
    session = open_session({**small, "gates": {"preset": "strict"}, **more})
    return prepare(session.recipe, session.registry, load_bars(session).until(550), [(0, 550)])


@pytest.fixture
def walk(small):
    return walk_forward_of({**small, "models": {"logistic": {}, "ridge": {}}})


def with_gates(walk, **gates):
    recipe = walk.recipe.model_copy(update={"gates": walk.recipe.gates.model_validate(gates)})
    return replace(walk, recipe=recipe)


def test_splits_are_folds_that_follow_the_walk_forward(walk):
    layouts = module.lay_out(walk)
    assert list(layouts) == [KEY]
    splits = layouts[KEY].found
    assert [split.fold.index for split in splits] == list(range(len(walk.folds), len(walk.folds) + 20))
    assert splits[0].fold.first == walk.dataset.bar[0] > 0
    assert splits[-1].fold.stop == len(walk.bars) == 550
    tested = np.concatenate([split.fold.test for split in splits])
    assert np.bincount(tested).tolist() == [10] * len(walk.dataset)


def test_gates_that_ask_for_the_same_share_their_splits_and_others_have_their_own(walk):
    one, two = {"groups": 6, "tests": 3, "splitter": "combinatorial"}, {"groups": 4, "tests": 1}
    registry = Registry.load()
    for name in ("again", "other"):
        registry.add_inline(quorate.GateSpec(name, cpcv, paths=True))
    registry.add_inline(quorate.GateSpec("later", cpcv, paths=True, parts=("holdout",)))
    given = with_gates(walk, cpcv=one, again=one, other={**one, **two}, later={**one, "groups": 5})
    layouts = module.lay_out(replace(given, registry=registry))
    assert [(key, layout.gate) for key, layout in layouts.items()] == [
        (KEY, "cpcv"),
        ((4, 1, "combinatorial"), "other"),
    ]
    indices = [split.fold.index for layout in layouts.values() for split in layout.found]
    assert indices == list(range(len(walk.folds), len(walk.folds) + 24))


def test_no_gate_no_splits(walk):
    assert module.lay_out(with_gates(walk, sharpe={})) == {}


@pytest.mark.parametrize(
    "options, error, said",
    [
        ({"groups": 12, "tests": 6}, RecipeError, "12 groups of which 6 are tested make 924 splits, and it must be at"),
        ({"groups": 3, "tests": 3}, RecipeError, "1 <= tests < groups; groups is 3 and tests is 3"),
        ({"splitter": "expanding"}, RecipeError, "splitter 'expanding' lays out a walk-forward"),
        ({"splitter": "combinatoric"}, PluginError, "combinatorial"),
    ],
)
def test_groups_that_cannot_be_are_refused_before_anything_is_fitted(walk, options, error, said):
    with pytest.raises(error, match=said):
        module.lay_out(with_gates(walk, cpcv={"groups": 6, "tests": 3, "splitter": "combinatorial", **options}))


def test_a_training_row_that_overlaps_a_test_group_is_refused(walk, monkeypatch):
    def careless(bar, end, n_bars, groups, tests, embargo=0):
        splits = combinatorial_folds(bar, end, n_bars, groups, tests, embargo)
        first = int(splits[4].fold.test[0])
        train = np.sort(np.append(splits[4].fold.train, first))
        splits[4] = replace(splits[4], fold=replace(splits[4].fold, train=train))
        return splits

    monkeypatch.setattr(module, "combinatorial_folds", careless)
    with pytest.raises(IntegrityError, match="split 4, which predicts groups 0, 2, 3: no label interval of a training"):
        module.lay_out(walk)


def test_too_few_rows_for_the_groups_leave_the_gate_without_paths(walk):
    [layout] = module.lay_out(with_gates(walk, cpcv={"groups": 500, "tests": 1, "splitter": "combinatorial"})).values()
    assert len(layout.found) == 500
    options = {"groups": 3, "tests": 1, "splitter": "combinatorial"}
    folds = walk.recipe.folds.model_copy(update={"embargo": 300})
    wide = replace(walk, recipe=walk.recipe.model_copy(update={"folds": folds}))
    layouts = module.lay_out(with_gates(wide, cpcv=options))
    [layout] = layouts.values()
    assert not layout.found
    assert "has no training row left by purge and embargo" in layout.reason
    [paths] = module.paths_of(wide, layouts, Fitting(None, Progress())).values()
    result = cpcv(Evidence(performance(), performance(), 7, _paths={tuple(options.values()): paths}), **options)
    assert (result.verdict, result.reason, result.inputs["embargo"]) == ("INSUFFICIENT", layout.reason, 300)


def test_training_labels_of_one_class_leave_the_gate_without_paths(walk):
    y = np.where(walk.dataset.bar < 300, 1.0, walk.dataset.y)
    one_sided = replace(walk, dataset=replace(walk.dataset, y=y))
    [layout] = module.lay_out(one_sided).values()
    assert "training labels of one class only" in layout.reason


def test_what_is_held_back_for_validation_lies_clear_of_the_test_groups(walk):
    bar, end = walk.dataset.bar, walk.dataset.end
    for split in module.lay_out(walk)[KEY].found:
        train, tail = hold_back(ModelSpec("holding", print, validation=0.15), walk.dataset, split.fold.train)
        assert len(tail)
        assert set(train) | set(tail) <= set(split.fold.train)
        audit_split(np.concatenate([train, tail]), split.fold.test, bar, end)


def test_the_key_of_a_split_covers_training_rows_on_both_sides_and_no_label_of_a_test_row(walk):
    [split] = [s for s in module.lay_out(walk)[KEY].found if s.groups == (1, 2, 3)]
    assert walk.dataset.bar[split.fold.train[0]] < split.fold.first < split.fold.stop
    assert walk.dataset.bar[split.fold.train[-1]] >= split.fold.stop
    task = FitTask("logistic", split.fold.index, reference(walk.registry, "model", "logistic"), {}, 1, 1, True)

    def key(rows=(), features=False):
        X, y = walk.dataset.X.copy(), walk.dataset.y.copy()
        (X if features else y)[list(rows)] += 1
        [found] = with_keys([task], FitData(replace(walk.dataset, X=X, y=y), (split.fold,)))
        return found.key

    train, test = split.fold.train, split.fold.test
    purged = np.setdiff1d(np.arange(len(walk.dataset)), np.concatenate([train, test]))
    assert len(purged)
    assert key() == key(test) == key(purged) == key(purged, features=True)
    different = [key(), key(train[:1]), key(train[-1:]), key(train[-1:], True), key(test[:1], True)]
    assert len(set(different)) == len(different)


# --- how they are traded


@pytest.fixture(scope="module")
def executor():
    with make_executor("serial", 1) as one:
        yield one


def test_the_default_threshold_trades_as_a_walk_forward_that_has_no_other_to_choose(small, executor, engine):
    table = {**small, "threshold": {"default": 0.05, "grid": [0.05], "min_bars": 60}, "ensemble": {"method": "mean"}}
    walk = walk_forward_of({**table, "models": {"logistic": {}}, "strategy": {"risk": {"stop": 0.02}}})
    fits = Fitting(executor, Progress()).run(walk, walk.folds)
    predictions = collect(walk, fits)
    judged = decide_judged(walk, predictions)
    first = walk.folds[0].first
    [(_, p), _] = judge_span(walk, [judged], first, len(walk.bars))
    assert np.ptp(p.returns) > 0
    walked = trade_as_given(walk, np.stack([judged.predictions, np.full(len(walk.dataset), np.nan)]), first)
    assert walked[:, 0].tolist() == p.returns.tolist()
    assert not walked[:, 1].any()


def test_members_vote_alike_and_one_that_failed_does_not(walk):
    splits = module.lay_out(walk)[KEY].found[:2]

    def fit(split, name, value):
        return FitResult(name, split.fold.index, np.full(len(split.fold.test), value))

    one, two = splits
    fits = [fit(one, "logistic", 0.2), fit(two, "logistic", 0.4), fit(one, "ridge", 0.6), fit(two, "ridge", np.nan)]
    means = module._means(splits, ["logistic", "ridge"], fits)
    assert [np.unique(values).tolist() for values in means] == [[pytest.approx(0.4)], [0.4]]
    assert [len(values) for values in means] == [len(split.fold.test) for split in splits]
    nobody = [fit(split, name, np.nan) for split in splits for name in ("logistic", "ridge")]
    assert all(np.isnan(values).all() for values in module._means(splits, ["logistic", "ridge"], nobody))


def test_a_path_takes_each_group_from_a_fit_that_did_not_see_it(walk, monkeypatch):
    """A member that answers with the number of its split: each path holds one split per group that tests it."""
    layouts = module.lay_out(walk)
    splits = {split.fold.index: split for split in layouts[KEY].found}
    seen = []

    def numbered(self, walk, folds):
        assert list(walk.members) == walk.voting == ["logistic", "ridge"]
        return [FitResult(n, f.index, np.full(len(f.test), f.index / 1000)) for n in walk.members for f in folds]

    monkeypatch.setattr(Fitting, "run", numbered)
    monkeypatch.setattr(module, "trade_as_given", lambda walk, walked, first: seen.append(walked) or walked.T)
    paths = module.paths_of(walk, layouts, Fitting(None, Progress()))[KEY]
    assert (paths.splits, paths.returns.shape) == (20, (len(walk.dataset), 10))
    edges = np.linspace(walk.dataset.bar[0], 550, 7).astype(int)
    spans = [Span(*edge) for edge in pairwise(edges)]
    used = set()
    for path in seen[0]:
        for k, span in enumerate(spans):
            inside = (walk.dataset.bar >= span.first) & (walk.dataset.bar < span.stop)
            [index] = np.unique(np.round(path[inside] * 1000)).astype(int)
            assert k in splits[index].groups
            used.add((index, k))
    assert len(used) == 60  # every prediction of every split, once


def test_sharpes_are_those_of_the_returns(walk, executor):
    layouts = module.lay_out(walk)
    paths = module.paths_of(walk, layouts, Fitting(executor, Progress()))[KEY]
    assert paths.returns.shape == (550 - walk.dataset.bar[0] - 1, 10)
    result = cpcv(Evidence(performance(), performance(), 7, _paths={KEY: paths}))
    for told, column in zip(result.inputs["sharpes"], paths.returns.T, strict=True):
        assert told == pytest.approx(column.mean() / column.std(ddof=1) * math.sqrt(252))
        assert told == statistics.sharpe(column, 252)
