"""Caught by: plugin hooks

The hook's name lacks its last letter: pluggy alone would say nothing and offer nothing.
"""

import quorate


@quorate.hookimpl
def quorate_model():
    yield quorate.ModelSpec("unheard", "sklearn.linear_model:Ridge", task="regression")
