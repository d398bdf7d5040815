"""A second condition: the same figure has to be above that of buy and hold."""

from __future__ import annotations

import quorate


def market_and_bound(evidence, least: float = 0.5):
    sharpe = evidence.metric("sharpe")
    result = quorate.judge("x", sharpe, ">", least)
    return result if sharpe > evidence.benchmark_metric("sharpe") else result.failed("no better than buy and hold")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("market-and-bound", market_and_bound)
