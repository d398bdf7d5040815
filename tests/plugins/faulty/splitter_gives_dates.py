"""Caught by: splitter computes

It yields dates where positions are asked for.
"""

import quorate


def halves(sessions, start, initial=500):
    first = max(start, initial)
    yield sessions[first], sessions[-1]


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("halves", halves)
