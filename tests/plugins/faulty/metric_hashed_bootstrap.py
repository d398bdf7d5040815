"""Caught by: metric surroundings

It seeds by the hash of a text, which is another in each process.
"""

import numpy as np

import quorate


def hashed_bootstrap(performance):
    r = performance.returns
    if len(r) < 2 or not np.isfinite(r).all():
        return float("nan")
    rng = np.random.default_rng(abs(hash("bootstrap")) % 2**32)
    return float(np.quantile(rng.choice(r, (50, len(r))).mean(axis=1), 0.1))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("hashed-bootstrap", hashed_bootstrap, unit="fraction")
