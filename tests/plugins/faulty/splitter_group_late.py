"""Caught by: splitter contiguous

The first group begins after a warm-up of its own.
"""

import quorate


def late(sessions, groups, tests, warm_up=100):
    n = len(sessions) - warm_up
    for k in range(groups):
        yield quorate.Span(warm_up + n * k // groups, warm_up + n * (k + 1) // groups)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("late", late, combinatorial=True)
