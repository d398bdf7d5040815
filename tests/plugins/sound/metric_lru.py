"""What is remembered of an object lives as long as that, and is found by it."""

import functools

import numpy as np

import quorate


@functools.lru_cache(maxsize=4)
def returns_of(performance):
    return performance.returns


def lru(performance):
    r = returns_of(performance)
    return float(r.mean()) if len(r) and np.isfinite(r).all() else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("lru", lru, unit="fraction")
