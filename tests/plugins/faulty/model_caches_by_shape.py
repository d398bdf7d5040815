"""Caught by: model objects-independent

It remembers its answer by the shape of X.
"""

import quorate


class M:
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        self.m_ = LogisticRegression(C=self.C).fit(X, y)
        self.cache_ = {}
        return self

    def predict_proba(self, X):
        if X.shape not in self.cache_:
            self.cache_[X.shape] = self.m_.predict_proba(X)
        return self.cache_[X.shape]


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-caches-by-shape", M)
