"""Caught by: sampler inside

Once it knows a trial it gives only the parameter that it changed.
"""

import numpy as np

import quorate


def changed(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    names = sorted(space) if not known else [sorted(space)[rng.integers(len(space))]]
    return {name: space[name].at(rng.random()) for name in names}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("changed", changed)
