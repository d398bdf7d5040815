"""What tuning may try of each built-in model, and what the audit makes do with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate import Choice, Float, Int

# What the audit makes do with: it fits every model some hundred times.
AUDIT: dict[str, Mapping[str, Any]] = {
    "random-forest": {"n_estimators": 20},
    "gradient-boosting": {"max_iter": 20},
    "gradient-boosting-exact": {"n_estimators": 20},
    "xgboost": {"n_estimators": 20},
    "lightgbm": {"n_estimators": 20},
    "catboost": {"iterations": 20},
}

SPACES: dict[str, Mapping[str, Any]] = {
    "logistic": {"C": Float(1e-4, 1e2, log=True)},
    "ridge": {"alpha": Float(1e-1, 1e4, log=True)},
    "lasso": {"alpha": Float(1e-3, 1e-1, log=True)},
    "elastic-net": {"alpha": Float(1e-3, 1e-1, log=True), "l1_ratio": Float(0.1, 0.9)},
    "random-forest": {
        "n_estimators": Int(50, 300),
        "max_depth": Int(2, 12),
        "min_samples_leaf": Int(5, 100, log=True),
        "max_features": Choice(("sqrt", "log2", 0.5, 1.0)),
    },
    "gradient-boosting": {
        "max_iter": Int(20, 200, log=True),
        "learning_rate": Float(0.01, 0.2, log=True),
        "max_leaf_nodes": Int(4, 32, log=True),
        "min_samples_leaf": Int(10, 100, log=True),
        "l2_regularization": Float(1e-3, 10.0, log=True),
    },
    "gradient-boosting-exact": {
        "n_estimators": Int(20, 300, log=True),
        "learning_rate": Float(0.01, 0.2, log=True),
        "max_depth": Int(2, 6),
        "min_samples_leaf": Int(10, 100, log=True),
        "subsample": Float(0.5, 1.0),
        "max_features": Choice(("sqrt", "log2", 0.5, 1.0)),
    },
    "xgboost": {
        "n_estimators": Int(20, 300, log=True),
        "max_depth": Int(2, 6),
        "learning_rate": Float(0.01, 0.2, log=True),
        "subsample": Float(0.5, 1.0),
        "colsample_bytree": Float(0.5, 1.0),
        "reg_lambda": Float(1e-2, 10.0, log=True),
        "min_child_weight": Float(1.0, 50.0, log=True),
    },
    "lightgbm": {
        "n_estimators": Int(20, 300, log=True),
        "num_leaves": Int(4, 32, log=True),
        "learning_rate": Float(0.01, 0.2, log=True),
        "min_child_samples": Int(10, 100, log=True),
        "subsample": Float(0.5, 1.0),
        "colsample_bytree": Float(0.5, 1.0),
        "reg_lambda": Float(1e-2, 10.0, log=True),
    },
    "catboost": {
        "iterations": Int(20, 300, log=True),
        "depth": Int(2, 6),
        "learning_rate": Float(0.01, 0.2, log=True),
        "l2_leaf_reg": Float(1.0, 30.0, log=True),
        "rsm": Float(0.5, 1.0),
    },
}
for _library in ("lightgbm", "xgboost"):
    AUDIT[f"{_library}-ranker"], SPACES[f"{_library}-ranker"] = AUDIT[_library], SPACES[_library]
