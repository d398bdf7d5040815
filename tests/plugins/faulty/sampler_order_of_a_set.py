"""Caught by: sampler repeat

It draws in the order of a set of names.
"""

import numpy as np

import quorate


def in_a_set(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {name: space[name].at(rng.random()) for name in set(space)}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("in-a-set", in_a_set)
