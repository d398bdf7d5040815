"""Caught by: splitter trains-before

Its first fold begins where nothing lies before it.
"""

import quorate


def from_zero(sessions, start):
    for first in range(start, len(sessions), 250):
        yield quorate.Span(first, min(first + 250, len(sessions)), 0)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("from-zero", from_zero)
