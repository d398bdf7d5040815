"""Caught by: feature deterministic

Adds noise that nobody seeded.
"""

import numpy as np

import quorate


def unseeded_noise(close):
    return np.log(close) + np.random.default_rng().normal(0, 0.01, close.shape)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("unseeded-noise", unseeded_noise)
