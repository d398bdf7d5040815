"""Caught by: model parameters-round-trip

get_params leaves a parameter out.
"""

import quorate


class Tree:
    def __init__(self, depth=3, min_leaf=40):
        self.depth, self.min_leaf = depth, min_leaf

    def get_params(self, deep=True):
        return {"depth": self.depth}

    def set_params(self, **kw):
        for k, v in kw.items():
            setattr(self, k, v)
        return self

    def fit(self, X, y):
        from sklearn.tree import DecisionTreeClassifier

        self.t_ = DecisionTreeClassifier(max_depth=self.depth, min_samples_leaf=self.min_leaf, random_state=0).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.t_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-get-params-partial", Tree)
