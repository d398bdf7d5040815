"""Caught by: model parameters-round-trip

set_params does nothing.
"""

import quorate


class M:
    def __init__(self, C=1.0):
        self.C = C

    def get_params(self, deep=True):
        return {"C": self.C}

    def set_params(self, **kw):
        return self

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        self.m_ = LogisticRegression(C=self.C).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-set-params-ignored", M)
