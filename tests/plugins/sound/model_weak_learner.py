"""Heavily regularised, trained on weighted rows, slow to learn: its predictions hardly vary, yet they do."""

import numpy as np

import quorate


class Cautious:
    def __init__(self, shrink=0.999):
        self.shrink = shrink

    def fit(self, X, y, sample_weight=None):
        w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        w = w / w.sum()
        self.base_ = float(w @ y)
        self.slope_ = (1 - self.shrink) * (X * w[:, None]).T.astype(float) @ (y - self.base_)
        return self

    def predict_proba(self, X):
        return np.clip(self.base_ + np.asarray(X, float) @ self.slope_, 0, 1)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sound-cautious", Cautious)
