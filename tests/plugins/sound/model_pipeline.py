"""A function that returns a pipeline with a share of the components, and a partial of another function."""

from functools import partial

import quorate


def components(n: float = 0.9, C: float = 1.0):
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), PCA(n), LogisticRegression(C=C))


def penalised(alpha, positive=False):
    from sklearn.linear_model import Ridge

    return Ridge(alpha=alpha, positive=positive)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "sound-components", components, requires=("scikit-learn",), space={"C": quorate.Float(0.01, 10, log=True)}
    )
    yield quorate.ModelSpec("sound-partial", partial(penalised, 2.0), task="regression", requires=("scikit-learn",))
