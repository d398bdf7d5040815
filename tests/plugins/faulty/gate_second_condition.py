"""Caught by: gate undefined-never-passes

The second condition is not met by NaN, and does not stop it.
"""

from __future__ import annotations

import quorate


def second_condition(evidence, least: float = 0.5):
    result = quorate.judge("x", evidence.metric("sharpe"), ">", least)
    if evidence.metric("win-rate") < 0.4:
        return result.failed("it wins too rarely")
    return result


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("second-condition", second_condition)
