"""An upper quantile: the oldest bar matters only when it is near the top."""

import pandas as pd

import quorate


def rolling_quantile(volume):
    top = pd.DataFrame(volume).rolling(40).quantile(0.9)
    return (volume > top.to_numpy()) * 1.0


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("rolling-quantile", rolling_quantile, inputs=("volume",), lookback=40)
