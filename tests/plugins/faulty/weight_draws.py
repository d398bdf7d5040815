"""Caught by: weight deterministic

Weights of a Bayesian bootstrap, drawn anew each time.
"""

import numpy as np

import quorate


def bootstrap(rows):
    return np.random.exponential(size=len(rows))


@quorate.hookimpl
def quorate_weights():
    yield quorate.WeightSpec("zoo-bootstrap", bootstrap)
