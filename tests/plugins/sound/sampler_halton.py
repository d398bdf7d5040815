"""A sequence: the number says which point, the seed of the study where it begins."""

import numpy as np

import quorate


def _halton(index, base):
    share, step = 0.0, 1.0 / base
    while index:
        index, digit = divmod(index, base)
        share += digit * step
        step /= base
    return share


def halton(space, known, running, number, seed):
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)
    shifts = np.random.default_rng(seed).random(len(space))
    return {
        name: space[name].at((_halton(number + 1, bases[k % 10]) + shifts[k]) % 1)
        for k, name in enumerate(sorted(space))
    }


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("halton", halton, seeded_by="study")
