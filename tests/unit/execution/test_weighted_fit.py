"""Weights and places of rows reach the models that name them, and only their keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import quorate
from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.task import FitData, FitTask
from quorate.execution.weighing import Weigh, weights_of
from quorate.plugins.provider import Reference
from quorate.plugins.specs import ModelSpec
from quorate_plugins import deep, models
from quorate_plugins.deep.model import fit_together
from quorate_plugins.deep.models import mlp

N, SYMBOLS = 240, 3
DAY = np.timedelta64(1, "D")
QUICK = {
    "random-forest": {"n_estimators": 8},
    "gradient-boosting": {"max_iter": 5},
    "gradient-boosting-exact": {"n_estimators": 20, "min_samples_leaf": 10},
    "xgboost": {"n_estimators": 20, "min_child_weight": 1.0},
    "xgboost-ranker": {"n_estimators": 20},
    "lightgbm": {"n_estimators": 5},
    "lightgbm-ranker": {"n_estimators": 5, "min_child_samples": 5},
    "catboost": {"iterations": 5},
    "logistic": {"C": 1.0},
    "ridge": {"alpha": 1.0},
    "lasso": {"alpha": 0.001},
    "elastic-net": {"alpha": 0.001},
    "mlp": {"epochs": 30, "learning_rate": 0.01},
    "tabm": {"epochs": 30, "members": 2, "hidden": 8, "learning_rate": 0.01},
}
SPECS = {spec.name: spec for spec in (*models.quorate_models(), *deep.quorate_models())}
ROWS = sorted(name for name, spec in SPECS.items() if spec.input == "rows" and not spec.baseline)
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(N, 2)).astype(np.float32)


def weigh(name: str, **params: object) -> Weigh:
    return Weigh(Reference("weight", name, "quorate_plugins.weights"), params)


DECAY = (weigh("time-decay", last=-0.5),)


def dataset(binary: bool, seen: int = 0) -> Dataset:
    """Three symbols, of which the last lists late; in the older half of the bars labels are turned round."""
    bar, symbol = np.divmod(np.arange(N), SYMBOLS)
    y = X[:, 0].astype(np.float64) * np.where(bar < bar.max() / 2, -1, 1)
    y = (y > 0).astype(float) if binary else y
    empty = np.empty((0, 2), dtype=np.float32)
    first = np.datetime64("2020-01-01T21", "us") - seen * DAY
    times = first + np.arange(seen + N // SYMBOLS) * DAY
    ends, bars = bar + seen + 1, np.empty((N, 5))
    return Dataset(X, ("a", "b"), bar + seen, symbol, y, ends, bars, np.arange(N), empty, times=times)


def fold(rows: Dataset) -> Fold:
    train = np.flatnonzero((np.arange(N) < 180) & ((rows.symbol < 2) | (np.arange(N) > 90)))
    return Fold(0, int(rows.bar[180]), int(rows.bar[-1]) + 1, train, np.arange(180, N))


class Told:
    """Predicts what it was told, so that it can be looked at."""

    def fit(self, X, y, bar, symbol, sample_weight=None):
        self.bar_, self.symbol_, self.weights_ = bar.copy(), symbol.copy(), sample_weight
        return self

    def predict(self, X, symbol):
        return symbol + 0.001 * (0.0 if self.weights_ is None else float(self.weights_[0]))


TOLD = ModelSpec("told", Told, task="regression")


def task(spec: ModelSpec, binary: bool, **more) -> FitTask:
    local = Reference("model", spec.name, spec.provider.module if spec.provider else "tests", inline=spec)
    params = {**QUICK.get(spec.name, {}), **({"task": "classification"} if spec.task == "any" and binary else {})}
    params |= {"task": "regression"} if spec.task == "any" and not binary else {}
    return FitTask(spec.name, 0, local, params, 3, 1, binary, **more)


def predictions(one: FitTask, rows: Dataset) -> np.ndarray:
    result = run_fit(one, FitData(rows, (fold(rows),)))
    assert not result.error, f"{result.error}\n{result.trace}"
    return result.predictions


@pytest.mark.parametrize("name", ROWS)
def test_every_built_in_model_learns_from_what_weighs(name):
    binary = SPECS[name].task == "classification"
    rows = dataset(binary)
    plain, weighted = (predictions(task(SPECS[name], binary, weights=how), rows) for how in ((), DECAY))
    true = rows.y[180:]
    # The older half, which weighs nothing, says the opposite of what comes.
    without, found = (np.cov(one, true)[0, 1] for one in (plain, weighted))
    assert found > max(without, 0.0)
    assert np.corrcoef(weighted, true)[0, 1] > 0.3


@pytest.mark.parametrize("name", ["linear", "ridge"])
def test_a_row_that_weighs_twice_is_a_row_that_is_there_twice(name):
    spec, y = SPECS[name], dataset(False).y
    twice = np.concatenate([np.arange(N), np.arange(0, N, 2)])
    weights = np.where(np.arange(N) % 2, 1.0, 2.0)
    one = spec.resolve()().fit(X, y, sample_weight=weights)
    assert one.predict(X) == pytest.approx(spec.resolve()().fit(X[twice], y[twice]).predict(X), abs=1e-6)


def test_networks_train_together_by_their_weights_as_each_alone():
    y, held = dataset(False).y, (X[:40], dataset(False).y[:40])
    weights = [(RANDOM.random(N) + 0.1, np.ones(40)), (RANDOM.random(N) + 0.1, np.linspace(0.5, 1.5, 40))]
    make = [mlp(epochs=2, task="regression", random_state=seed) for seed in (1, 2)]
    alone = [mlp(epochs=2, task="regression", random_state=seed) for seed in (1, 2)]
    assert fit_together(make, [(X, y)] * 2, [held] * 2, weights=weights) == ["", ""]
    for together, one, (own, of_held) in zip(make, alone, weights, strict=True):
        one.fit(X, y, held, sample_weight=own, validation_weight=of_held)
        assert together.predict(X).tobytes() == one.predict(X).tobytes()
        assert one.history_.epochs["val_loss"] == together.history_.epochs["val_loss"]
    assert (
        make[0].predict(X).tobytes()
        != mlp(epochs=2, task="regression", random_state=1).fit(X, y, held).predict(X).tobytes()
    )


def test_a_model_is_told_the_places_of_its_rows_as_they_count_from_its_training_rows():
    rows, seen = dataset(False), {}

    class Looks(Told):
        def fit(self, X, y, bar, symbol, sample_weight=None):
            seen["fit"] = bar, symbol, sample_weight
            return super().fit(X, y, bar, symbol, sample_weight)

    one = fold(rows)
    result = run_fit(task(replace(TOLD, function=Looks), False, weights=DECAY), FitData(rows, (one,)))
    bar, symbol, weights = seen["fit"]
    assert bar.tolist() == (rows.bar[one.train] - rows.bar[0]).tolist()
    assert symbol.tolist() == rows.symbol[one.train].tolist()
    assert weights == pytest.approx(weights_of(task(TOLD, False, weights=DECAY), rows, one.train))
    assert np.rint(result.predictions).tolist() == rows.symbol[one.test].tolist()


class Timed:
    """Predicts the hours of each row's close since 1970."""

    def fit(self, X, y, time, validation=None, validation_time=None):
        self.seen_, self.held_ = time.copy(), validation_time
        return self

    def predict(self, X, time):
        assert time.dtype == np.dtype("datetime64[us]")
        return time.astype("datetime64[h]").astype(float)


def test_a_model_is_told_the_close_of_each_row_s_bar_whatever_else_there_is():
    rows, seen = dataset(False), {}

    class Looks(Timed):
        def fit(self, X, y, time, validation=None, validation_time=None):
            seen["fit"] = time, validation_time
            return super().fit(X, y, time)

    one = fold(rows)
    spec = ModelSpec("timed", Looks, task="regression", validation=0.2)
    result = run_fit(task(spec, False), FitData(rows, (one,)))
    assert not result.error, result.trace
    trained, held = seen["fit"]
    assert held.min() > trained.max()
    assert {*trained, *held} <= {*rows.times[rows.bar[one.train]]}
    assert result.predictions.tolist() == rows.times[rows.bar[one.test]].astype("datetime64[h]").astype(float).tolist()

    path = np.column_stack([rows.y, rows.y])
    both = replace(rows, steps=(1, 2), path=path, path_end=np.column_stack([rows.end, rows.end + 1]))
    by_step = run_fit(task(replace(spec, validation=0.0), False, steps=(1, 2), step=1), FitData(both, (one,)))
    assert by_step.outputs["mean@2"].tolist() == result.predictions.tolist()

    def key(spec, data):
        [keyed] = with_keys([task(spec, False)], FitData(data, (fold(data),)))
        return keyed.key

    moved = replace(rows, times=rows.times + np.timedelta64(1, "h"))
    assert key(spec, rows) == key(spec, dataset(False, seen=7))  # earlier bars are no part of it
    assert key(spec, rows) != key(spec, moved)
    assert key(SPECS["ridge"], rows) == key(SPECS["ridge"], moved)


def test_a_symbol_that_did_not_train_is_told_as_none_whatever_its_column():
    rows = dataset(False)
    one = fold(rows)
    last = replace(one, train=one.train[rows.symbol[one.train] > 0])
    result = run_fit(task(TOLD, False), FitData(rows, (last,)))
    assert np.rint(result.predictions).tolist() == (rows.symbol[one.test] - 1).tolist()


def test_keys_cover_weights_and_places_where_a_model_reads_them():
    rows, later = dataset(False), dataset(False, seen=7)
    renamed = replace(rows, symbol=(rows.symbol + 1) % SYMBOLS)

    def key(spec, data, **more):
        [one] = with_keys([task(spec, False, **more)], FitData(data, (fold(rows),)))
        return one.key

    ridge = SPECS["ridge"]
    assert key(ridge, rows) == key(ridge, renamed)
    assert key(ridge, rows) != key(ridge, rows, weights=DECAY) != key(ridge, rows, weights=(weigh("uniqueness"),))
    assert key(TOLD, rows) == key(TOLD, later)  # bars count from the first training row
    assert key(TOLD, rows) != key(TOLD, renamed)


def test_a_model_that_is_fitted_for_each_step_gets_weights_and_places():
    rows = dataset(False)
    path = np.column_stack([rows.y, rows.y])
    both = replace(rows, steps=(1, 2), path=path, path_end=np.column_stack([rows.end, rows.end + 1]))
    result = run_fit(task(TOLD, False, steps=(1, 2), step=1, weights=DECAY), FitData(both, (fold(rows),)))
    assert not result.error, result.trace
    assert np.rint(result.outputs["mean@2"]).tolist() == rows.symbol[180:].tolist()
    assert (result.outputs["mean@2"] % 1 > 0).all() or not weights_of(
        task(TOLD, False, weights=DECAY), both, fold(rows).train
    )[0]


@pytest.mark.parametrize(
    "more", [{"lengths": True}, {"together": "a:b"}, {"onnx": "a:b", "state_dict": "a:b", "load_state_dict": "a:b"}]
)
def test_what_is_told_no_places_cannot_be_combined_with_them(more):
    with pytest.raises(quorate.errors.PluginError, match="is told no places"):
        ModelSpec("x", "a:b", places=("bar",), **more)


def test_a_weight_whose_code_is_another_than_when_the_run_began_fails_the_fit():
    rows = dataset(False)
    data = FitData(rows, (fold(rows),))
    [keyed] = with_keys([task(SPECS["ridge"], False, weights=DECAY)], data)
    assert keyed.weights[0].code
    assert not run_fit(keyed, data).error
    other = replace(keyed, weights=(replace(keyed.weights[0], code="0" * 64),))
    assert "the code of weight 'time-decay'" in run_fit(other, data).error
    assert keyed.kin == replace(keyed, weights=(replace(keyed.weights[0], params={"last": -0.5}),)).kin
