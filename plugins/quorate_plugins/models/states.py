"""What the built-in models have learnt, as plain arrays and values, and the models made of it again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = dict[str, Any]


# --- linear models


def linear_state(model: Any) -> State:
    """Return the state of a pipeline of a scaler and a linear model, with a scaled label or without."""
    import numpy as np

    regressor = getattr(model, "regressor_", None)
    scaler, last = (step for _, step in (model if regressor is None else regressor).steps)
    found = {"scaler.mean": scaler.mean_, "scaler.scale": scaler.scale_, "coef": last.coef_}
    found["intercept"] = np.asarray(last.intercept_)
    if hasattr(last, "classes_"):
        found["classes"] = last.classes_
    if regressor is not None:
        found |= {"label.mean": model.transformer_.mean_, "label.scale": model.transformer_.scale_}
    return found


def load_linear(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted pipeline."""
    if "label.mean" in state:
        model.transformer_ = _scaler(model.transformer, state["label.mean"], state["label.scale"])
        model.regressor_, model._training_dim = model.regressor, 1
    scaler, last = (step for _, step in (model.regressor_ if "label.mean" in state else model).steps)
    _scaler(scaler, state["scaler.mean"], state["scaler.scale"])
    last.coef_, last.n_features_in_ = state["coef"], len(state["scaler.mean"])
    last.intercept_ = state["intercept"][()]
    if "classes" in state:
        last.classes_ = state["classes"]
    return model


def _scaler(scaler: Any, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Any:
    scaler.mean_, scaler.scale_, scaler.var_ = mean, scale, scale**2
    scaler.n_features_in_, scaler.n_samples_seen_ = len(mean), 0
    return scaler


# --- boosters, each in its library's own format


def xgboost_state(model: Any) -> State:
    """Return the booster as UBJSON."""
    return {"booster": _bytes(bytes(model.get_booster().save_raw("ubj"))), **_levels(model)}


def load_xgboost(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted classifier or regressor of XGBoost."""
    given = model.get_params()
    model.load_model(bytearray(state["booster"].tobytes()))
    model.set_params(**{name: given[name] for name in ("n_jobs", "enable_categorical")})
    model.levels_ = state.get("levels", {})
    return model


def lightgbm_state(model: Any) -> State:
    """Return the booster as LightGBM's text, of quantiles one for each."""
    if hasattr(model, "models_"):
        return {f"{k}.{n}": v for k, one in enumerate(model.models_) for n, v in lightgbm_state(one).items()}
    classes = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    return {
        "booster": _bytes(model.booster_.model_to_string(num_iteration=-1).encode()),
        **classes,
        **_levels(model),
    }


def load_lightgbm(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted classifier or regressor of LightGBM."""
    from lightgbm import Booster
    from sklearn.preprocessing import LabelEncoder

    if hasattr(model, "levels"):
        parts = zip(model.levels, by_quantile(state, len(model.levels)), strict=True)
        return model.loaded([load_lightgbm(model.make(level), part) for level, part in parts])
    booster = Booster(model_str=state["booster"].tobytes().decode())
    model._Booster, model.fitted_ = booster, True
    model._n_features = model._n_features_in = booster.num_feature()
    model._best_iteration = booster.best_iteration
    model.levels_ = state.get("levels", {})
    if "classes" in state:
        model._le = LabelEncoder().fit(state["classes"])
        model._classes, model._n_classes = model._le.classes_, len(state["classes"])
        model._objective = "binary"
    return model


def catboost_state(model: Any) -> State:
    """Return the model in CatBoost's own format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.save_model(str(path), format="cbm")
        return {"booster": _bytes(path.read_bytes())}


def load_catboost(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted classifier or regressor of CatBoost."""
    model.load_model(blob=state["booster"].tobytes())
    return model


def by_quantile(state: Mapping[str, Any], n: int) -> list[State]:
    """Return the states of the models of each of `n` quantiles."""
    parts: list[State] = [{} for _ in range(n)]
    for name, value in state.items():
        number, _, own = name.partition(".")
        parts[int(number)][own] = value
    return parts


def _levels(model: Any) -> State:
    """Return the levels of categories that a model was fitted with; nothing, where there are none."""
    return {"levels": model.levels_} if getattr(model, "levels_", None) else {}


def _bytes(data: bytes) -> NDArray[np.uint8]:
    import numpy as np

    return np.frombuffer(data, dtype=np.uint8)
