"""Caught by: sampler resumable

It changes what it gave eight trials earlier, and knows that only in the process that gave it.
"""

import numpy as np

import quorate

_given = {}


def own_trace(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    params = {name: one.at(rng.random()) for name, one in space.items()}
    before = _given.get((tuple(space), number - 8))
    if before is not None:
        name = sorted(space)[rng.integers(len(space))]
        params = {**before, name: params[name]}
    _given[tuple(space), number] = params
    return dict(params)


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("own-trace", own_trace)
