"""Caught by: feature quiet-bars

Divides by the bar's range, which is zero where a price stands still.
"""

import quorate


def no_range(high, low, close):
    return (close - low) / (high - low)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("no-range", no_range, inputs=("high", "low", "close"))
