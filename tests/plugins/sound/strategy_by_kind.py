"""Sized by the odds of a probability, or by an expected return over the horizon's volatility."""

import numpy as np
import pandas as pd

import quorate


def by_kind(score, threshold, close, binary, horizon, **unused):
    returns = np.log(pd.DataFrame(close).ffill()).diff()
    deviation = returns.expanding(20).std().to_numpy() * np.sqrt(horizon)
    size = score if binary else score / deviation
    return np.where((np.abs(score) > threshold) & np.isfinite(size), np.clip(np.nan_to_num(size), -1, 1), 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("by-kind", by_kind, inputs=("close",))
