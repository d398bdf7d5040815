"""Built-in models: the factories import their libraries when they are called."""

from __future__ import annotations

from collections.abc import Iterator

import quorate
from quorate import Choice, Float, Int

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
        space={"C": Float(1e-4, 1e2, log=True)},
        description="L2 logistic regression on standardised features",
    )
    yield quorate.ModelSpec(
        "ridge",
        f"{LINEAR}:ridge",
        requires=sklearn,
        task="regression",
        space={"alpha": Float(1e-1, 1e4, log=True)},
        description="ridge regression on standardised features",
    )
    yield quorate.ModelSpec(
        "random-forest",
        f"{TREES}:random_forest",
        requires=sklearn,
        space={
            "n_estimators": Int(50, 300),
            "max_depth": Int(2, 12),
            "min_samples_leaf": Int(5, 100, log=True),
            "max_features": Choice(("sqrt", "log2", 0.5, 1.0)),
        },
        description="bagged decision trees",
    )
    yield quorate.ModelSpec(
        "gradient-boosting",
        f"{TREES}:gradient_boosting",
        requires=sklearn,
        space={
            "max_iter": Int(20, 200, log=True),
            "learning_rate": Float(0.01, 0.2, log=True),
            "max_leaf_nodes": Int(4, 32, log=True),
            "min_samples_leaf": Int(10, 100, log=True),
            "l2_regularization": Float(1e-3, 10.0, log=True),
        },
        description="histogram gradient boosting of scikit-learn",
    )
    yield quorate.ModelSpec(
        "xgboost",
        f"{TREES}:xgboost",
        requires=("xgboost|xgboost-cpu",),
        space={
            "n_estimators": Int(20, 300, log=True),
            "max_depth": Int(2, 6),
            "learning_rate": Float(0.01, 0.2, log=True),
            "subsample": Float(0.5, 1.0),
            "colsample_bytree": Float(0.5, 1.0),
            "reg_lambda": Float(1e-2, 10.0, log=True),
            "min_child_weight": Float(1.0, 50.0, log=True),
        },
        description="XGBoost, histogram trees",
    )
    yield quorate.ModelSpec(
        "lightgbm",
        f"{TREES}:lightgbm",
        requires=("lightgbm",),
        space={
            "n_estimators": Int(20, 300, log=True),
            "num_leaves": Int(4, 32, log=True),
            "learning_rate": Float(0.01, 0.2, log=True),
            "min_child_samples": Int(10, 100, log=True),
            "subsample": Float(0.5, 1.0),
            "colsample_bytree": Float(0.5, 1.0),
            "reg_lambda": Float(1e-2, 10.0, log=True),
        },
        description="LightGBM, leaf-wise trees",
    )
    yield quorate.ModelSpec(
        "catboost",
        f"{TREES}:catboost",
        requires=("catboost",),
        space={
            "iterations": Int(20, 300, log=True),
            "depth": Int(2, 6),
            "learning_rate": Float(0.01, 0.2, log=True),
            "l2_leaf_reg": Float(1.0, 30.0, log=True),
            "rsm": Float(0.5, 1.0),
        },
        description="CatBoost, symmetric trees",
    )
    yield quorate.ModelSpec(
        "mlp",
        "quorate_plugins.models.mlp:MLPClassifier",
        requires=("torch",),
        space={
            "hidden": Choice(([16], [32, 16], [64, 32])),
            "dropout": Float(0.0, 0.5),
            "epochs": Int(4, 40, log=True),
            "learning_rate": Float(1e-4, 1e-2, log=True),
            "weight_decay": Float(1e-4, 1e-1, log=True),
        },
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
