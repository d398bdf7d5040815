"""Caught by: sampler undefined

The mean of what was tried, weighted by how far each is below the worst: nothing is below infinity.
"""

from __future__ import annotations

import numpy as np

import quorate


def weighed(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    params = {name: one.at(rng.random()) for name, one in sorted(space.items())}
    told = sorted((t for t in known if t.state == "complete"), key=lambda trial: trial.number)
    numbers = [name for name, one in sorted(space.items()) if isinstance(one, quorate.Float) and not one.log]
    if len(told) < 3:
        return params
    values = np.array([trial.value for trial in told])
    weights = values.max() - values + 1e-6
    for name in numbers:
        mean = float(np.average([trial.params[name] for trial in told], weights=weights))
        params[name] = min(max(0.9 * mean + 0.1 * params[name], space[name].low), space[name].high)
    return params


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("weighed", weighed)
