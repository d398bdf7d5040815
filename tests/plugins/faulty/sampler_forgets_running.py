"""Caught by: sampler signature

It does not take what is running.
"""

import numpy as np

import quorate


def unaware(space, known, number, seed):
    rng = np.random.default_rng([number, seed])
    return {name: one.at(rng.random()) for name, one in space.items()}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("unaware", unaware)
