"""Caught by: model makes

Its factory kills the process that calls it.
"""

import os

import quorate


def fatal():
    os._exit(7)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("fatal", fatal)
