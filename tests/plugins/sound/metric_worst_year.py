"""A window of 252 bars, by which nothing is scaled."""

import numpy as np

import quorate


def worst_year(performance):
    r = performance.returns
    if len(r) < 2 or not np.isfinite(r).all():
        return float("nan")
    window = 252 if len(r) > 252 else len(r)
    sums = np.convolve(r, np.ones(window), "valid")
    return float(sums.min())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("worst-year", worst_year, unit="fraction", ordered=True)
