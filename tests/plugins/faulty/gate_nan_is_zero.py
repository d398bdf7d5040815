"""Caught by: gate undefined-never-passes

An undefined drawdown is taken for none at all.
"""

from __future__ import annotations

import numpy as np

import quorate


def nan_is_zero(evidence, most: float = 0.3):
    return quorate.judge("x", float(np.nan_to_num(abs(evidence.metric("max-drawdown")))), "<", most)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("nan-is-zero", nan_is_zero)
