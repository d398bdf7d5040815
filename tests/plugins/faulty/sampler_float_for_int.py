"""Caught by: sampler inside

Whole numbers are not whole.
"""

import numpy as np

import quorate


def uniform(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {
        name: one.at(rng.random()) if isinstance(one, quorate.Choice) else rng.uniform(one.low, one.high)
        for name, one in space.items()
    }


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("uniform", uniform)
