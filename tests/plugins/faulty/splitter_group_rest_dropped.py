"""Caught by: splitter contiguous

The bars that do not divide evenly belong to no group.
"""

import quorate


def rest_dropped(sessions, groups, tests):
    size = len(sessions) // groups
    for k in range(groups):
        yield quorate.Span(k * size, (k + 1) * size)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("rest-dropped", rest_dropped, combinatorial=True)
