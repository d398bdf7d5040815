"""Caught by: plugin libraries

It requires a distribution that is not installed, so nothing of it can be checked.
"""

import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("absent", "no_such_library:Model", requires=("no-such-library",))
