"""Samplers that count: which point is tried follows from the trial's number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import quorate
from quorate_plugins.samplers.cube import value_at

Distribution = quorate.Float | quorate.Int | quorate.Choice
Space = Mapping[str, Distribution]
Trials = Sequence[quorate.EarlierTrial]


def sobol(space: Space, known: Trials, running: Trials, number: int, seed: int) -> dict[str, Any]:
    """Take the next point of Sobol's sequence, scrambled by the study's seed; nothing is learnt.

    It fills the space more evenly than chance does, best with a power of two of trials.

    References
    ----------
    Owen (1998), "Scrambling Sobol' and Niederreiter-Xing points", Journal of Complexity 14.
    """
    from scipy.stats import qmc

    points = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
    [shares] = points.fast_forward(number).random(1) if number else points.random(1)
    return {name: value_at(space[name], float(share)) for name, share in zip(sorted(space), shares, strict=True)}


def grid(space: Space, known: Trials, running: Trials, number: int, seed: int, levels: int = 5) -> dict[str, Any]:
    """Take the next point of a grid, in an order that the study's seed draws; after the last the first comes again.

    Parameters
    ----------
    levels : int
        Values of each number, from its low end to its high one; of a whole number not more than it has. A choice
        has all of its values.
    """
    if levels < 2:
        raise quorate.RecipeError(f"tuning.sampler_options.levels must be 2 or more; it was {levels}")
    names = sorted(space)
    axes = [_values(space[name], levels) for name in names]
    place = _shuffled(number, math.prod(map(len, axes)), np.random.default_rng(seed))
    params = {}
    for name, axis in zip(names, axes, strict=True):
        place, at = divmod(place, len(axis))
        params[name] = axis[at]
    return params


def _values(one: Distribution, levels: int) -> list[Any]:
    if isinstance(one, quorate.Choice):
        return list(one.values)
    if isinstance(one, quorate.Int):
        levels = min(levels, one.high - one.low + 1)
    return list(dict.fromkeys(one.at(k / (levels - 1)) for k in range(levels)))


def _shuffled(number: int, size: int, rng: np.random.Generator) -> int:
    """Return the place of a number in an order of 0 to ``size - 1``, without writing the order out.

    A grid may have more points than there is memory. Each digit of two is drawn by the others, as a cipher does; what
    falls beyond the size is drawn again.
    """
    half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    rounds = [[int(k) for k in rng.integers(1, 2**62, 2)] for _ in range(4)]
    place = number % size
    while True:
        left, right = place >> half, place & mask
        for multiplier, shift in rounds:
            left, right = right, left ^ (((right + 1) * multiplier + shift) >> 29) & mask
        place = left << half | right
        if place < size:
            return place
