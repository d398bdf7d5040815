"""Caught by: gate undefined-never-passes

It skips what is NaN in the equity, and so takes an unknown drawdown for none.
"""

from __future__ import annotations

import numpy as np

import quorate


def nan_equity(evidence, most: float = 0.3):
    equity = np.nan_to_num(evidence.performance.equity, nan=1.0)
    return quorate.judge("x", float((1 - equity / np.maximum.accumulate(equity)).max()), "<", most)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("nan-equity", nan_equity)
