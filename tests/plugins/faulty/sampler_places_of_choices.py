"""Caught by: sampler inside

Of a choice it gives the place of the value.
"""

import numpy as np

import quorate


def places(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {
        name: int(rng.integers(len(one.values))) if isinstance(one, quorate.Choice) else one.at(rng.random())
        for name, one in space.items()
    }


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("places", places)
