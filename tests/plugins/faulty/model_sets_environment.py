"""Caught by: model leaves-global-state

It changes the environment of the process.
"""

import os

import quorate


class M:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        os.environ["OMP_NUM_THREADS"] = "7"
        from sklearn.linear_model import Ridge

        self.m_ = Ridge(self.alpha).fit(X, y)
        return self

    def predict(self, X):
        return self.m_.predict(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-sets-environment", M, task="regression")
