"""Trains once, on the first bars, and never again; given as lists, with an option that the recipe must name."""

import quorate


def frozen_models(sessions, start, test, initial=600):
    for first in range(start or initial, len(sessions), test):
        yield [first, min(first + test, len(sessions)), 0, min(initial, first)]


@quorate.hookimpl
def quorate_splitters():
    yield quorate.SplitterSpec("frozen-models", frozen_models, params={"test": 300})
