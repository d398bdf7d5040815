"""Built-in models: the factories import their libraries when they are called."""

from __future__ import annotations

from collections.abc import Iterator

import quorate
from quorate_plugins.models.spaces import SPACES

LINEAR = "quorate_plugins.models.linear"
TREES = "quorate_plugins.models.trees"


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the built-in models."""
    sklearn = ("scikit-learn",)
    yield quorate.ModelSpec(
        "logistic",
        f"{LINEAR}:logistic",
        requires=sklearn,
        space=SPACES["logistic"],
        description="L2 logistic regression on standardised features",
    )
    yield quorate.ModelSpec(
        "ridge",
        f"{LINEAR}:ridge",
        requires=sklearn,
        task="regression",
        space=SPACES["ridge"],
        description="ridge regression on standardised features",
    )
    yield quorate.ModelSpec(
        "random-forest",
        f"{TREES}:random_forest",
        requires=sklearn,
        space=SPACES["random-forest"],
        description="bagged decision trees",
    )
    yield quorate.ModelSpec(
        "gradient-boosting",
        f"{TREES}:gradient_boosting",
        requires=sklearn,
        space=SPACES["gradient-boosting"],
        description="histogram gradient boosting of scikit-learn",
    )
    yield quorate.ModelSpec(
        "xgboost",
        f"{TREES}:xgboost",
        requires=("xgboost|xgboost-cpu",),
        space=SPACES["xgboost"],
        description="XGBoost, histogram trees",
    )
    yield quorate.ModelSpec(
        "lightgbm",
        f"{TREES}:lightgbm",
        requires=("lightgbm",),
        space=SPACES["lightgbm"],
        description="LightGBM, leaf-wise trees",
    )
    yield quorate.ModelSpec(
        "catboost",
        f"{TREES}:catboost",
        requires=("catboost",),
        space=SPACES["catboost"],
        description="CatBoost, symmetric trees",
    )
    yield quorate.ModelSpec(
        "mlp",
        "quorate_plugins.models.mlp:MLPClassifier",
        requires=("torch",),
        space=SPACES["mlp"],
        description="a small torch network",
    )
    yield quorate.ModelSpec(
        "majority",
        "quorate_plugins.models.baselines:Majority",
        baseline=True,
        description="baseline: the share of positive labels so far",
    )
    yield quorate.ModelSpec(
        "persistence",
        "quorate_plugins.models.baselines:Persistence",
        baseline=True,
        input="bars",
        lookback=2,
        description="baseline: the last bar's direction goes on",
    )
