"""Models that give quantiles where a recipe asks for them: names by parameters, levels that hold, nothing crossed."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import quorate
from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.errors import PluginError, RecipeError
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.outputs import predict
from quorate.execution.state import restored, state_of
from quorate.execution.task import FitData, FitTask
from quorate.plugins.provider import Reference
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import Recipe
from quorate_plugins.models import quorate_models

REGISTRY = Registry.load()
SPECS = {spec.name: spec for spec in quorate_models()}
QUICK = {
    "gradient-boosting": {"max_iter": 30},
    "xgboost": {"n_estimators": 30},
    "lightgbm": {"n_estimators": 30},
    "catboost": {"iterations": 30},
}
N, TRAIN = 1500, 1000
LEVELS = [0.9, 0.1, 0.5]  # in no order


@pytest.fixture(scope="module")
def data():
    """Rows whose label is a number with a spread that the first feature tells."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, 3)).astype(np.float32)
    y = 0.01 * X[:, 1].astype(np.float64) + 0.01 * np.exp(0.5 * X[:, 0]) * rng.normal(size=N)
    at = np.arange(N)
    zeros = np.zeros(N, dtype=np.int64)
    dataset = Dataset(X, tuple("abc"), at, zeros, y, np.minimum(at + 2, NEVER), np.ones((N, 5)), at, X)
    return FitData(dataset, (Fold(0, TRAIN, N, np.arange(TRAIN - 2), np.arange(TRAIN, N)),))


def task(name, **params):
    options = {"task": "regression", **QUICK[name], **params}
    return FitTask(name, 0, Reference("model", name, "quorate_plugins.models"), options, 1, 1, False)


@pytest.mark.parametrize("name", QUICK)
def test_a_booster_gives_the_quantiles_that_it_is_asked_for(name, data):
    found = run_fit(task(name, quantiles=LEVELS), data)
    assert found.error == ""
    assert set(found.outputs) == {"q0.1", "q0.9"}
    y = data.dataset.y[TRAIN:]
    low, middle, high = found.outputs["q0.1"], found.predictions, found.outputs["q0.9"]
    assert (low <= middle).all()
    assert (middle <= high).all()
    for level, values in ((0.1, low), (0.5, middle), (0.9, high)):
        assert np.mean(y <= values) == pytest.approx(level, abs=0.06)
    # What makes the spread is seen in it.
    assert np.corrcoef(high - low, np.exp(0.5 * data.dataset.X[TRAIN:, 0]))[0, 1] > 0.5


def test_a_key_knows_the_quantiles_and_not_that_a_model_could_give_some(data):
    plain, unasked, few, more = with_keys(
        [
            task("lightgbm"),
            replace(task("lightgbm", quantiles=None), model="same"),
            replace(task("lightgbm", quantiles=[0.1, 0.5]), model="few"),
            replace(task("lightgbm", quantiles=[0.1, 0.5, 0.9]), model="more"),
        ],
        data,
    )
    assert plain.key == unasked.key
    assert len({plain.key, few.key, more.key}) == 3


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost"])
def test_a_model_of_quantiles_is_made_of_its_state_and_tells_contributions_to_the_median(name, data):
    spec = SPECS[name].for_label("regression", {"quantiles": LEVELS})
    X, y = data.dataset.X[:TRAIN], data.dataset.y[:TRAIN]
    make = spec.resolve()
    options = {**QUICK[name], "task": "regression", "quantiles": LEVELS}
    model = make(**options).fit(X, y)
    again = restored(spec, make(**options), state_of(spec, model))
    outputs, others = (predict(one, spec, X, False)[1] for one in (model, again))
    assert all(np.array_equal(values, others[name]) for name, values in outputs.items())
    values = spec.explainer()(model, X)
    assert values.shape == (TRAIN, 4)
    middle = np.asarray(model.predict(X))[:, 1]
    np.testing.assert_allclose(values.sum(axis=1), middle, rtol=1e-3, atol=1e-5)


# --- names by parameters


def names(params):
    return [f"q{level:g}" for level in params.get("levels", ())]


def test_outputs_may_be_a_function_of_the_parameters():
    spec = ModelSpec("m", print, task="any", outputs=names)
    assert spec.named == ()
    asked = spec.for_label("regression", {"levels": [0.1, 0.5]})
    assert (asked.task, asked.named, asked.prediction) == ("regression", ("q0.1", "q0.5"), "q0.5")
    assert spec.for_label("regression").named == ()
    assert replace(spec, params={"levels": [0.5]}).for_label("regression").named == ("q0.5",)
    lazy = ModelSpec("m", print, task="any", outputs="quorate_plugins.models.quantiles:outputs")
    assert lazy.for_label("regression", {"quantiles": [0.9, 0.5]}).named == ("q0.5", "q0.9")


@pytest.mark.parametrize(
    ("outputs", "params", "said"),
    [
        ("nowhere", {}, "module:attribute"),
        (names, {"levels": [0.1]}, "outputs must hold mean or q0.5; they were ('q0.1',)"),
        (lambda params: ["median"], {}, "an output must be p, p_<class>, mean, sd or q<level>"),
        (lambda params: params["none"], {}, "'none'"),
        ("no_such_module:names", {}, "no_such_module"),
    ],
)
def test_outputs_that_cannot_be_told_say_why(outputs, params, said):
    with pytest.raises(PluginError, match=re.escape(said)):
        ModelSpec("m", print, task="any", outputs=outputs).for_label("regression", params)


@pytest.mark.parametrize(
    ("label", "quantiles", "said"),
    [
        ("return", [0.1, 0.9], "models.lightgbm: model 'lightgbm': quantiles must hold 0.5"),
        ("return", [0.5], "and others, each once"),
        ("return", [0.5, 0.5], "each once"),
        ("return", [0.0, 0.5], "must lie in 0.0001..0.9999; they were [0.0, 0.5]"),
        ("direction", [0.1, 0.5], 'this label is a class: leave them out, or set labels.name = "return"'),
        ("return", "0.5", "models.lightgbm.quantiles must"),
    ],
)
def test_a_recipe_that_asks_for_quantiles_that_cannot_be_is_refused_before_anything_is_fitted(label, quantiles, said):
    asked = {"quantiles": quantiles}
    recipe = Recipe.model_validate({"name": "x", "labels": {"name": label}, "models": {"lightgbm": asked}})
    with pytest.raises(RecipeError, match=re.escape(said)):
        resolve(recipe, REGISTRY)


# --- at the border


class Crossing:
    """Gives a low quantile above the median in every second row."""

    def predict(self, X):
        turned = np.arange(len(X)) % 2
        return np.column_stack([1.0 + turned, np.full(len(X), 1.5), np.full(len(X), 3.0)])


def test_quantiles_that_cross_are_sorted_and_that_is_told():
    spec = ModelSpec("m", Crossing, task="regression", outputs=("q0.1", "q0.5", "q0.9"))
    with pytest.warns(UserWarning, match="quantiles crossed, and were sorted"):
        middle, outputs = predict(Crossing(), spec, np.zeros((4, 1)), False)
    columns = [outputs["q0.1"], middle, outputs["q0.9"]]
    assert all((low <= high).all() for low, high in pairwise(columns))
    assert outputs["q0.1"].tolist() == [1.0, 1.5, 1.0, 1.5]
    assert middle.tolist() == [1.5, 2.0, 1.5, 2.0]


def test_the_public_spec_takes_a_function():
    assert quorate.ModelSpec("m", print, outputs=names).outputs is names
