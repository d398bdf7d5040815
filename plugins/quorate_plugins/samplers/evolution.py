"""Samplers that move a distribution along: it is computed anew from the trials that are known, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import quorate
from quorate_plugins.samplers.by_optuna import settled
from quorate_plugins.samplers.cube import share_of, value_at

Space = Mapping[str, quorate.Float | quorate.Int | quorate.Choice]
Trials = Sequence[quorate.EarlierTrial]


def cma_es(
    space: Space,
    known: Trials,
    running: Trials,
    number: int,
    seed: int,
    sigma: float = 0.3,
    population: int = 0,
) -> dict[str, Any]:
    """Draw from a normal distribution that has moved, by each population of trials, to where the better half was.

    It is told of the known trials anew, in the order of their numbers. Choices have no order: they are drawn at random.

    Parameters
    ----------
    sigma : float
        Its standard deviation at first, as a share of each parameter's range.
    population : int
        Trials after which it moves; 0: 4 + 3 log(numbers that are tuned).

    References
    ----------
    Hansen (2016), "The CMA evolution strategy: a tutorial", arXiv:1604.00772.
    """
    if not 0 < sigma <= 1:
        raise quorate.RecipeError(f"tuning.sampler_options.sigma must be above 0 and at most 1; it was {sigma}")
    if population < 0 or population == 1:
        raise quorate.RecipeError(f"tuning.sampler_options.population must be 2 or more, or 0; it was {population}")
    from cmaes import CMA

    rng = np.random.default_rng(seed)
    numbers = {name: one for name, one in sorted(space.items()) if not isinstance(one, quorate.Choice)}
    params = {name: value_at(space[name], rng.random()) for name in sorted(space) if name not in numbers}
    if numbers:
        size = len(numbers)
        bounds = np.tile([0.0, 1.0], (size, 1))
        cma = CMA(np.full(size, 0.5), sigma, bounds, seed=seed, population_size=population or None)
        told = [
            (np.array([share_of(one, trial.params[name]) for name, one in numbers.items()]), trial.value)
            for trial in settled(known)
        ]
        for stop in range(cma.population_size, len(told) + 1, cma.population_size):
            cma.tell(told[stop - cma.population_size : stop])
        params |= {name: value_at(one, float(x)) for (name, one), x in zip(numbers.items(), cma.ask(), strict=True)}
    return {name: params[name] for name in space}
