"""Caught by: model fresh-process

A second fit on data of the same shape gets what the first one learnt.
"""

import quorate

_FITTED = {}


class M:
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        key = (self.C, X.shape)
        if key not in _FITTED:
            _FITTED[key] = LogisticRegression(C=self.C).fit(X, y)
        self.m_ = _FITTED[key]
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-cache-in-a-global", M)
