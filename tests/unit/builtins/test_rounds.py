"""Boosters and forests: their fits are what the libraries make of them, they tell losses, and go on from others."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble, metrics

from quorate.execution import portable
from quorate.execution.state import onnx_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate_plugins.models import forests, trees
from quorate_plugins.models.rounds import EVERY, history

REGISTRY = Registry.load(environment=False)
ROUNDS, FURTHER = 12, 7
SIZE = {"catboost": "iterations", "gradient-boosting": "max_iter"}
GROWING = ("xgboost", "lightgbm", "catboost", "gradient-boosting-exact", "random-forest")
QUANTILES = [0.1, 0.5, 0.9]


def made(name: str, task: str = "regression", **params: Any) -> Any:
    further = {"warm_trees" if name == "random-forest" else "warm_rounds": FURTHER} if name in GROWING else {}
    size = {SIZE.get(name, "n_estimators"): ROUNDS}
    return REGISTRY.get(ModelSpec, name).resolve()(**{**size, **further, **params}, task=task)


@pytest.fixture(name="rows", scope="module")
def _rows() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    draws = np.random.default_rng(3)
    X = draws.standard_normal((400, 4)).astype(np.float32)
    y = X[:, 0] + draws.standard_normal(400)
    return X, {"regression": y, "classification": (y > 0).astype(np.int64)}


def again(name: str, model: Any, task: str = "regression", **params: Any) -> Any:
    state, load = REGISTRY.get(ModelSpec, name).keeper()  # type: ignore[misc]
    return load(made(name, task, **params), state(model))


def raw(name: str, model: Any, X: Any, trees: int | None) -> np.ndarray:
    """Return what the first trees of a model say, or all."""
    if name == "xgboost":
        return model.predict(X, output_margin=True, iteration_range=(0, trees or 0))
    if name == "lightgbm":
        return model.predict(X, raw_score=True, num_iteration=trees or -1)
    if name == "catboost":
        return model.predict(X, prediction_type="RawFormulaVal", ntree_end=trees or 0)
    if name == "random-forest":
        return np.sum([one.predict(X) for one in model.estimators_[:trees]], axis=0)
    part = copy.copy(model)
    part.estimators_ = model.estimators_[:trees]
    return part._raw_predict(X)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", GROWING)
def test_a_model_that_goes_on_keeps_the_trees_of_its_start_and_adds_its_own(rows: Any, name: str, task: str) -> None:
    X, y = rows[0], rows[1][task]
    first = made(name, task).fit(X[:200], y[:200])
    start = again(name, first, task)
    grown = made(name, task).fit(X[200:], y[200:], start=start)
    assert np.array_equal(raw(name, first, X, None), raw(name, grown, X, ROUNDS))
    start = again(name, first, task)
    made(name, task, random_state=9).fit(X[:90], y[:90])  # which draws
    same = made(name, task).fit(X[200:], y[200:], start=start)
    whole, other = (raw(name, one, X, ROUNDS + FURTHER) for one in (again(name, grown, task), same))
    assert not np.array_equal(raw(name, first, X, None), whole)
    assert np.array_equal(whole, other)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", GROWING)
def test_its_further_rounds_lessen_what_the_start_left_of_its_own_rows(rows: Any, name: str, task: str) -> None:
    X, y = rows[0], rows[1][task]
    start = made(name, task).fit(X[:200], y[:200])
    grown = made(name, task, **({"learning_rate": 0.3} if name != "random-forest" else {}))
    grown.fit(X[200:], y[200:], start=start)

    def error(model: Any) -> float:
        forecast = model.predict_proba(X[200:])[:, 1] if task == "classification" else model.predict(X[200:])
        return float(np.mean((y[200:] - forecast) ** 2))

    assert error(grown) < error(start)


@pytest.mark.parametrize("name", GROWING)
def test_a_model_that_went_on_is_exported_with_all_its_trees(rows: Any, name: str) -> None:
    pytest.importorskip("onnxruntime")
    X, y = rows[0], rows[1]["classification"]
    start = again(name, made(name, "classification").fit(X[:200], y[:200]), "classification")
    grown = made(name, "classification").fit(X[200:], y[200:], start=start)
    spec = REGISTRY.get(ModelSpec, name).for_label("classification")
    content = portable.finished(onnx_of(spec, grown, 4), spec, 4, {})
    assert np.allclose(portable.answers(content, X)[:, 0], grown.predict_proba(X)[:, 1], atol=1e-5)


@pytest.mark.parametrize("name", ["gradient-boosting-exact", "random-forest"])
def test_a_fit_without_a_start_forgets_the_one_with(rows: Any, name: str) -> None:
    X, y = rows[0], rows[1]["regression"]
    model = made(name).fit(X[:200], y[:200], start=made(name).fit(X[200:], y[200:]))
    size = len(model.estimators_)
    assert np.array_equal(model.fit(X, y).predict(X), made(name, n_estimators=size).fit(X, y).predict(X))


def test_fewer_than_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="warm_rounds must be 0 or more; it was -1"):
        trees.xgboost(warm_rounds=-1)
    with pytest.raises(ValueError, match="warm_trees must be 0 or more; it was -1"):
        forests.random_forest(warm_trees=-1)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_each_quantile_goes_on_from_its_own(rows: Any, name: str) -> None:
    X, y = rows[0], rows[1]["regression"]
    first = made(name, quantiles=QUANTILES).fit(X[:200], y[:200])
    start = again(name, first, quantiles=QUANTILES)
    still = made(name, quantiles=QUANTILES, warm_rounds=0).fit(X[200:], y[200:], start=start)
    assert np.array_equal(still.predict(X), first.predict(X))
    grown = made(name, quantiles=QUANTILES, warm_rounds=40, learning_rate=0.2).fit(X[200:], y[200:], start=start)
    loss = [
        sum(metrics.mean_pinball_loss(y[200:], one.predict(X[200:])[:, k], alpha=q) for k, q in enumerate(QUANTILES))
        for one in (first, grown)
    ]
    assert loss[1] < loss[0]


@pytest.mark.parametrize("name", GROWING)
def test_other_classes_are_a_cold_start_that_is_told(rows: Any, name: str) -> None:
    X, y = rows[0], rows[1]["classification"]
    start = made(name, "classification").fit(X[:200], y[:200])
    other = np.where(y == 1, 2, 0)
    if name == "xgboost":  # takes none but 0, 1, ...: three of them
        other = np.arange(len(y)) % 3
    with pytest.warns(UserWarning, match=r"begins afresh on this fold: the fold before had the classes \[0, 1\]"):
        grown = made(name, "classification").fit(X[200:], other[200:], start=start)
    fresh = made(name, "classification").fit(X[200:], other[200:])
    assert np.array_equal(grown.predict_proba(X), fresh.predict_proba(X))


def test_one_class_alone_is_a_cold_start_too(rows: Any) -> None:
    X, y = rows[0], rows[1]["classification"]
    start = again("lightgbm", made("lightgbm", "classification").fit(X, y), "classification")
    with pytest.warns(UserWarning, match=r"this one has \[1\]"):
        made("lightgbm", "classification").fit(X[:50], np.ones(50, dtype=np.int64), start=start)


def with_places(X: np.ndarray, levels: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(X.shape[1])])
    frame["place"] = pd.Categorical([("u", "v", "w")[k % 3] for k in range(len(X))], categories=levels)
    return frame


@pytest.mark.parametrize("quantiles", [None, QUANTILES])
@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_other_levels_of_a_category_are_a_cold_start_that_is_told(
    rows: Any, name: str, quantiles: list[float] | None
) -> None:
    """Trees know a level by its place, which a level before it moves."""
    X, y = rows[0], rows[1]["regression"]
    params = {"quantiles": quantiles, **({"categories": ("place",)} if name == "xgboost" else {})}
    same, moved = with_places(X, ["", "u", "v", "w"]), with_places(X, ["", "t", "u", "v", "w"])
    start = again(name, made(name, **params).fit(same[:200], y[:200]), **params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grown = made(name, **params).fit(same[200:], y[200:], start=start)
    with pytest.warns(UserWarning, match="begins afresh on this fold: place has other levels than in the fold before"):
        cold = made(name, **params).fit(moved[200:], y[200:], start=start)
    fresh = made(name, **params).fit(moved[200:], y[200:])
    assert np.array_equal(cold.predict(moved), fresh.predict(moved))
    assert not np.array_equal(grown.predict(same), fresh.predict(moved))


def test_catboost_knows_levels_by_what_they_are(rows: Any) -> None:
    X, y = rows[0], rows[1]["regression"]
    same, moved = with_places(X, ["", "u", "v", "w"]), with_places(X, ["", "t", "u", "v", "w"])
    start = again("catboost", made("catboost", categories=("place",)).fit(same[:200], y[:200]), categories=("place",))
    found = [made("catboost", categories=("place",)).fit(one[200:], y[200:], start=start) for one in (same, moved)]
    assert np.array_equal(raw("catboost", start, same, None), raw("catboost", found[0], same, ROUNDS))
    assert np.array_equal(found[0].predict(same), found[1].predict(moved))
    both = {"categories": ("place",), "quantiles": QUANTILES}
    start = made("catboost", **both).fit(same[:200], y[:200])
    with pytest.raises(ValueError, match="leave out quantiles, features"):
        made("catboost", **both).fit(same[200:], y[200:], start=start)


# --- what is told of rounds


def plain(name: str, task: str) -> Any:
    """Return a booster as its library makes it when nothing is heard of its rounds."""
    model = made(name, task)
    if name == "gradient-boosting":
        return type(model)(**{**model.get_params(), "early_stopping": False})
    own = type(model).__mro__[1]  # the library's
    model.__class__ = own
    return model


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "gradient-boosting"])
def test_hearing_of_losses_changes_no_bit_of_a_fit(rows: Any, name: str, task: str) -> None:
    X, y = rows[0], rows[1][task]
    state, _ = REGISTRY.get(ModelSpec, name).keeper()  # type: ignore[misc]
    heard, unheard = (state(model.fit(X, y)) for model in (made(name, task), plain(name, task)))
    assert heard.keys() == unheard.keys()
    assert all(np.array_equal(heard[key], unheard[key]) for key in heard)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost", "gradient-boosting", "gradient-boosting-exact"])
def test_the_last_loss_is_that_of_the_fitted_model(rows: Any, name: str, task: str) -> None:
    X, y = rows[0], rows[1][task]
    model = made(name, task, **({"subsample": 1.0} if name == "gradient-boosting-exact" else {})).fit(X, y)
    told = history(model)
    assert told is not None
    losses = told["epochs"]["train_loss"]
    known = [k for k, loss in enumerate(losses, 1) if math.isfinite(loss)]
    each = name in ("xgboost", "lightgbm")
    assert known == ([k for k in range(1, ROUNDS + 1) if k % EVERY == 0 or k == ROUNDS] if each else [*range(1, 13)])
    assert np.all(np.diff([losses[k - 1] for k in known]) < 0)
    squared = float(np.mean((y - model.predict(X)) ** 2))
    if task == "classification":
        deviance = 2 if name == "gradient-boosting-exact" else 1
        wanted = deviance * metrics.log_loss(y, model.predict_proba(X))
    else:
        root = {"xgboost": squared**0.5, "catboost": squared**0.5}
        wanted = {**root, "gradient-boosting": squared / 2}.get(name, squared)
    # CatBoost's sigmoid is a fast one.
    assert losses[-1] == pytest.approx(wanted, rel=1e-3 if name == "catboost" else 1e-5)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost", "gradient-boosting"])
def test_of_quantiles_it_is_their_mean_pinball_loss(rows: Any, name: str) -> None:
    X, y = rows[0], rows[1]["regression"]
    model = made(name, quantiles=QUANTILES).fit(X, y)
    found = model.predict(X)
    wanted = np.mean([metrics.mean_pinball_loss(y, found[:, k], alpha=q) for k, q in enumerate(QUANTILES)])
    assert history(model)["epochs"]["train_loss"][-1] == pytest.approx(wanted, rel=1e-4)  # type: ignore[index]


def test_a_model_that_goes_on_tells_of_its_own_rounds_alone(rows: Any) -> None:
    X, y = rows[0], rows[1]["regression"]
    for name in GROWING[:-1]:
        start = made(name).fit(X[:200], y[:200])
        told = history(made(name).fit(X[200:], y[200:], start=start))
        assert told is not None
        assert len(told["epochs"]["train_loss"]) == FURTHER
        assert history(made(name, warm_rounds=0).fit(X[200:], y[200:], start=start)) is None


def test_nothing_is_told_of_what_no_library_recorded(rows: Any) -> None:
    X, y = rows[0], rows[1]["regression"]
    assert history(again("gradient-boosting", made("gradient-boosting").fit(X, y))) is None
    assert REGISTRY.get(ModelSpec, "random-forest").history is None
    assert isinstance(forests.random_forest(), ensemble.RandomForestClassifier)
