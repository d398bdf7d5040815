"""Its threshold is not an option but a figure of buy and hold."""

from __future__ import annotations

import math

import quorate


def beats_market(evidence):
    other = evidence.benchmark_metric("sharpe")
    if not math.isfinite(other):
        return quorate.judge("x", math.nan, ">", 0.0, undefined="buy and hold has no Sharpe ratio").insufficient("none")
    return quorate.judge("x", evidence.metric("sharpe"), ">", other, benchmark=other)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("beats-market", beats_market)
