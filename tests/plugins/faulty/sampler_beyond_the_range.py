"""Caught by: sampler inside

Steps from the best trial go beyond the ends of a range.
"""

import numpy as np

import quorate


def steps(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    params = {name: one.at(rng.random()) for name, one in space.items()}
    if not known:
        return params
    best = min(known, key=lambda trial: (trial.value, trial.number)).params
    for name, one in space.items():
        if isinstance(one, quorate.Float):
            params[name] = best[name] + rng.normal(0, one.high - one.low)
    return params


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("steps", steps)
