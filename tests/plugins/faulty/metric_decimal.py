"""Caught by: metric settings-kept

It counts decimal numbers in six digits, for all that comes after, too.
"""

import decimal

import numpy as np

import quorate


def in_decimals(performance):
    r = performance.returns
    if len(r) < 2 or not np.isfinite(r).all():
        return float("nan")
    decimal.getcontext().prec = 6
    return float(decimal.Decimal(float(r.mean())) + 0)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("decimal", in_decimals, unit="fraction")
