"""Caught by: sampler untouched

It empties the space while it draws.
"""

import numpy as np

import quorate


def popping(space, known, running, number, seed):
    rng, params = np.random.default_rng(seed), {}
    while space:
        name, one = space.popitem()
        params[name] = one.at(rng.random())
    return params


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("popping", popping)
