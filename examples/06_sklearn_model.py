"""An estimator of scikit-learn as a model: ``quorate run planted --plugin examples/06_sklearn_model.py``.

It is named as text and imported in the fit, so that listing plugins stays instant. The platform passes
``random_state`` and ``n_jobs``.
"""

import quorate


@quorate.hookimpl
def quorate_models():
    trees, params = "sklearn.ensemble:ExtraTreesClassifier", {"n_estimators": 200, "min_samples_leaf": 50}
    yield quorate.ModelSpec("extra-trees", trees, params=params, requires=("scikit-learn",))
