"""An adjusted exponential mean of the returns over their deviation, by pandas."""

import pandas as pd

import quorate


def ewm_adjusted(close):
    returns = pd.DataFrame(close).pct_change(fill_method=None)
    size = returns.ewm(halflife=8).std()
    return (returns.ewm(halflife=4).mean() / size.where(size > 1e-9)).fillna(0.0)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("ewm-adjusted", ewm_adjusted, lookback=110, recursive=True)
