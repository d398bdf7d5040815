"""Asks for a metric of its own file, and is off by a turnover that is 0 where nothing was traded."""

from __future__ import annotations

import quorate


def mean_return(performance):
    return float(performance.returns.mean()) if len(performance.returns) else float("nan")


def own_metric(evidence, most: float = 5.0):
    result = quorate.judge("x", evidence.performance.turnover, "<=", most)
    if not evidence.metric("own-mean-return") > 0:
        return result.failed("it does not gain")
    return result


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("own-mean-return", mean_return, unit="fraction")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("own-metric", own_metric)
