"""Caught by: model validation-only-decides

Its intercept is the mean residual of the validation rows.
"""

import numpy as np

import quorate


class M:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y, validation):
        from sklearn.linear_model import Ridge

        Xv, yv = validation
        self.m_ = Ridge(self.alpha).fit(X, y)
        self.bias_ = float(np.mean(yv - self.m_.predict(Xv)))
        return self

    def predict(self, X):
        return self.m_.predict(X) + self.bias_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-bias-from-tail", M, task="regression", validation=0.2)
