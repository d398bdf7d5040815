"""Slippage by the value traded so far of late; nothing traded costs the most."""

import numpy as np
import pandas as pd

import quorate


def by_turnover(bars):
    value = pd.DataFrame(np.nan_to_num(bars.close * bars.volume)).rolling(20, min_periods=1).mean().to_numpy()
    return np.float64(0.0002), 0.01 / (1.0 + value / 1e7)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("by-turnover", by_turnover)
