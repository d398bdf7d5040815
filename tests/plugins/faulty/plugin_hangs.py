"""Caught by: model makes

Its factory never returns: the check goes on without it after a while.
"""

import quorate


def forever():
    while True:
        pass


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("forever", forever)
