"""Labels of several steps: learnt at once or one by one, named, keyed by all of them, and never known too early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.state import State
from quorate.execution.steps import hold_back
from quorate.execution.task import FitData, FitTask
from quorate.plugins.provider import Reference
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.runs.audit.detectors import _with_shuffled_labels
from quorate.walkforward.layout import WalkForward
from quorate_plugins import deep, models

SPECS = {spec.name: spec for spec in (*models.quorate_models(), *deep.quorate_models())}
STEPS, OWN = (1, 2, 5), 2
N, TRAIN = 500, 400
QUICK = {
    "ridge": {},
    "lasso": {"alpha": 0.001},
    "linear": {},
    "elastic-net": {"alpha": 0.001},
    "random-forest": {"n_estimators": 10},
    "mlp": {"epochs": 40},
    "lightgbm": {"n_estimators": 20},
    "past-mean": {},
    "persistence": {},
}


@pytest.fixture(scope="module")
def data():
    """Rows whose label of each step is another feature, of another size."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, 3)).astype(np.float32)
    path = X.astype(np.float64) * np.array([0.01, 0.02, 0.05]) + 0.002 * rng.normal(size=(N, 3))
    at = np.arange(N)
    ends = np.minimum(at[:, None] + 1 + np.array(STEPS), NEVER)
    prices = np.exp(np.cumsum(rng.normal(0, 0.01, (N + 2, 5)), axis=0))
    dataset = Dataset(
        X, tuple("abc"), at, at * 0, path[:, 1], ends[:, 1], prices, at + 1, X, steps=STEPS, path=path, path_end=ends
    )
    return FitData(dataset, (Fold(0, TRAIN, N, np.arange(TRAIN - 6), np.arange(TRAIN, N)),))


def task(name, steps=STEPS, **params):
    told = {"task": "regression"} if SPECS[name].task == "any" else {}
    plugin = Reference("model", name, "quorate_plugins.deep" if name == "mlp" else "quorate_plugins.models")
    options = {**QUICK[name], **told, **params}
    return FitTask(name, 0, plugin, options, 1, 1, False, steps=steps, step=OWN if steps else 0)


@pytest.mark.parametrize("name", QUICK)
def test_every_model_forecasts_every_step(name, data):
    found = run_fit(task(name), data)
    assert found.error == ""
    assert set(found.outputs) == {"mean@1", "mean@5"}
    if SPECS[name].baseline:
        return
    y = data.dataset.path[TRAIN:]
    for column, values in enumerate((found.outputs["mean@1"], found.predictions, found.outputs["mean@5"])):
        assert np.corrcoef(values, y[:, column])[0, 1] > 0.8
        assert abs(values.mean() - y[:, column].mean()) < y[:, column].std() / 3
        assert values.std() < 1.2 * y[:, column].std()


@pytest.mark.parametrize("name", ["ridge", "lightgbm"])
def test_the_step_that_is_traded_is_forecast_as_if_it_were_alone(name, data):
    """One model for each step, or one for all whose steps do not share what they learn."""
    several, alone = run_fit(task(name), data), run_fit(task(name, steps=()), data)
    np.testing.assert_allclose(several.predictions, alone.predictions, rtol=1e-6, atol=1e-9)
    assert several.in_sample == alone.in_sample
    if not SPECS[name].steps:
        assert several.predictions.tobytes() == alone.predictions.tobytes()


@pytest.mark.parametrize("name", [name for name in QUICK if not SPECS[name].baseline])
def test_a_model_of_several_steps_is_kept_and_predicts_the_same_again(name, data):
    more = {"quantiles": [0.1, 0.5, 0.9]} if name == "lightgbm" else {}
    found = run_fit(replace(task(name, **more), keep=True), data)
    assert isinstance(found.kept, State), found.kept


def test_quantiles_of_every_step_are_named_by_both(data):
    found = run_fit(task("lightgbm", quantiles=[0.1, 0.5, 0.9]), data)
    assert set(found.outputs) == {
        "q0.1", "q0.9", *(f"q{level}@{step}" for level in (0.1, 0.5, 0.9) for step in (1, 5)),
    }  # fmt: skip
    assert (found.outputs["q0.1@5"] <= found.outputs["q0.9@5"]).all()


def test_a_key_covers_the_labels_of_every_step_and_a_fit_of_one_step_has_the_key_it_had(data):
    dataset = data.dataset
    plain = replace(dataset, steps=(), path=np.empty((0, 0)), path_end=np.empty((0, 0), dtype=np.int64))
    other = dataset.path.copy()
    other[0, 2] += 1
    [before] = with_keys([task("ridge", steps=())], FitData(plain, data.folds))
    [alone] = with_keys([task("ridge", steps=())], data)
    [several] = with_keys([task("ridge")], data)
    [changed] = with_keys([task("ridge")], FitData(replace(dataset, path=other), data.folds))
    [fewer] = with_keys([replace(task("ridge"), steps=(1, 2))], data)
    assert before.key == alone.key
    assert len({alone.key, several.key, changed.key, fewer.key}) == 4


def test_a_tail_is_held_back_from_rows_whose_longest_label_reaches_into_it(data):
    rows = data.folds[0].train
    train, tail = hold_back(replace(SPECS["ridge"], validation=0.25), data.dataset, rows)
    assert data.dataset.path_end[train].max() < data.dataset.bar[tail].min()
    assert data.dataset.end[train].max() < data.dataset.bar[tail].min() - 3 + 1


def test_labels_that_are_shuffled_are_shuffled_in_every_step(data):
    walk = WalkForward(Recipe.model_validate({"name": "x"}), Registry(()), None, data.dataset, [], {}, False, None)
    other = _with_shuffled_labels(walk, 1).dataset
    assert not np.array_equal(other.path, data.dataset.path)
    np.testing.assert_array_equal(other.y, other.path[:, 1])
    np.testing.assert_array_equal(np.sort(other.path, axis=0), np.sort(data.dataset.path, axis=0))
