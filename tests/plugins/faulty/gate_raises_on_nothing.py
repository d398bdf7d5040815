"""Caught by: gate undefined-never-passes

It divides by the number of trades.
"""

from __future__ import annotations

import quorate


def raises_on_nothing(evidence, least: float = 10.0):
    pnl = evidence.performance.closed["pnl"].tolist()
    return quorate.judge("x", sum(pnl) / len(pnl), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("raises-on-nothing", raises_on_nothing)
