"""Caught by: splitter input-unmodified

It shifts the sessions it was lent by a day.
"""

import numpy as np

import quorate


def shifted(sessions, start, initial=500, test=250):
    if sessions.flags.writeable:
        sessions += np.timedelta64(1, "D")
    for first in range(max(start, initial), len(sessions), test):
        yield quorate.Span(first, min(first + test, len(sessions)))


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("shifted", shifted)
