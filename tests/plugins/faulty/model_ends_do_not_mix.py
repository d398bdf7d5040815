"""Caught by: model search-space

Both ends of its space work, and their mixture does not.
"""

import quorate


class M:
    def __init__(self, fast=5, slow=20):
        self.fast, self.slow = fast, slow

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        if self.fast >= self.slow:
            raise ValueError("fast must be below slow")
        self.m_ = LogisticRegression(C=self.fast / self.slow).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-ends-do-not-mix", M, space={"fast": quorate.Int(2, 30), "slow": quorate.Int(5, 50)})
