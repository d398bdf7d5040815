"""Caught by: feature prefix-invariant

Bars without volume take the volume of the next bar that has one; an ordinary market never shows it.
"""

import pandas as pd

import quorate


def back_fill(volume):
    table = pd.DataFrame(volume)
    filled = table.mask(table == 0).bfill().ffill()
    return (filled / filled.shift() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("back-fill", back_fill, inputs=("volume",), lookback=2)
