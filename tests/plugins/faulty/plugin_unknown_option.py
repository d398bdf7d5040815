"""Caught by: metric options

The spec sets an option that the function does not take.
"""

import quorate


def worst_bar(performance, quantile=0.0):
    return float(performance.returns.min()) if len(performance.returns) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("worst-bar", worst_bar, unit="fraction", params={"quantil": 0.05})
