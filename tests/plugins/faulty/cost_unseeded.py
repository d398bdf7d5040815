"""Caught by: cost deterministic

Its slippage is drawn anew every time it is asked.
"""

import numpy as np

import quorate


def noisy(bars, fees=0.0005):
    return fees, np.random.default_rng().uniform(0.0, 0.001, bars.close.shape)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("noisy", noisy)
