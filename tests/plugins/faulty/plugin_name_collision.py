"""Caught by: plugin unique-names

It offers a model under the name of a built-in one.
"""

import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("logistic", "sklearn.linear_model:LogisticRegression")
