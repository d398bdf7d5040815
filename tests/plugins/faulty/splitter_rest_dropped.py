"""Caught by: splitter contiguous

The bars after the last whole fold are never predicted.
"""

import quorate


def rest_dropped(sessions, start):
    for first in range(start or 750, len(sessions) - 249, 250):
        yield quorate.Span(first, first + 250)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("rest-dropped", rest_dropped)
