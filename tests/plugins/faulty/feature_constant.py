"""Caught by: feature not-constant

Always one.
"""

import numpy as np

import quorate


def constant(close):
    return np.ones_like(close)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("constant", constant)
