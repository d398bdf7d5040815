"""Caught by: model predictions-finite

It divides by the deviation of a feature, which may be constant.
"""

import numpy as np

import quorate


class M:
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        self.mu_, self.sd_ = X.mean(0), X.std(0)
        self.w_ = ((X - self.mu_) / self.sd_).T.astype(float) @ (y - y.mean()) / len(y)
        return self

    def predict_proba(self, X):
        return 1 / (1 + np.exp(-((X - self.mu_) / self.sd_) @ self.w_))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-divides-by-zero-deviation", M)
