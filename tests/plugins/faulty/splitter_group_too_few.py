"""Caught by: splitter computes

It yields a group less than it is asked for.
"""

import quorate


def too_few(sessions, groups, tests):
    size = len(sessions) // (groups - 1)
    for k in range(groups - 1):
        yield quorate.Span(k * size, (k + 1) * size if k < groups - 2 else len(sessions))


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("too-few", too_few, combinatorial=True)
