"""A model of either label, told by the platform which one it is."""

import quorate


def neighbours(task, n_neighbors=15, n_jobs=None):
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    maker = KNeighborsClassifier if task == "classification" else KNeighborsRegressor
    return maker(n_neighbors, n_jobs=n_jobs)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("either-neighbours", neighbours, task="any", requires=("scikit-learn",))
