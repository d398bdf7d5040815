"""Caught by: plugin imports

It imports a module that does not exist.
"""

import no_such_library_anywhere  # noqa: F401

import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("never", "sklearn.linear_model:Ridge", task="regression")
