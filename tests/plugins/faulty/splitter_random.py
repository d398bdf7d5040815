"""Caught by: splitter deterministic

The length of its folds is drawn anew every time.
"""

import numpy as np

import quorate


def irregular(sessions, start, initial=500):
    first, rng = max(start, initial), np.random.default_rng()
    while first < len(sessions):
        stop = min(first + int(rng.integers(50, 300)), len(sessions))
        yield quorate.Span(first, stop)
        first = stop


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("irregular", irregular)
