"""A set, sorted."""

import numpy as np
import pandas as pd

import quorate


def years_set(sessions, start):
    years = pd.DatetimeIndex(sessions).year
    firsts = sorted(int(np.searchsorted(years, y)) for y in set(years.tolist()))
    firsts = [f for f in firsts if f >= max(start, 700)]
    if start and (not firsts or firsts[0] != start):
        firsts = [start, *firsts]
    for a, b in zip(firsts, [*firsts[1:], len(sessions)], strict=True):
        yield quorate.Span(a, b, 0)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("years-set", years_set)
