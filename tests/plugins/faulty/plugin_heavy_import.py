"""Caught by: model light-import

It imports torch when it is listed, which costs every command seconds.
"""

import torch

import quorate


class Mean:
    def fit(self, X, y):
        self.p_ = torch.tensor(X[:, 0]).mean().item()
        return self

    def predict(self, X):
        return X[:, 0] - self.p_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("heavy", Mean, task="regression")
