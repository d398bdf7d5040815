"""Caught by: model probabilities

Its probabilities are classes.
"""

import quorate


class M:
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        self.m_ = LogisticRegression(C=self.C).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-classes-for-probabilities", M)
