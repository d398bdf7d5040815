"""A list of folds that grow; needs 1,800 bars and says so."""

import quorate


def growing(sessions, start, initial=1800):
    if not start and len(sessions) <= initial:
        raise quorate.DataError(f"growing folds need more than {initial} bars; there are {len(sessions)}")
    spans, first, size = [], start or initial, 100
    while first < len(sessions):
        stop = min(first + size, len(sessions))
        spans.append(quorate.Span(first, stop))
        first, size = stop, size * 2
    return spans


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("growing", growing)
