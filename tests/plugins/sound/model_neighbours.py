"""A nearest-neighbour model in NumPy: it keeps a copy of the training rows, and no get_params."""

import numpy as np

import quorate


class Neighbours:
    def __init__(self, k=9):
        self.k = k

    def fit(self, X, y):
        self.rows_ = np.array(X, dtype=np.float64)
        self.labels_ = np.array(y, dtype=np.float64)
        return self

    def predict_proba(self, X):
        distance = ((np.asarray(X, np.float64)[:, None, :] - self.rows_[None]) ** 2).sum(axis=2)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, : self.k]
        p = self.labels_[nearest].mean(axis=1)
        return np.column_stack((1 - p, p))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sound-neighbours", Neighbours, space={"k": quorate.Int(1, 30)})
