"""Caught by: gate undefined-never-passes

With too few trades to judge it says PASS.
"""

from __future__ import annotations

import quorate


def passes_the_few(evidence, least: float = 0.5):
    closed = evidence.performance.closed
    if len(closed) < 10:
        return quorate.GateResult("x", "PASS", None, ">", least, None, reason="too few trades to judge")
    return quorate.judge("x", float((closed["pnl"] > 0).mean()), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("passes-the-few", passes_the_few)
