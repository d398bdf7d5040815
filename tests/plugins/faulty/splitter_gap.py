"""Caught by: splitter contiguous

Leaves ten bars out after every fold.
"""

import quorate


def gap(sessions, start):
    first = start or 750
    while first < len(sessions):
        yield quorate.Span(first, min(first + 250, len(sessions)))
        first += 260


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("gap", gap)
