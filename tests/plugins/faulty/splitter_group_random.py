"""Caught by: splitter deterministic

The borders of its groups are drawn anew every time.
"""

from itertools import pairwise

import numpy as np

import quorate


def scattered(sessions, groups, tests):
    inner = np.random.default_rng().choice(np.arange(1, len(sessions)), groups - 1, replace=False)
    edges = [0, *sorted(int(k) for k in inner), len(sessions)]
    for first, stop in pairwise(edges):
        yield quorate.Span(first, stop)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("scattered", scattered, combinatorial=True)
