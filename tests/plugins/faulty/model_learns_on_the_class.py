"""Caught by: model objects-independent

What it learns lies on the class, and the last object fitted overwrites it.
"""

import quorate


class M:
    state = {}  # noqa: RUF012

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        from sklearn.linear_model import Ridge

        self.state["model"] = Ridge(self.alpha).fit(X, y)
        self.done_ = True
        return self

    def predict(self, X):
        if not hasattr(self, "done_"):
            raise RuntimeError("not fitted")
        return self.state["model"].predict(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-learns-on-the-class", M, task="regression")
