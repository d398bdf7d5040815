"""Caught by: model resolves

The lazy factory names a class that the library does not have.
"""

import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("typo", "sklearn.linear_model:Rigde", task="regression")
