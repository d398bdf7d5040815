"""Rows of the same time of the year count more; what has no season yet counts all the same."""

import numpy as np

import quorate


def season(rows, width=60.0, floor=0.1):
    day = rows.time.astype("datetime64[D]").astype(int) % 365.25
    apart = np.abs(day - day[-1])
    apart = np.minimum(apart, 365.25 - apart)
    return floor + np.exp(-0.5 * (apart / width) ** 2)


@quorate.hookimpl
def quorate_weights():
    yield quorate.WeightSpec("zoo-season", season)
