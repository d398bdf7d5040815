"""Caught by: model one-feature

It asks for two components, however many features there are.
"""

import quorate


def make(C=1.0):
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), PCA(2), LogisticRegression(C=C))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-two-components", make)
