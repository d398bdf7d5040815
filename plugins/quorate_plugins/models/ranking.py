"""Boosted trees that learn the order of the symbols at each bar, not the size of a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.models import states

Floats = NDArray[np.float64]


class Ranker:
    """A ranker of a library, told the bar of each row: the rows of a bar are a group, and labels become grades in it.

    What it predicts is a score of which only the order within a bar counts.

    Parameters
    ----------
    make : callable
        Returns the library's own ranker, unfitted.
    grades : int
        Into how many grades the labels of a bar are put, by their ranks.
    weigh : callable
        From the weights of the rows and the sizes of the groups to what the library takes as weights.
    """

    def __init__(self, make: Callable[[], Any], grades: int, weigh: Callable[..., Floats]) -> None:
        self.make, self.grades, self.weigh = make, grades, weigh

    def fit(
        self, X: NDArray[np.float32], y: Floats, bar: NDArray[np.int64], sample_weight: Floats | None = None
    ) -> Self:
        """Learn the order at each bar; a bar with a single row teaches nothing."""
        if not 2 <= self.grades <= 31:  # beyond, what a grade gains would not fit into the libraries' tables
            raise ValueError(f"grades must be 2 to 31; it was {self.grades}")
        order = np.argsort(bar, kind="stable")
        _, sizes = np.unique(bar, return_counts=True)
        more = {} if sample_weight is None else {"sample_weight": self.weigh(sample_weight[order], sizes)}
        self.model_ = self.make().fit(X[order], grades_of(y, bar, self.grades)[order], group=sizes, **more)
        return self

    def predict(self, X: NDArray[np.float32]) -> Floats:
        """Return scores, (n,)."""
        return np.asarray(self.model_.predict(X), dtype=np.float64)


def grades_of(y: Floats, bar: NDArray[np.int64], grades: int) -> NDArray[np.int64]:
    """Return the grade of each label among those of its bar, 0 for the least, by its rank: equal labels share it."""
    from scipy.stats import rankdata

    found = np.zeros(len(y), dtype=np.int64)
    order = np.argsort(bar, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(bar[order])) + 1):
        found[rows] = (rankdata(y[rows]) - 0.5) * grades / len(rows)
    return found


def of_rows(weights: Floats, sizes: NDArray[np.int64]) -> Floats:
    """Return the weights as they are: the library weighs rows."""
    return weights


def of_groups(weights: Floats, sizes: NDArray[np.int64]) -> Floats:
    """Return the mean weight of each group: the library weighs groups."""
    return np.add.reduceat(weights, np.cumsum(sizes) - sizes) / sizes


def lightgbm_ranker(
    n_estimators: int = 80,
    num_leaves: int = 8,
    learning_rate: float = 0.05,
    min_child_samples: int = 40,
    subsample: float = 0.8,
    colsample_bytree: float = 0.8,
    reg_lambda: float = 1.0,
    grades: int = 5,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Ranker:
    """Return LightGBM's LambdaMART (Burges 2010), the rows of a bar as one query.

    A grade gains as much as it is above the least, so that the order of the last counts as that of the first, and
    all pairs of a bar are compared.

    Parameters
    ----------
    n_estimators : int
        Trees.
    num_leaves : int
        Most leaves of a tree.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    min_child_samples : int, rows
        Least rows of a leaf.
    subsample : float, share
        Rows that are drawn for a tree.
    colsample_bytree : float, share
        Features that are drawn for a tree.
    reg_lambda : float
        Penalty on the squared values of the leaves.
    grades : int
        Into how many grades the labels of a bar are put, by their ranks: 2 to 31.
    """
    options = {
        "n_estimators": n_estimators,
        "num_leaves": num_leaves,
        "learning_rate": learning_rate,
        "min_child_samples": min_child_samples,
        "subsample": subsample,
        "subsample_freq": 1,
        "colsample_bytree": colsample_bytree,
        "reg_lambda": reg_lambda,
        "random_state": random_state,
        "n_jobs": n_jobs,
        "label_gain": list(range(grades)),
        "lambdarank_truncation_level": 10_000,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return Ranker(partial(_lightgbm, options), grades, of_rows)


def xgboost_ranker(
    n_estimators: int = 80,
    max_depth: int = 3,
    learning_rate: float = 0.05,
    subsample: float = 0.8,
    colsample_bytree: float = 0.8,
    reg_lambda: float = 1.0,
    min_child_weight: float = 1.0,
    grades: int = 5,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Ranker:
    """Return XGBoost's pairwise ranker, the rows of a bar as one query. The weight of a bar is the mean of its rows'.

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
    reg_lambda : float
        Penalty on the squared values of the leaves.
    min_child_weight : float
        Least sum of the second derivatives of the loss in a leaf.
    grades : int
        Into how many grades the labels of a bar are put, by their ranks: 2 to 31.
    """
    options = {
        "n_estimators": n_estimators,
        "max_depth": max_depth,
        "learning_rate": learning_rate,
        "subsample": subsample,
        "colsample_bytree": colsample_bytree,
        "reg_lambda": reg_lambda,
        "min_child_weight": min_child_weight,
        "tree_method": "hist",
        "objective": "rank:pairwise",
        "lambdarank_pair_method": "mean",
        "random_state": random_state,
        "n_jobs": n_jobs,
        "verbosity": 0,
    }
    return Ranker(partial(_xgboost, options), grades, of_groups)


def _lightgbm(options: Mapping[str, Any]) -> Any:
    from lightgbm import LGBMRanker

    return LGBMRanker(**options)


def _xgboost(options: Mapping[str, Any]) -> Any:
    from xgboost import XGBRanker

    return XGBRanker(**options)


def lightgbm_ranker_state(model: Ranker) -> states.State:
    """Return what LightGBM's ranker has learnt."""
    return states.lightgbm_state(model.model_)


def load_lightgbm_ranker(model: Ranker, state: Mapping[str, Any]) -> Ranker:
    """Return the fitted ranker."""
    model.model_ = states.load_lightgbm(model.make(), state)
    return model


def xgboost_ranker_state(model: Ranker) -> states.State:
    """Return what XGBoost's ranker has learnt."""
    return states.xgboost_state(model.model_)


def load_xgboost_ranker(model: Ranker, state: Mapping[str, Any]) -> Ranker:
    """Return the fitted ranker."""
    model.model_ = states.load_xgboost(model.make(), state)
    return model
