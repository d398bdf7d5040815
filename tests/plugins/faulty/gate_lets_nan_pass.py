"""Caught by: gate undefined-never-passes

NaN is not less than anything, so it passes.
"""

from __future__ import annotations

import quorate


def lets_nan_pass(evidence, least: float = 0.0):
    value = evidence.metric("sharpe")
    margin = value - least
    if value < least:
        return quorate.GateResult("x", "FAIL", value, ">=", least, margin, reason=f"must be >= {least}")
    return quorate.GateResult("x", "PASS", value, ">=", least, margin)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("lets-nan-pass", lets_nan_pass)
