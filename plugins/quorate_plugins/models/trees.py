"""Boosted trees, of classes or of numbers as the label asks. Threads and seed go by each library's own names."""

from __future__ import annotations

from typing import Any, Literal

from quorate_plugins.models.quantiles import ByQuantile
from quorate_plugins.models.rounds import growing


def xgboost(
    n_estimators: int = 80,
    max_depth: int = 3,
    learning_rate: float = 0.05,
    subsample: float = 0.8,
    colsample_bytree: float = 0.8,
    reg_alpha: float = 0.0,
    reg_lambda: float = 1.0,
    min_child_weight: float = 20.0,
    gamma: float = 0.0,
    max_bin: int = 256,
    scale_pos_weight: float = 1.0,
    warm_rounds: int = 20,
    random_state: int = 0,
    n_jobs: int = 1,
    categories: tuple[str, ...] = (),
    task: str = "classification",
    quantiles: list[float] | None = None,
) -> Any:
    """Return XGBoost's classifier or regressor.

    Parameters
    ----------
    n_estimators : int
        Trees.
    max_depth : int
        Most splits from the root of a tree to a leaf.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    subsample : float, share
        Rows that are drawn for a tree.
    colsample_bytree : float, share
        Features that are drawn for a tree.
    reg_alpha : float
        Penalty on the sizes of the values of the leaves.
    reg_lambda : float
        Penalty on the squared values of the leaves.
    min_child_weight : float
        Least sum of the second derivatives of the loss in a leaf.
    gamma : float
        Least that a split must take off the loss.
    max_bin : int
        Steps into which the values of a feature are put.
    scale_pos_weight : float
        Weight of rows of class 1; those of class 0 weigh 1.
    warm_rounds : int
        Rounds that a fit adds to the trees of the fold before (``warm_start``), which it keeps; 0: it adds none.
    quantiles : list of float, optional
        Which quantiles of the number are forecast, 0.5 among them, e.g. ``[0.1, 0.5, 0.9]``, and not its expectation.
    """
    from xgboost import XGBClassifier, XGBRegressor

    maker = XGBClassifier if task == "classification" else XGBRegressor
    return growing("xgboost", maker, warm_rounds)(
        n_estimators=n_estimators,
        max_depth=max_depth,
        learning_rate=learning_rate,
        subsample=subsample,
        colsample_bytree=colsample_bytree,
        reg_alpha=reg_alpha,
        reg_lambda=reg_lambda,
        min_child_weight=min_child_weight,
        gamma=gamma,
        max_bin=max_bin,
        scale_pos_weight=scale_pos_weight,
        tree_method="hist",
        enable_categorical=bool(categories),
        random_state=random_state,
        n_jobs=n_jobs,
        verbosity=0,
        **({"objective": "reg:quantileerror", "quantile_alpha": sorted(quantiles)} if quantiles else {}),
    )


def lightgbm(
    n_estimators: int = 80,
    num_leaves: int = 8,
    max_depth: int = -1,
    learning_rate: float = 0.05,
    min_child_samples: int = 40,
    subsample: float = 0.8,
    subsample_freq: int = 1,
    colsample_bytree: float = 0.8,
    reg_alpha: float = 0.0,
    reg_lambda: float = 1.0,
    min_split_gain: float = 0.0,
    max_bin: int = 255,
    warm_rounds: int = 20,
    random_state: int = 0,
    n_jobs: int = 1,
    task: str = "classification",
    quantiles: list[float] | None = None,
) -> Any:
    """Return LightGBM's classifier or regressor.

    Parameters
    ----------
    n_estimators : int
        Trees.
    num_leaves : int
        Most leaves of a tree.
    max_depth : int
        Most splits from the root of a tree to a leaf; -1: any number.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    min_child_samples : int, rows
        Least rows of a leaf.
    subsample : float, share
        Rows that are drawn for a tree.
    subsample_freq : int, trees
        After how many the rows are drawn anew; 0: never.
    colsample_bytree : float, share
        Features that are drawn for a tree.
    reg_alpha : float
        Penalty on the sizes of the values of the leaves.
    reg_lambda : float
        Penalty on the squared values of the leaves.
    min_split_gain : float
        Least that a split must take off the loss.
    max_bin : int
        Steps into which the values of a feature are put.
    warm_rounds : int
        Rounds that a fit adds to the trees of the fold before (``warm_start``), which it keeps; 0: it adds none.
    quantiles : list of float, optional
        Which quantiles of the number are forecast, 0.5 among them, e.g. ``[0.1, 0.5, 0.9]``, and not its expectation.
    """
    from lightgbm import LGBMClassifier, LGBMRegressor

    maker = LGBMClassifier if task == "classification" else LGBMRegressor

    def make(**more: Any) -> Any:
        return growing("lightgbm", maker, warm_rounds)(
            n_estimators=n_estimators,
            num_leaves=num_leaves,
            max_depth=max_depth,
            learning_rate=learning_rate,
            min_child_samples=min_child_samples,
            subsample=subsample,
            subsample_freq=subsample_freq,
            colsample_bytree=colsample_bytree,
            reg_alpha=reg_alpha,
            reg_lambda=reg_lambda,
            min_split_gain=min_split_gain,
            max_bin=max_bin,
            random_state=random_state,
            n_jobs=n_jobs,
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
            **more,
        )

    return ByQuantile(lambda level: make(objective="quantile", alpha=level), sorted(quantiles)) if quantiles else make()


def catboost(
    iterations: int = 80,
    depth: int = 4,
    learning_rate: float = 0.05,
    l2_leaf_reg: float = 3.0,
    random_strength: float = 1.0,
    rsm: float = 1.0,
    border_count: int = 254,
    boosting_type: Literal["Ordered", "Plain"] | None = None,
    warm_rounds: int = 20,
    random_state: int = 0,
    n_jobs: int = 1,
    categories: tuple[str, ...] = (),
    task: str = "classification",
    quantiles: list[float] | None = None,
) -> Any:
    """Return CatBoost's classifier or regressor.

    With ``boosting_type="Ordered"`` the gradient at a row is that of a model that has not seen it (Prokhorenkova et
    al., 2018); it takes longer. None is CatBoost's own choice, ``Plain`` on a CPU.

    Parameters
    ----------
    iterations : int
        Trees.
    depth : int
        Splits from the root of a tree to each of its leaves.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    l2_leaf_reg : float
        Penalty on the squared values of the leaves.
    random_strength : float
        Size of the noise in the scores of splits.
    rsm : float, share
        Features that are drawn for each split.
    border_count : int
        Borders between the steps into which the values of a feature are put.
    boosting_type : str, optional
        How gradients are taken; CatBoost's own choice, if not given.
    warm_rounds : int
        Rounds that a fit adds to the trees of the fold before (``warm_start``), which it keeps; 0: it adds none.
    quantiles : list of float, optional
        Which quantiles of the number are forecast, 0.5 among them, e.g. ``[0.1, 0.5, 0.9]``, and not its expectation.
    """
    from catboost import CatBoostClassifier, CatBoostRegressor

    maker = CatBoostClassifier if task == "classification" else CatBoostRegressor
    return growing("catboost", maker, warm_rounds)(
        iterations=iterations,
        depth=depth,
        learning_rate=learning_rate,
        l2_leaf_reg=l2_leaf_reg,
        random_strength=random_strength,
        rsm=rsm,
        border_count=border_count,
        boosting_type=boosting_type,
        cat_features=list(categories) or None,
        random_seed=random_state,
        thread_count=n_jobs,
        allow_writing_files=False,
        logging_level="Silent",
        **({"loss_function": f"MultiQuantile:alpha={','.join(map(str, sorted(quantiles)))}"} if quantiles else {}),
    )
