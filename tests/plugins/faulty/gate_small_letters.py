"""Caught by: gate computes

Its verdict is none of the three.
"""

from __future__ import annotations

import quorate


def small_letters(evidence, least: float = 1.0):
    value = evidence.metric("sharpe")
    return quorate.GateResult("x", "pass" if value > least else "fail", value, ">", least, value - least, reason="low")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("small-letters", small_letters)
