"""Caught by: model constructor-stores

The constructor replaces None by a number.
"""

import os

import quorate


class M:
    def __init__(self, depth=None, random_state=0):
        self.depth = depth or os.cpu_count()
        self.random_state = random_state

    def fit(self, X, y):
        from sklearn.tree import DecisionTreeClassifier

        self.m_ = DecisionTreeClassifier(max_depth=self.depth, min_samples_leaf=30, random_state=self.random_state).fit(
            X, y
        )
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-computes-for-none", M)
