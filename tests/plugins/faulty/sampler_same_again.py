"""Caught by: sampler goes-on

The seed is that of the study, and the number makes no difference: every trial is the same.
"""

import numpy as np

import quorate


def stuck(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {name: one.at(rng.random()) for name, one in space.items()}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("stuck", stuck, seeded_by="study")
