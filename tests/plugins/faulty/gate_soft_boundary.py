"""Caught by: gate boundary-as-declared

It says > and lets what is equal pass.
"""

from __future__ import annotations

import quorate


def soft_boundary(evidence, least: float = 0.5):
    value = evidence.metric("win-rate")
    result = quorate.judge("x", value, ">", least, undefined="no closed trade")
    if result.value is not None and not value < least:
        return quorate.GateResult("x", "PASS", value, ">", least, value - least)
    return result


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("soft-boundary", soft_boundary)
