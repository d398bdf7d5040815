"""Caught by: model constructor-stores

The constructor makes a tuple of a list.
"""

import quorate


class Net:
    def __init__(self, layers=(16, 8), random_state=0):
        self.layers = tuple(layers)
        self.random_state = random_state

    def fit(self, X, y):
        from sklearn.neural_network import MLPClassifier

        self.m_ = MLPClassifier(self.layers, max_iter=100, random_state=self.random_state).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.m_.predict_proba(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-constructor-converts", Net, {"layers": [16, 8]})
