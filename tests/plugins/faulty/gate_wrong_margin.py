"""Caught by: gate margin

Its margin is positive on the failing side.
"""

from __future__ import annotations

from dataclasses import replace

import quorate


def wrong_margin(evidence, most: float = 0.3):
    result = quorate.judge("x", abs(evidence.metric("max-drawdown")), "<", most)
    return replace(result, margin=None if result.value is None else result.value - most)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("wrong-margin", wrong_margin)
