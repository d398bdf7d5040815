"""The 16 regressions of `grid.toml`, as the plain script makes them too; a plugin file like a user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate

LEARN = ("scikit-learn",)


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the regressions."""
    for trees in (100, 200):
        for depth in (2, 3, 4):
            params = {"n_estimators": trees, "max_depth": depth}
            yield model(f"xgb-{trees}-{depth}", xgb, params, ("xgboost|xgboost-cpu",))
    for depth in (6, 10):
        yield model(f"forest-{depth}", forest, {"max_depth": depth}, LEARN)
    for leaves in (8, 16):
        yield model(f"boosting-{leaves}", boosting, {"max_leaf_nodes": leaves}, LEARN)
        yield model(f"lgbm-{leaves}", lgbm, {"num_leaves": leaves}, ("lightgbm",))
    for name, alpha in (("weak", 100.0), ("strong", 1000.0)):
        yield model(f"ridge-{name}", ridge, {"alpha": alpha}, LEARN)
    for name, alpha in (("weak", 1e-4), ("strong", 5e-4)):
        yield model(f"lasso-{name}", lasso, {"alpha": alpha}, LEARN)


def model(name: str, factory: Any, params: dict[str, Any], requires: tuple[str, ...]) -> quorate.ModelSpec:
    return quorate.ModelSpec(name, factory, params, requires, task="regression")


def xgb(n_estimators: int, max_depth: int, random_state: int = 0, n_jobs: int = 1) -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(
        n_estimators=n_estimators, max_depth=max_depth, learning_rate=0.05, subsample=0.8, colsample_bytree=0.8,
        min_child_weight=10.0, random_state=random_state, n_jobs=n_jobs,
    )  # fmt: skip


def lgbm(num_leaves: int, random_state: int = 0, n_jobs: int = 1) -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        num_leaves=num_leaves, learning_rate=0.05, min_child_samples=40, deterministic=True, force_row_wise=True,
        random_state=random_state, n_jobs=n_jobs, verbosity=-1,
    )  # fmt: skip


def forest(max_depth: int, random_state: int = 0, n_jobs: int = 1) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        200, max_depth=max_depth, min_samples_leaf=20, max_features="sqrt", random_state=random_state, n_jobs=n_jobs
    )


def boosting(max_leaf_nodes: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=0.05, max_leaf_nodes=max_leaf_nodes, min_samples_leaf=40, early_stopping=False
    )


def ridge(alpha: float) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(alpha=alpha))


def lasso(alpha: float) -> Any:
    from sklearn.linear_model import Lasso
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Lasso(alpha=alpha))
