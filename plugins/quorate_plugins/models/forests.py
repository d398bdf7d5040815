"""Tree ensembles of scikit-learn, of classes or of numbers as the label asks."""

from __future__ import annotations

from typing import Any

from quorate_plugins.models.quantiles import ByQuantile
from quorate_plugins.models.rounds import growing


def random_forest(
    n_estimators: int = 100,
    max_depth: int = 6,
    min_samples_leaf: int = 20,
    max_features: float | str = "sqrt",
    warm_trees: int = 20,
    random_state: int = 0,
    n_jobs: int = 1,
    task: str = "classification",
) -> Any:
    """Return a random forest.

    Parameters
    ----------
    n_estimators : int
        Trees.
    max_depth : int
        Most splits from the root of a tree to a leaf.
    min_samples_leaf : int, rows
        Least rows of a leaf.
    max_features : float or str
        Features that are drawn for each split: a share, a count, or ``sqrt`` for the root of their number.
    warm_trees : int
        Trees that a fit adds to those of the fold before (``warm_start``), which it keeps; 0: it adds none.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    maker = RandomForestClassifier if task == "classification" else RandomForestRegressor
    return growing("forest", maker, warm_trees)(
        n_estimators=n_estimators,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        random_state=random_state,
        n_jobs=n_jobs,
    )


def gradient_boosting(
    max_iter: int = 60,
    learning_rate: float = 0.05,
    max_leaf_nodes: int = 8,
    min_samples_leaf: int = 40,
    l2_regularization: float = 1.0,
    random_state: int = 0,
    task: str = "classification",
    quantiles: list[float] | None = None,
) -> Any:
    """Return scikit-learn's histogram gradient boosting, without its shuffled early stopping.

    Parameters
    ----------
    max_iter : int
        Trees.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    max_leaf_nodes : int
        Most leaves of a tree.
    min_samples_leaf : int, rows
        Least rows of a leaf.
    l2_regularization : float
        Penalty on the squared values of the leaves.
    quantiles : list of float, optional
        Which quantiles of the number are forecast, 0.5 among them, e.g. ``[0.1, 0.5, 0.9]``, and not its expectation.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    maker = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor

    def make(**more: Any) -> Any:
        return maker(
            max_iter=max_iter,
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            early_stopping=True,  # never: only then is a loss computed after each round
            validation_fraction=None,
            scoring="loss",
            n_iter_no_change=max_iter + 1,
            random_state=random_state,
            **more,
        )

    return ByQuantile(lambda level: make(loss="quantile", quantile=level), sorted(quantiles)) if quantiles else make()


def gradient_boosting_exact(
    n_estimators: int = 100,
    learning_rate: float = 0.05,
    max_depth: int = 3,
    min_samples_leaf: int = 40,
    subsample: float = 0.8,
    max_features: float | str = "sqrt",
    warm_rounds: int = 20,
    random_state: int = 0,
    task: str = "classification",
) -> Any:
    """Return scikit-learn's gradient boosting, which looks at every split of the features that it drew.

    Parameters
    ----------
    n_estimators : int
        Trees.
    learning_rate : float
        What each tree adds is multiplied by it: the smaller, the more trees are needed.
    max_depth : int
        Most splits from the root of a tree to a leaf.
    min_samples_leaf : int, rows
        Least rows of a leaf.
    subsample : float, share
        Rows that are drawn for a tree.
    max_features : float or str
        Features that are drawn for each split: a share, a count, or ``sqrt`` for the root of their number.
    warm_rounds : int
        Rounds that a fit adds to the trees of the fold before (``warm_start``), which it keeps; 0: it adds none.
    """
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    maker = GradientBoostingClassifier if task == "classification" else GradientBoostingRegressor
    return growing("boosting", maker, warm_rounds)(
        n_estimators=n_estimators,
        learning_rate=learning_rate,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        subsample=subsample,
        max_features=max_features,
        random_state=random_state,
    )
