"""A wrapper that takes any keyword and hands it on to a library, made in its constructor."""

import quorate


class Boosted:
    def __init__(self, **params):
        from lightgbm import LGBMRegressor

        self.model = LGBMRegressor(verbosity=-1, **params)

    def fit(self, X, y, sample_weight=None):
        self.model.fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X):
        return self.model.predict(X)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "sound-keywords",
        Boosted,
        task="regression",
        params={"n_estimators": 20, "subsample": 0.7, "subsample_freq": 1},
        requires=("lightgbm",),
        space={"num_leaves": quorate.Int(4, 31)},
    )
