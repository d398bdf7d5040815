"""Caught by: sampler signature

It yields its parameters one after the other.
"""

import numpy as np

import quorate


def one_by_one(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    for name, one in space.items():
        yield name, one.at(rng.random())


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("one-by-one", one_by_one)
