"""Groups for combinatorial cross-validation that begin with a month; it refuses a history of too few."""

import numpy as np

import quorate


def month_groups(sessions, groups, tests):
    months = np.flatnonzero(np.diff(sessions.astype("datetime64[M]").astype(int), prepend=-1))
    if len(months) < groups:
        raise quorate.DataError(f"{groups} groups need as many months; there are {len(months)}")
    edges = [int(months[len(months) * k // groups]) for k in range(groups)] + [len(sessions)]
    return [(edges[k], edges[k + 1]) for k in range(groups)]


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("month-groups", month_groups, combinatorial=True)
