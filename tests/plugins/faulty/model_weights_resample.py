"""Caught by: model unit-weights

With weights, it draws other rows.
"""

import numpy as np

import quorate


class M:
    def __init__(self, C=1.0, random_state=0):
        self.C, self.random_state = C, random_state

    def fit(self, X, y, sample_weight=None):
        from sklearn.linear_model import LogisticRegression

        if sample_weight is not None:
            rng = np.random.default_rng(self.random_state)
            r = rng.choice(len(X), len(X), p=sample_weight / np.sum(sample_weight))
            X, y = X[r], y[r]
        self.m_ = LogisticRegression(C=self.C).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-weights-resample", M)
