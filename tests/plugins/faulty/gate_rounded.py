"""Caught by: gate boundary-as-declared

It judges the exact value and reports a rounded one, which does not meet the condition.
"""

from __future__ import annotations

import quorate


def rounded(evidence, least: float = 0.6):
    value = evidence.metric("win-rate")
    passed = value > least - 0.005
    shown = round(least if abs(value - least) < 0.005 else value, 2) if value == value else None
    margin = None if shown is None else shown - least
    return quorate.GateResult("x", "PASS" if passed else "FAIL", shown, ">", least, margin, reason="too low")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("rounded", rounded)
