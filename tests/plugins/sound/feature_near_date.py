"""A feature that reads how far off the next date is that is known to come."""

import numpy as np

import quorate


def near_date(days):
    return np.exp(-days / 5)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("near-date", near_date, inputs=("earnings.next",))
