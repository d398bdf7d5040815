"""It steps from the best trial in the cube of shares, and gives what NumPy gives."""

import numpy as np

import quorate


def _step(one, value, rng):
    if isinstance(one, quorate.Choice):
        return one.values[rng.integers(len(one.values))] if rng.random() < 0.2 else value
    if isinstance(one, quorate.Int):
        return np.int64(np.clip(value + rng.integers(-1, 2), one.low, one.high))
    return np.float64(np.clip(value * np.exp(rng.normal(0, 0.3)), one.low, one.high))


def hill_climb(space, known, running, number, seed, warm_up: int = 4):
    rng = np.random.default_rng(seed)
    best = min(known, key=lambda trial: (trial.state != "complete", trial.value, trial.number), default=None)
    if best is None or number < warm_up:
        return {name: one.at(rng.random()) for name, one in sorted(space.items())}
    return {name: _step(one, best.params[name], rng) for name, one in sorted(space.items())}


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("hill-climb", hill_climb)
