"""Caught by: gate computes

It answers yes or no instead of a result.
"""

from __future__ import annotations

import quorate


def answers_bool(evidence, least: float = 1.0):
    return evidence.metric("sharpe") > least


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("answers-bool", answers_bool)
