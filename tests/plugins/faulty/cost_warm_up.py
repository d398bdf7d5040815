"""Caught by: cost computes

It has no cost before its window is full.
"""

import numpy as np
import pandas as pd

import quorate


def warm_up(bars):
    moves = np.abs(np.diff(np.log(bars.close), axis=0, prepend=np.log(bars.close[:1])))
    calm = pd.DataFrame(moves).rolling(20).mean().to_numpy()
    return 0.0005, np.clip(0.1 * calm, 0, 0.05)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("warm-up", warm_up)
