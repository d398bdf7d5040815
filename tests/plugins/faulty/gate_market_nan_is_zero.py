"""Caught by: gate undefined-never-passes

An undefined Sharpe ratio of buy and hold is taken for zero.
"""

from __future__ import annotations

import numpy as np

import quorate


def over_market(evidence, least: float = 0.1):
    other = float(np.nan_to_num(evidence.benchmark_metric("sharpe")))
    return quorate.judge("x", evidence.metric("sharpe") - other, ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("over-market", over_market)
