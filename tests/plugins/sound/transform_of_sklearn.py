"""A scaler of scikit-learn, its numbers kept as arrays."""

import numpy as np

import quorate


def learn(X, counts):
    from sklearn.preprocessing import StandardScaler

    found = StandardScaler().fit(X.astype(np.float64), sample_weight=counts)
    return {"mean": found.mean_, "scale": found.scale_}


def apply(X, learnt):
    return np.clip((X - learnt["mean"]) / learnt["scale"], -1e30, 1e30)


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("standard", learn, apply=apply, requires=("scikit-learn",))
