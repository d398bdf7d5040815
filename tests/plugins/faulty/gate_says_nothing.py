"""Caught by: gate says-why

It fails without a reason.
"""

from __future__ import annotations

from dataclasses import replace

import quorate


def says_nothing(evidence, least: float = 1.0):
    return replace(quorate.judge("x", evidence.metric("sharpe"), ">", least), reason="")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("says-nothing", says_nothing)
