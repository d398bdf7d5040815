"""Linear models, standardised on the training rows of the fit."""

from __future__ import annotations

from typing import Any


def logistic(C: float = 0.01, max_iter: int = 500, random_state: int = 0) -> Any:
    """Return an L2 logistic regression; `C` is the inverse of the penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=max_iter, random_state=random_state))


def ridge(alpha: float = 100.0) -> Any:
    """Return a ridge regression; `alpha` is the penalty."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(alpha=alpha))
