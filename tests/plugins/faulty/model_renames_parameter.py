"""Caught by: model constructor-stores

A parameter is stored under another name.
"""

import quorate


def make(alpha=1.0):
    from sklearn.base import BaseEstimator, RegressorMixin

    class R(RegressorMixin, BaseEstimator):
        def __init__(self, alpha=1.0):
            self.lam = alpha

        def fit(self, X, y):
            from sklearn.linear_model import Ridge

            self.r_ = Ridge(self.lam).fit(X, y)
            return self

        def predict(self, X):
            return self.r_.predict(X)

    return R(alpha)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-renames-parameter", make, task="regression")
