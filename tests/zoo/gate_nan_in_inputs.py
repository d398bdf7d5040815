"""Caught by: gate computes

What is undefined is NaN in its inputs, which no report can hold.
"""

from __future__ import annotations

import quorate


def nan_in_inputs(evidence, least: float = 0.1):
    ours, held = evidence.metric("sharpe"), evidence.benchmark_metric("sharpe")
    return quorate.judge("x", ours - held, ">", least, inputs={"ours": ours, "held": held})


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("nan-in-inputs", nan_in_inputs)
