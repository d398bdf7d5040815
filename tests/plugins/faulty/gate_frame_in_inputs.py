"""Caught by: gate computes

Its inputs hold a table of trades, which no report can hold.
"""

from __future__ import annotations

import quorate


def frame_in_inputs(evidence, least: float = 0.1):
    ours, held = evidence.metric("sharpe"), evidence.benchmark_metric("sharpe")
    return quorate.judge("x", ours - held, ">", least, inputs={"trades": evidence.performance.trades.tail(3)})


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("frame-in-inputs", frame_in_inputs)
