"""Caught by: splitter trains-before

Training starts within the bars that are predicted.
"""

import quorate


def trains_in_test(sessions, start):
    for first in range(start or 750, len(sessions), 250):
        yield quorate.Span(first, min(first + 250, len(sessions)), first + 10)


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("trains-in-test", trains_in_test)
