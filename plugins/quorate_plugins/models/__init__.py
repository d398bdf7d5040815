"""Built-in models: the factories import their libraries when they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate
from quorate_plugins.models.spaces import AUDIT, SPACES

LEARN = ("scikit-learn",)
XGBOOST = ("xgboost|xgboost-cpu",)


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the built-in models."""
    yield _model("logistic", "linear:logistic", LEARN, "L2 logistic regression on standardised features")
    yield _model("ridge", "linear:ridge", LEARN, "ridge regression on standardised features", task="regression")
    yield _model("random-forest", "trees:random_forest", LEARN, "bagged decision trees")
    text = "histogram gradient boosting of scikit-learn"
    yield _model("gradient-boosting", "trees:gradient_boosting", LEARN, text)
    yield _tree("xgboost", XGBOOST, "XGBoost, histogram trees")
    yield _tree("lightgbm", ("lightgbm",), "LightGBM, leaf-wise trees")
    yield _tree("catboost", ("catboost",), "CatBoost, symmetric trees")
    yield _model("mlp", "mlp:MLPClassifier", ("torch",), "a small torch network")
    text = "baseline: the share of positive labels so far"
    yield _model("majority", "baselines:Majority", (), text, baseline=True)
    text = "baseline: the last bar's direction goes on"
    yield _model("persistence", "baselines:Persistence", (), text, baseline=True, input="bars", lookback=2)


def _tree(name: str, requires: tuple[str, ...], description: str) -> quorate.ModelSpec:
    """Return a tree model whose library computes SHAP values itself."""
    told = f"{__name__}.trees:{name}_contributions"
    return _model(name, f"trees:{name}", requires, description, contributions=told)


def _model(name: str, factory: str, requires: tuple[str, ...], description: str, **more: Any) -> quorate.ModelSpec:
    return quorate.ModelSpec(
        name,
        f"{__name__}.{factory}",
        requires=requires,
        space=SPACES.get(name, {}),
        audit_params=AUDIT.get(name, {}),
        description=description,
        **more,
    )
