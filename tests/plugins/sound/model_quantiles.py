"""Three quantile models in one, sorted so that they never cross; the median is what the ensemble combines."""

import numpy as np

import quorate


class Quantiles:
    def __init__(self, levels=(0.1, 0.5, 0.9), n_estimators=20, random_state=0):
        self.levels = levels
        self.n_estimators = n_estimators
        self.random_state = random_state

    def fit(self, X, y):
        from sklearn.ensemble import GradientBoostingRegressor

        self.models_ = [
            GradientBoostingRegressor(
                loss="quantile",
                alpha=level,
                n_estimators=self.n_estimators,
                max_depth=2,
                random_state=self.random_state,
            ).fit(X, y)
            for level in self.levels
        ]
        return self

    def predict(self, X):
        return np.sort(np.column_stack([model.predict(X) for model in self.models_]), axis=1)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "sound-quantiles",
        Quantiles,
        task="regression",
        outputs=("q0.1", "q0.5", "q0.9"),
        requires=("scikit-learn",),
    )
