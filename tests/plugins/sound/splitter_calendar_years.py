"""A fold per calendar year, trained on the five years before; the first year of the holdout is cut."""

import numpy as np

import quorate


def calendar_years(sessions, start, years=3):
    year = sessions.astype("datetime64[Y]")
    first = start or int(np.searchsorted(year, year[0] + years))
    while first < len(sessions):
        stop = int(np.searchsorted(year, year[first], side="right"))
        yield first, stop, int(np.searchsorted(year, year[first] - years))
        first = stop


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("calendar-years", calendar_years)
