"""Long above the threshold while the close is above its mean of the last bars, less where the market is wild."""

import numpy as np
import pandas as pd

import quorate


def with_the_trend(score, threshold, high, low, close, bars_per_year, *, window=20, target=0.15):
    frame = pd.DataFrame(close).ffill()
    above = (frame > frame.rolling(window, min_periods=2).mean()).to_numpy()
    spread = pd.DataFrame(np.log(high / low)).ffill().rolling(window, min_periods=1).mean().to_numpy()
    size = np.minimum(1.0, target / (0.6 * spread * np.sqrt(bars_per_year)))
    return np.where((score > threshold) & above, size, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("with-the-trend", with_the_trend, inputs=("high", "low", "close"))
