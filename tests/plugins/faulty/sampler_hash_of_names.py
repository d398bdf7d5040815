"""Caught by: sampler repeat

Each parameter has a generator seeded by the hash of its name, which is another in each process.
"""

import numpy as np

import quorate


def by_name(space, known, running, number, seed):
    return {name: one.at(np.random.default_rng([seed, hash(name) % 2**32]).random()) for name, one in space.items()}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("by-name", by_name)
