"""The arithmetic of an explanation against brute force and other libraries, and what a fit is asked for it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate import PluginError, statistics
from quorate.dataset.folds import NEVER, Fold, Shuffles
from quorate.dataset.rows import Dataset
from quorate.execution.fit import model_of, run_fit
from quorate.execution.key import with_keys
from quorate.execution.outputs import contribution_name, shuffled_name
from quorate.execution.task import FitData, FitTask
from quorate.plugins.local import LocalSource
from quorate.plugins.provider import Reference
from quorate.plugins.specs import ModelSpec
from quorate.report.views.explanation import agreement, headline
from quorate.runs.explain.ensemble import combined
from quorate.runs.explain.importance import Answers, holm, rank_agreement, rises, t_values
from quorate_plugins.models import quorate_models

N_TRAIN, N_TEST, LOOKBACK = 400, 60, 4
BUILT_IN = "quorate_plugins.models"
SPECS = {spec.name: spec for spec in quorate_models()}
QUICK = {
    "xgboost": {"n_estimators": 12},
    "lightgbm": {"n_estimators": 12},
    "catboost": {"iterations": 12},
    "logistic": {},
}
PLUGIN = """
import numpy as np
import quorate


class Mean:
    scale = 0.2  # few of its predictions are cut

    def __init__(self, width=0):
        self.width = width

    def fit(self, X, y):
        return self

    def predict(self, X):
        return 0.5 + self.scale * X.reshape(len(X), -1)[:, ::2].mean(axis=1, dtype=np.float64)


class Likely(Mean):
    scale = 0.5


def told(model, X):
    if model.width == -1:
        return np.full((len(X), X.shape[-1] + 1), np.nan)
    return np.ones((len(X), X.shape[-1] + model.width))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("mean", Mean, task="regression", contributions=told)
    yield quorate.ModelSpec("plain", Likely, task="regression")
    yield quorate.ModelSpec("windows", Mean, task="regression", input="windows", lookback=4)
"""
LOCAL = LocalSource(Path("plugin.py"), PLUGIN)


def make_dataset(constant=None):
    rng = np.random.default_rng(3)
    n = N_TRAIN + N_TEST
    X = rng.normal(size=(n, 5)).astype(np.float32)
    if constant is not None:
        X[:, constant] = 1.5
    y = (X[:, 0] + 0.5 * X[:, 2] + rng.normal(size=n) > 0).astype(np.float64)
    bar = np.arange(n)
    ohlcv = np.ones((n + LOOKBACK, 5))
    sequence = np.vstack([np.full((LOOKBACK, 5), 0.25, dtype=np.float32), X])
    return Dataset(X, tuple("abcde"), bar, bar * 0, y, np.minimum(bar + 2, NEVER), ohlcv, bar + LOOKBACK, sequence)


UNITS = ((0,), (1,), (2,), (3,), (4,), (1, 3))
ORDERS = np.array([np.random.default_rng(k).permutation(N_TEST) for k in (5, 6)])
FOLD = Fold(0, N_TRAIN, N_TRAIN + N_TEST, np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_TEST))
ASKED = replace(FOLD, shuffles=Shuffles(UNITS, ORDERS))
DATA = make_dataset()


def task(name, local=None, **params):
    return FitTask(name, 0, Reference("model", name, BUILT_IN, local), params, 1, 1, True)


def built_in(name):
    return task(name, **QUICK[name])


def own(name, **params):
    return task(name, LOCAL, **params)


def asked(one, dataset=DATA, fold=ASKED):
    result = run_fit(one, FitData(dataset, (fold,)))
    assert not result.error, result.trace
    return result


def answers_of(result, dataset=DATA):
    shuffled = [[result.outputs[shuffled_name(u, r)] for r in range(len(ORDERS))] for u in range(len(UNITS))]
    return Answers(dataset.y[FOLD.test], result.predictions, np.array(shuffled))


# --- what a fit answers


@pytest.mark.parametrize("name", ["logistic", "lightgbm"])
def test_shuffled_predictions_are_those_of_a_matrix_with_these_columns_in_another_order(name):
    result = asked(built_in(name))
    for unit, columns in enumerate(UNITS):
        for repeat, order in enumerate(ORDERS):
            X = DATA.X.copy()
            X[np.ix_(FOLD.test, columns)] = DATA.X[np.ix_(FOLD.test[order], columns)]
            expected = asked(built_in(name), replace(DATA, X=X), FOLD)
            # Training rows are untouched, so that the model is the same.
            assert result.outputs[shuffled_name(unit, repeat)].tobytes() == expected.predictions.tobytes()


def test_what_else_is_asked_changes_no_prediction():
    for name in ("logistic", "xgboost"):
        plain = asked(built_in(name), fold=FOLD)
        assert plain.outputs == {}
        assert asked(built_in(name)).predictions.tobytes() == plain.predictions.tobytes()


def test_of_windows_the_whole_history_of_a_feature_changes_rows():
    result = asked(own("windows"))
    views = np.lib.stride_tricks.sliding_window_view(DATA.sequence, 4, axis=0).transpose(0, 2, 1)
    windows = views[DATA.context[FOLD.test] - 3].copy()
    windows[:, :, 1] = windows[ORDERS[1]][:, :, 1]
    expected = 0.5 + 0.2 * windows.reshape(N_TEST, -1)[:, ::2].mean(axis=1, dtype=np.float64)
    np.testing.assert_allclose(result.outputs[shuffled_name(1, 1)], expected.clip(0, 1), rtol=1e-12)


def test_regressions_on_classes_are_cut_to_probabilities_there_too():
    values = asked(own("plain")).outputs[shuffled_name(0, 0)]
    assert values.min() == 0.0
    assert values.max() <= 1.0


@pytest.mark.parametrize(
    ("width", "said"), [(0, r"shape \(60, 6\).*they had \(60, 5\)"), (2, "had"), (-1, "must be finite")]
)
def test_contributions_of_another_shape_or_without_a_number_fail_the_fit(width, said):
    result = run_fit(own("mean", width=width), FitData(DATA, (ASKED,)))
    assert re.search(said, result.error)
    assert not run_fit(own("mean", width=width), FitData(DATA, (FOLD,))).error


# --- contributions against the libraries' own raw scores


def raw_xgboost(model, X):
    return model.predict(X, output_margin=True)


def raw_lightgbm(model, X):
    return model.predict(X, raw_score=True)


def raw_catboost(model, X):
    return model.predict(X, prediction_type="RawFormulaVal")


@pytest.mark.parametrize("raw", [raw_xgboost, raw_lightgbm, raw_catboost], ids=lambda f: f.__name__[4:])
def test_contributions_sum_to_the_raw_score_of_the_library(raw):
    name = raw.__name__[4:]
    spec = SPECS[name]
    model = spec.resolve()(**QUICK[name]).fit(DATA.X[FOLD.train], DATA.y[FOLD.train].astype(int))
    X = DATA.X[FOLD.test]
    values = spec.explainer()(model, X)
    assert values.shape == (N_TEST, 6)
    np.testing.assert_allclose(values.sum(axis=1), raw(model, X), rtol=1e-4, atol=1e-5)
    # The label follows features 0 and 2.
    sizes = np.abs(values[:, :5]).mean(axis=0)
    assert set(np.argsort(-sizes)[:2]) == {0, 2}

    result = asked(built_in(name))
    told = np.column_stack([result.outputs[contribution_name(j)] for j in range(6)])
    p = result.predictions
    np.testing.assert_allclose(told.sum(axis=1), np.log(p / (1 - p)), rtol=1e-4, atol=1e-5)


def test_only_models_whose_library_computes_them_name_contributions():
    assert {name for name, spec in SPECS.items() if spec.contributions} == {"xgboost", "lightgbm", "catboost"}
    assert contribution_name(0) not in asked(built_in("logistic")).outputs


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"contributions": "nowhere"}, "module:attribute"),
        ({"contributions": 3}, "callable"),
        ({"contributions": print, "input": "bars"}, "reads none"),
    ],
)
def test_a_spec_with_contributions_that_cannot_be_is_refused(more, said):
    with pytest.raises(PluginError, match=said):
        ModelSpec("x", print, **more)


def test_contributions_that_cannot_be_imported_say_so():
    spec = ModelSpec("x", print, contributions="quorate_plugins.models.trees:nothing")
    with pytest.raises(PluginError, match=r"'x'.*cannot import 'quorate_plugins.models.trees:nothing'"):
        spec.explainer()


# --- keys


def key(one, fold):
    return with_keys([one], FitData(DATA, (fold,)))[0].key


def test_keys_cover_what_is_asked_and_those_of_a_run_do_not_change():
    plain = key(own("mean"), FOLD)
    assert plain == key(own("mean"), replace(FOLD, shuffles=None))
    seen = {plain, key(own("mean"), ASKED)}
    seen.add(key(own("mean"), replace(FOLD, shuffles=Shuffles(UNITS, ORDERS[::-1]))))
    seen.add(key(own("mean"), replace(FOLD, shuffles=Shuffles(UNITS[:-1], ORDERS))))
    assert len(seen) == 4
    assert key(own("mean"), ASKED) == key(own("mean"), ASKED)


def test_that_a_spec_names_contributions_matters_to_explanations_alone(monkeypatch):
    before = key(built_in("lightgbm"), FOLD), key(built_in("lightgbm"), ASKED)
    monkeypatch.setattr("quorate.execution.key.model_of", lambda task: replace(model_of(task), contributions=None))
    assert key(built_in("lightgbm"), FOLD) == before[0]
    assert key(built_in("lightgbm"), ASKED) != before[1]


# --- importance


def test_the_rise_is_permutation_importance_as_scikit_learn_has_it():
    from sklearn.inspection import permutation_importance
    from sklearn.linear_model import LogisticRegression

    # In double precision, in which scikit-learn then predicts, too.
    X, y = DATA.X[FOLD.test].astype(np.float64), DATA.y[FOLD.test]
    model = LogisticRegression().fit(DATA.X[FOLD.train].astype(np.float64), DATA.y[FOLD.train])
    expected = permutation_importance(model, X, y, scoring="neg_log_loss", n_repeats=1, random_state=4)
    # It draws one seed, and from that the same order for every column.
    order = np.arange(N_TEST)
    np.random.RandomState(np.random.RandomState(4).randint(np.iinfo(np.int32).max + 1)).shuffle(order)
    shuffled = []
    for j in range(5):
        copy = X.copy()
        copy[:, j] = X[order, j]
        shuffled.append([model.predict_proba(copy)[:, 1]])
    rise, _ = rises(Answers(y, model.predict_proba(X)[:, 1], np.array(shuffled)), binary=True)
    np.testing.assert_allclose(rise, expected.importances[:, 0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("binary", [True, False])
def test_chance_is_the_mean_rise_over_all_orders_of_the_labels(binary):
    rng = np.random.default_rng(8)
    p, shuffled = rng.uniform(0.05, 0.95, 6), rng.uniform(0.05, 0.95, (2, 3, 6))
    y = np.array([0.0, 1, 1, 0, 1, 0]) if binary else rng.normal(size=6)
    every = [rises(Answers(np.array(order), p, shuffled), binary)[0] for order in permutations(y)]
    _, chance = rises(Answers(y, p, shuffled), binary)
    np.testing.assert_allclose(chance, np.mean(every, axis=0), rtol=1e-10, atol=1e-14)


def test_a_rise_is_the_mean_over_repeats_of_the_difference_of_losses():
    y, p, q = np.array([1.0, 0.0]), np.array([0.8, 0.4]), np.array([[[0.5, 0.5], [0.8, 0.4]]])
    rise, _ = rises(Answers(y, p, q), binary=True)
    before = -(math.log(0.8) + math.log(0.6)) / 2
    assert rise[0] == pytest.approx((math.log(2) - before) / 2, rel=1e-12)
    rise, _ = rises(Answers(y, p, q), binary=False)
    assert rise[0] == pytest.approx((0.25 - (0.04 + 0.16) / 2) / 2, rel=1e-12)


@pytest.mark.parametrize("name", ["logistic", "lightgbm", "catboost"])
def test_a_constant_feature_has_importance_zero_exactly(name):
    dataset = make_dataset(constant=1)
    rise, chance = rises(answers_of(asked(built_in(name), dataset), dataset), binary=True)
    assert rise[1] == chance[1] == 0.0
    assert rise[0] > 0.02


def test_t_and_p_are_those_of_a_one_sided_test_of_the_mean():
    from scipy.stats import ttest_1samp

    excess = np.random.default_rng(2).normal(0.3, 1, (7, 4))
    excess[:, 3] = 0.25
    t, p = t_values(excess)
    expected = ttest_1samp(excess[:, :3], 0, alternative="greater")
    np.testing.assert_allclose(t[:3], expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(p[:3], expected.pvalue, rtol=1e-12)
    assert math.isnan(t[3])
    assert math.isnan(p[3])


def test_one_fold_says_nothing_about_chance_nor_about_agreement():
    t, p = t_values(np.ones((1, 3)))
    assert np.isnan([*t, *p]).all()
    assert math.isnan(rank_agreement(np.array([[1.0, 2, 3]])))


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=12))
def test_holm_rejects_step_by_step_and_passes_over_what_is_undefined(values):
    p = np.array(values, dtype=np.float64)
    adjusted = holm(p)
    known = np.sort(p[np.isfinite(p)])
    for one, found in zip(p, adjusted, strict=True):
        # The largest of the smaller p-values, each times how many were not rejected before it.
        steps = [(len(known) - k) * value for k, value in enumerate(known) if value <= one]
        assert found == pytest.approx(min(max(steps), 1.0)) if steps else math.isnan(found)


def test_holm_gives_what_r_gives():
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02], rtol=1e-12)


def test_agreement_is_the_mean_spearman_correlation_of_pairs_of_folds_ties_included():
    from scipy.stats import spearmanr

    values = np.random.default_rng(0).normal(size=(4, 6)).round(0)
    pairs = [spearmanr(values[a], values[b]).statistic for a in range(4) for b in range(a)]
    assert rank_agreement(values) == pytest.approx(np.mean(pairs), rel=1e-12)
    # A fold that ranks nothing has no say.
    assert rank_agreement(np.vstack([values, np.zeros(6)])) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert rank_agreement(np.tile(values[0], (3, 1))) == pytest.approx(1.0)
    assert math.isnan(rank_agreement(np.zeros((4, 6))))
    assert math.isnan(rank_agreement(np.zeros((4, 1))))


@pytest.mark.parametrize(
    ("value", "word"),
    [(None, "unknown"), (0.5, "stable"), (0.49, "partly stable"), (0.2, "partly stable"), (0.1, "unstable")],
)
def test_agreement_in_words(value, word):
    assert agreement(value) == word


# --- the ensemble


def test_the_ensemble_weighs_each_row_as_the_run_did():
    rows = np.array([1, 2])
    fold = Fold(4, 1, 3, np.array([0]), rows, Shuffles(((0,),), np.array([[1, 0]])))
    rows_of = SimpleNamespace(y=np.arange(4.0))
    walk = SimpleNamespace(members=dict.fromkeys("abc"), voting=["a", "b", "c"], dataset=rows_of)
    known = np.array([[np.nan] * 3, [0.1, 0.5, 0.9], [0.2, 0.6, np.nan], [0.3, 0.7, 0.8]])
    weights = np.array([[np.nan] * 3, [0.5, 0.25, 0.25], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0]])
    answers = {
        "a": {4: Answers(rows * 1.0, known[rows, 0], np.array([[[0.2, 0.1]]]))},
        "b": {4: Answers(rows * 1.0, known[rows, 1], np.array([[[1.0, 0.0]]]))},
    }
    # `c` reads bars: its say stays, and where it has no weight its prediction is no matter.
    found = combined(walk, fold, answers, known, weights)
    assert found.labels.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(found.predictions, [0.05 + 0.125 + 0.225, 0.15 + 0.15], rtol=1e-12)
    np.testing.assert_allclose(found.shuffled, [[[0.1 + 0.25 + 0.225, 0.075]]], rtol=1e-12)
    # Without a member that had weight it is not known what the ensemble would say; without one that had none it is.
    assert combined(walk, fold, {**answers, "b": {}}, known, weights) is None
    weights[:, 1] = 0.0
    assert combined(walk, fold, {**answers, "b": {}}, known, weights) is not None


# --- words


def forecaster(name, role, p, folds=4):
    rows = [{"name": f"f{j}", "p": value} for j, value in enumerate(p)]
    return {"name": name, "role": role, "folds": list(range(folds)), "features": rows}


@pytest.mark.parametrize(
    ("forecasters", "said"),
    [
        ([("mean", "ensemble", [0.5, None])], "No feature of 2 matters to the ensemble's forecasts beyond chance."),
        ([("mean", "ensemble", [0.049, 0.05])], "1 of 2 features matters to the ensemble's forecasts beyond chance: "),
        ([("mean", "ensemble", [0.01] * 5)], "5 of 5 features matter to the ensemble's forecasts beyond chance: f0, f1,"
         " f2 and 2 more."),
        ([("mean", "ensemble", [None, None])], "No feature of 2 matters"),
        # Two members have a chance each.
        ([("a", "member", [0.03, 1.0]), ("b", "member", [0.03, 1.0])], "No feature matters to any member's forecasts "),
        ([("a", "member", [0.02, 1.0]), ("b", "member", [0.03, 1.0])], "What matters beyond chance, by member: a (f0)"),
        ([("mean", "ensemble", [None], 1)], "With one fold nothing can be said about chance"),
        ([("a", "member", [None], 1)], "With one fold nothing can be said about chance."),
    ],
)  # fmt: skip
def test_the_sentence_says_whether_anything_matters(forecasters, said):
    assert headline({"forecasters": [forecaster(*one) for one in forecasters]}, "feature").startswith(said)


def test_the_loss_is_the_one_of_the_statistics():
    result = asked(built_in("logistic"))
    answers = answers_of(result)
    rise, _ = rises(answers, binary=True)
    loss = statistics.log_loss
    again = np.mean([loss(answers.labels, q) for q in answers.shuffled[0]]) - loss(answers.labels, result.predictions)
    assert rise[0] == pytest.approx(again, rel=1e-9)
