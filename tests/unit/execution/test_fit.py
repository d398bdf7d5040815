"""One fit: the same arguments give the same bytes, a failure is a value, and a row's prediction is its own."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.execution.fit import ASKED_AGAIN, run_fit
from quorate.execution.outputs import BLOCK, predict_blocks, right_directions
from quorate.execution.task import FitData, FitTask, fit_seed
from quorate.plugins.local import LocalSource
from quorate.plugins.provider import Reference
from quorate.plugins.specs import ModelSpec
from quorate_plugins import deep, models

N_TRAIN, N_TEST, LOOKBACK = 400, 60, 4
SPECS = {spec.name: spec for spec in (*models.quorate_models(), *deep.quorate_models())}
SPECS = {name: spec for name, spec in SPECS.items() if spec.input != "windows"}
RANKERS = {"lightgbm-ranker", "xgboost-ranker"}
QUICK = {
    "random-forest": {"n_estimators": 8},
    "gradient-boosting": {"max_iter": 5},
    "gradient-boosting-exact": {"n_estimators": 5},
    "xgboost": {"n_estimators": 5},
    "lightgbm": {"n_estimators": 5},
    "catboost": {"iterations": 5},
    "mlp": {"epochs": 1},
    "tabm": {"epochs": 1, "members": 2, "hidden": 8},
}
BUILT_IN = dict.fromkeys(("mlp", "tabm"), "quorate_plugins.deep")
PLUGIN = '''
import numpy as np
import quorate


class Model:
    """Answers as its parameters say."""

    def __init__(self, answer=0.25, fault="", random_state=None, n_jobs=None):
        self.answer, self.fault, self.seed, self.threads = answer, fault, random_state, n_jobs

    def fit(self, X, y, validation=None):
        if self.fault == "fit":
            raise ValueError("no luck")
        if self.fault == "missing class":
            self.classes_ = np.array([0])
        if self.fault == "warns":
            import warnings
            warnings.warn("mind the gap")
        self.seen = X.shape, y.dtype.kind, float(X.sum())
        self.known = {row.tobytes(): label for row, label in zip(X, y)} if self.fault == "by heart" else {}
        self.asked = 0
        return self

    def predict(self, X):
        if self.fault == "seed":
            return np.full(len(X), self.seed / 2**32)
        if self.fault == "threads":
            return np.full(len(X), self.threads / 100)
        if self.fault == "rows":
            return np.full(len(X), self.seen[0][0] / 1000)
        if self.fault == "bars":
            assert X.shape[1:] == (4, 5) and X.dtype == np.float64
            return X[:, -1, 3] / 1000
        if self.fault == "shape":
            return np.zeros((len(X), 3))
        if self.fault == "short":
            return np.zeros(len(X) - 1)
        if self.fault == "beyond":  # that share of 300 rows
            return np.where(np.arange(len(X)) % 10 < 10 * self.answer - 1e-9, 7.0, 0.5)
        if self.fault == "by heart":
            return np.array([self.known.get(row.tobytes(), 0.4) for row in X], dtype=np.float64)
        if self.fault == "second time":
            self.asked += 1
            if self.asked > 1:
                raise RuntimeError("it answers once")
        if self.fault == "nan":
            return np.where(np.arange(len(X)) == 2, np.nan, 0.5)
        return np.full(len(X), self.answer)

    def predict_proba(self, X):
        p = self.predict(X)
        return np.column_stack((1 - p, p)) if p.ndim == 1 else p


def closed(answer=0.25):
    return Model(answer)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sort", Model)
    yield quorate.ModelSpec("number", Model, task="regression")
    yield quorate.ModelSpec("window", Model, input="bars", lookback=4)
    yield quorate.ModelSpec("held", Model, validation=0.2)
    yield quorate.ModelSpec("closed", closed)
'''
LOCAL = LocalSource(Path("plugin.py"), PLUGIN)


def make_dataset(seed=0, n=N_TRAIN + N_TEST):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(np.float64)
    ohlcv = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (n + LOOKBACK, 5)), axis=0))
    bar = np.arange(n)
    arrays = X, bar, np.zeros(n, dtype=np.int64), y, np.minimum(bar + 2, NEVER), ohlcv, bar + LOOKBACK
    for array in arrays:
        array.flags.writeable = False
    X, bar, symbol, y, end, ohlcv, context = arrays
    sequence = np.vstack([np.full((LOOKBACK, X.shape[1]), np.nan, dtype=np.float32), X])
    sequence.flags.writeable = False
    return Dataset(X, tuple("abcde"), bar, symbol, y, end, ohlcv, context, sequence)


def fold_at(index, train=N_TRAIN, test=N_TEST):
    return Fold(index, train, train + test, np.arange(train), np.arange(train, train + test))


DATA = FitData(make_dataset(), (fold_at(0),))


def numbers(n):
    """A dataset whose label is a number of the size of a return."""
    data = make_dataset(n=n)
    return replace(data, y=0.002 + 0.01 * data.X[:, 0].astype(np.float64))


def task(name="sort", fold=0, seed=1, threads=1, binary=True, **params):
    local = LOCAL if name in ("sort", "number", "window", "held", "closed") else None
    return FitTask(
        name,
        fold,
        Reference("model", name, BUILT_IN.get(name, "quorate_plugins.models"), local),
        params,
        seed,
        threads,
        binary,
    )


def built_in(name, **more):
    return replace(task(name, **QUICK.get(name, {})), **more)


def of_number(name, **more):
    """The fit of a built-in model on a label that is a number."""
    told = {"task": "regression"} if SPECS[name].task == "any" else {}
    return built_in(name, binary=False, params={**QUICK.get(name, {}), **told}, **more)


# --- a row's prediction is its own


@pytest.mark.parametrize("name", SPECS)
def test_a_rows_prediction_does_not_depend_on_how_many_are_predicted_with_it(name):
    data = FitData(make_dataset(n=N_TRAIN + 300), (fold_at(0, test=300),))
    whole = run_fit(built_in(name), data)
    assert whole.error == ""
    same = name in ("majority", "past-mean", "persistence") or name in RANKERS  # of one symbol nothing is ranked
    assert (len(np.unique(whole.predictions)) > 1) == (not same)
    for n in (1, 7, 255, 256, 257):
        part = run_fit(built_in(name), FitData(data.dataset, (fold_at(0, test=n),)))
        assert part.predictions.tobytes() == whole.predictions[:n].tobytes()


@pytest.mark.parametrize("name", [name for name in SPECS if SPECS[name].task != "classification"])
def test_a_label_that_is_a_number_is_learnt_under_the_same_name(name):
    data = numbers(N_TRAIN + 300)
    whole = run_fit(of_number(name), FitData(data, (fold_at(0, test=300),)))
    assert whole.error == ""
    part = run_fit(of_number(name), FitData(data, (fold_at(0, test=7),)))
    assert part.predictions.tobytes() == whole.predictions[:7].tobytes()
    y = data.y[N_TRAIN:]
    if name in RANKERS:
        return  # scores are no labels, and of one symbol all are the same
    if not SPECS[name].baseline:
        # A number as small as a return; a few trees or one epoch learn but a part of it.
        assert np.corrcoef(whole.predictions, y)[0, 1] > 0.3
        assert whole.predictions.std() < 1.01 * y.std()
    assert abs(whole.predictions.mean() - y.mean()) < y.std() / 4


def test_the_baselines_of_a_number_are_the_mean_so_far_and_the_last_return():
    data = numbers(N_TRAIN + N_TEST)
    mean, last = (run_fit(of_number(name), FitData(data, (fold_at(0),))) for name in ("past-mean", "persistence"))
    assert mean.predictions == pytest.approx(data.y[:N_TRAIN].mean())
    close = data.ohlcv[:, 3]
    at = data.context[N_TRAIN:]
    assert last.predictions == pytest.approx(close[at] / close[at - 1] - 1)


def test_ordered_boosting_is_chosen_by_an_option_and_left_to_the_library_without_it():
    ordered, plain, unsaid = (
        run_fit(task("catboost", iterations=10, **chosen), DATA)
        for chosen in ({"boosting_type": "Ordered"}, {"boosting_type": "Plain"}, {})
    )
    assert ordered.error == plain.error == ""
    assert unsaid.predictions.tobytes() == plain.predictions.tobytes() != ordered.predictions.tobytes()


def test_models_are_asked_for_whole_blocks_with_zeros_at_the_end():
    asked = []

    def predict(X):
        asked.append(X.copy())
        return {"p": X.sum(axis=1)}

    X = np.ones((BLOCK + 3, 2), dtype=np.float32)
    out = predict_blocks(predict, X)
    assert out["p"].tolist() == [2.0] * len(X)
    assert [block.shape for block in asked] == [(BLOCK, 2)] * 2
    assert [block.dtype for block in asked] == [np.float32] * 2
    assert asked[1][:3].all()
    assert not asked[1][3:].any()


def test_a_padded_row_may_be_undefined():
    out = predict_blocks(lambda X: {"p": np.where(X[:, 0] == 0, np.nan, 1.0)}, np.ones((3, 1)))
    assert out["p"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", SPECS)
def test_built_in_models_accept_read_only_rows_and_leave_them_as_they_are(name):
    spec = SPECS[name]
    rng = np.random.default_rng(0)
    X = (
        rng.normal(size=(200, 3)).astype(np.float32)
        if spec.input == "rows"
        else rng.normal(10, 1, (200, spec.lookback, 5))
    )
    y = rng.integers(0, 2, 200).astype(np.float64 if spec.task == "regression" else np.int64)  # "any": of classes
    before = X.tobytes(), y.tobytes()
    X.flags.writeable = y.flags.writeable = False
    model = spec.resolve()(**QUICK.get(name, {}))
    model.fit(X, y, **({"bar": np.repeat(np.arange(20), 10)} if name in RANKERS else {}))
    p = model.predict(X) if spec.task == "regression" else model.predict_proba(X)
    assert np.isfinite(p).all()
    assert (X.tobytes(), y.tobytes()) == before


# --- the same arguments, the same bytes


@pytest.mark.parametrize("name", SPECS)
def test_the_same_task_gives_the_same_bytes_again(name):
    first, second = (run_fit(built_in(name), DATA) for _ in range(2))
    assert first.error == ""
    assert first.predictions.tobytes() == second.predictions.tobytes()
    assert (first.model, first.fold, first.n_train, len(first.predictions)) == (name, 0, N_TRAIN, N_TEST)


@pytest.mark.parametrize(
    "name",
    sorted(name for name in SPECS if name in QUICK and name != "gradient-boosting"),  # it draws at random for stopping
)
def test_the_seed_reaches_the_models_that_draw_at_random(name):
    one, other = (run_fit(built_in(name, seed=seed), DATA).predictions for seed in (1, 2))
    assert one.tobytes() != other.tobytes()


def test_a_fit_leaves_the_global_generators_alone():
    import torch

    np.random.seed(3)
    torch.manual_seed(3)
    before = np.random.get_state()[1].tobytes(), torch.random.get_rng_state().numpy().tobytes()
    for name in SPECS:
        run_fit(built_in(name), DATA)
    assert (np.random.get_state()[1].tobytes(), torch.random.get_rng_state().numpy().tobytes()) == before


@pytest.mark.parametrize(
    "arguments, seed",
    # The first four bytes of SHA-256 of "run|model|replicate", as sha256sum gives them, without the sign bit.
    [
        ((0, "logistic"), 1282413865),
        ((0, "ridge"), 847487897),
        ((1, "logistic"), 395681477),
        ((0, "logistic", 1), 144466026),
    ],
    ids=["a model", "another model", "another run", "another replicate"],
)
def test_seeds_are_pinned(arguments, seed):
    assert fit_seed(*arguments) == seed


def test_seeds_differ_by_run_model_and_replicate_and_fit_in_31_bits():
    names = ("logistic", "ridge", "mlp", "a", "b")
    seeds = {fit_seed(run, name, k) for run in range(20) for name in names for k in range(5)}
    assert len(seeds) == 500
    assert all(0 <= seed < 2**31 for seed in seeds)


# --- what a model is given


@pytest.mark.parametrize(
    "name, arguments, expected",
    [
        ("sort", {"answer": 0.75}, 0.75),
        ("sort", {"fault": "seed", "seed": 2**30}, 0.25),
        ("sort", {"fault": "threads", "threads": 2}, 0.02),
        ("sort", {"fault": "rows"}, N_TRAIN / 1000),
        ("closed", {"answer": 0.4}, 0.4),
    ],
    ids=["parameters", "seed", "threads", "training rows", "neither seed nor threads, if not asked for"],
)
def test_a_model_is_given(name, arguments, expected):
    assert run_fit(task(name, **arguments), DATA).predictions.tolist() == [expected] * N_TEST


def test_a_model_of_bars_sees_each_rows_last_bars_oldest_first():
    result = run_fit(task("window", fault="bars"), DATA)
    dataset = DATA.dataset
    assert result.error == ""
    assert result.predictions.tolist() == (dataset.ohlcv[dataset.context[DATA.folds[0].test], 3] / 1000).tolist()


def test_a_model_that_writes_to_its_rows_changes_only_its_own():
    text = PLUGIN.replace("self.seen =", "X[:] = 0; self.seen =").replace(
        "p = self.predict(X)", "p = self.predict(X); X[:] = 7"
    )
    spoiler = replace(task(), plugin=Reference("model", "sort", "", LocalSource(LOCAL.path, text)))
    before = DATA.dataset.X.tobytes()
    assert run_fit(spoiler, DATA).error == ""
    assert DATA.dataset.X.tobytes() == before


@pytest.mark.parametrize("answer, expected", [(-0.2, 0.0), (0.3, 0.3), (1.7, 1.0)])
def test_a_regression_on_classes_is_clipped_to_a_probability(answer, expected):
    few = FitData(DATA.dataset, (fold_at(0, test=20),))  # more of them, and they are taken for scores
    assert run_fit(task("number", answer=answer), few).predictions.tolist() == [expected] * 20
    assert run_fit(task("number", answer=answer, binary=False), DATA).predictions.tolist() == [answer] * N_TEST


# --- failures are values


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"fault": "fit"}, "ValueError: no luck"),
        ({"fault": "nan"}, "predictions must be finite; 1 of 60 values of 'p' are not, the first in row 2"),
        ({"fault": "short"}, r"predict_proba of 256 rows must have shape (256,); it had (255,)"),
        ({"fault": "missing class"}, "the fitted classifier does not know class 1; its classes are [0]"),
        ({"answer": 1.5}, "probabilities must lie in 0..1; 'p' was 1.5..1.5"),
        ({"answer": -0.5}, "probabilities must lie in 0..1; 'p' was -0.5..-0.5"),
        ({"no_such": 1}, "TypeError: Model.__init__() got an unexpected keyword argument 'no_such'"),
    ],
    ids=["raises", "nan", "too few rows", "missing class", "above one", "below zero", "unknown parameter"],
)
def test_a_failed_fit_is_a_value_with_the_reason(arguments, error):
    result = run_fit(task(**arguments), DATA)
    assert result.error == error
    assert np.isnan(result.predictions).all()
    assert len(result.predictions) == N_TEST
    assert "Traceback" in result.trace


def test_a_regression_must_give_one_number_per_row():
    assert "must have shape (256,); it had (256, 3)" in run_fit(task("number", fault="shape"), DATA).error


def test_labels_of_one_class_fail_and_say_so():
    one_class = FitData(replace(DATA.dataset, y=np.zeros(len(DATA.dataset))), DATA.folds)
    assert "class" in run_fit(built_in("logistic"), one_class).error


def test_a_models_warning_becomes_a_note():
    result = run_fit(task(fault="warns"), DATA)
    assert (result.error, result.notes) == ("", ("UserWarning: mind the gap",))
    assert run_fit(task(), DATA).notes == ()


def test_built_in_factories_take_seed_and_threads_by_the_names_the_platform_passes():
    for name in ("random-forest", "xgboost", "lightgbm", "catboost", "mlp"):
        assert {"random_state", "n_jobs"} <= set(inspect.signature(SPECS[name].resolve()).parameters)
        assert isinstance(SPECS[name], ModelSpec)


# --- what is no probability


def test_a_regression_of_a_class_is_cut_to_0_and_1_and_fails_by_no_row_of_its_fold():
    data = FitData(make_dataset(n=N_TRAIN + 300), (fold_at(0, test=300),))
    some = run_fit(task("number", fault="beyond", answer=0.2), data)
    assert some.error == ""
    assert ((some.predictions == 1).sum(), (some.predictions > 1).sum()) == (62, 0)
    # Whether a member takes part in a fold is decided before its first bar: what it answers later cannot tell.
    all_beyond = run_fit(task("number", fault="beyond", answer=1.0), data)
    assert (all_beyond.error, set(all_beyond.predictions)) == ("", {1.0})


# --- what a fit told of its training rows


@pytest.mark.parametrize(("name", "binary"), [("sort", True), ("number", False)])
def test_what_was_learnt_by_heart_is_all_right_in_sample_and_nothing_after_it(name, binary):
    data = DATA if binary else FitData(numbers(N_TRAIN + N_TEST), (fold_at(0),))
    found = run_fit(task(name, binary=binary, fault="by heart"), data)
    assert (found.error, found.in_sample) == ("", 1.0)
    labels = data.dataset.y[N_TRAIN:]
    assert right_directions(labels, found.predictions, binary) == np.mean(labels <= 0.5 if binary else labels > 0.0)


def test_who_does_not_want_it_has_the_same_forecasts():
    asked, unasked = run_fit(task(answer=0.7), DATA), run_fit(replace(task(answer=0.7), in_sample=False), DATA)
    assert math.isnan(unasked.in_sample)
    assert unasked.predictions.tobytes() == asked.predictions.tobytes()


def test_of_a_constant_it_is_the_share_of_labels_on_its_side():
    assert run_fit(task(answer=0.7), DATA).in_sample == pytest.approx(DATA.dataset.y[:N_TRAIN].mean())


def test_the_latest_rows_that_it_learnt_from_are_asked_and_none_that_was_held_back():
    for name, train in (("held", N_TRAIN), ("sort", ASKED_AGAIN + 50)):
        data = FitData(make_dataset(n=train + N_TEST), (fold_at(0, train),))
        found = run_fit(task(name, fault="by heart"), data)
        assert (found.error, found.in_sample) == ("", 1.0)


def test_a_model_that_cannot_be_asked_twice_loses_the_figure_and_not_the_fit():
    found = run_fit(task(fault="second time", answer=0.7), DATA)
    assert found.error == ""
    assert math.isnan(found.in_sample)
    assert found.predictions.tolist() == [0.7] * N_TEST
