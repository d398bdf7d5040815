"""Caught by: sampler seeded

The number alone seeds it: every study draws the same.
"""

import numpy as np

import quorate


def numbered(space, known, running, number, seed):
    rng = np.random.default_rng(number)
    return {name: one.at(rng.random()) for name, one in space.items()}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("numbered", numbered)
