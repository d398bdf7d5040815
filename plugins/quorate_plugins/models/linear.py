"""Linear models, standardised on the training rows of the fit."""

from __future__ import annotations

from typing import Any


def logistic(C: float = 0.01, max_iter: int = 500, random_state: int = 0) -> Any:
    """Return an L2 logistic regression; `C` is the inverse of the penalty.

    Parameters
    ----------
    C : float
        Inverse of the penalty on the squared coefficients: the smaller, the closer they are to zero.
    max_iter : int
        Most steps of the solver.
    """
    from sklearn.linear_model import LogisticRegression

    from quorate_plugins.models.weighted import standardised

    return standardised(LogisticRegression(C=C, max_iter=max_iter, random_state=random_state))


def linear() -> Any:
    """Return a least-squares regression without a penalty."""
    from sklearn.linear_model import LinearRegression

    from quorate_plugins.models.weighted import standardised

    return standardised(LinearRegression())


def ridge(alpha: float = 100.0) -> Any:
    """Return a ridge regression; `alpha` is the penalty.

    Parameters
    ----------
    alpha : float
        Penalty on the squared coefficients.
    """
    from sklearn.linear_model import Ridge

    from quorate_plugins.models.weighted import standardised

    return standardised(Ridge(alpha=alpha))


def lasso(alpha: float = 0.01, max_iter: int = 1000) -> Any:
    """Return a lasso; `alpha` is the penalty of a label with deviation one, so that its unit is no matter.

    Parameters
    ----------
    alpha : float
        Penalty on the sizes of the coefficients.
    max_iter : int
        Most steps of the solver.
    """
    from sklearn.linear_model import Lasso

    from quorate_plugins.models.weighted import of_scaled_label

    return of_scaled_label(Lasso(alpha=alpha, max_iter=max_iter))


def elastic_net(alpha: float = 0.02, l1_ratio: float = 0.5, max_iter: int = 1000) -> Any:
    """Return an elastic net; `alpha` as in `lasso`, of which `l1_ratio` is the lasso's share.

    Parameters
    ----------
    alpha : float
        Penalty on the coefficients.
    l1_ratio : float, share
        Of the penalty that is on their sizes; the rest is on their squares.
    max_iter : int
        Most steps of the solver.
    """
    from sklearn.linear_model import ElasticNet

    from quorate_plugins.models.weighted import of_scaled_label

    return of_scaled_label(ElasticNet(alpha=alpha, l1_ratio=l1_ratio, max_iter=max_iter))
