"""Caught by: splitter continues

Begins anew where it should continue.
"""

import quorate


def ignores_start(sessions, start):
    for first in range(750, len(sessions), 250):
        yield quorate.Span(first, min(first + 250, len(sessions)))


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("ignores-start", ignores_start)
