"""Caught by: model options, model makes, model fits."""

from sklearn.linear_model import LogisticRegression

import quorate


def always_classes(C=1.0):
    return LogisticRegression(C=C)


def never_numbers(C=1.0, task="classification"):
    return LogisticRegression(C=C)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("deaf", always_classes, task="any", requires=("scikit-learn",))
    yield quorate.ModelSpec("half-deaf", never_numbers, task="any", requires=("scikit-learn",))
