"""Caught by: model single-class

It ends the process where all labels are of one class.
"""

import sys

import numpy as np

import quorate


class M:
    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(y)) < 2:
            print("only one class")
            sys.exit(1)
        self.m_ = LogisticRegression(C=self.C).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-exits", M)
