"""Caught by: gate margin

Its margin is a distance that is never negative.
"""

from __future__ import annotations

from dataclasses import replace

import quorate


def distance_only(evidence, least: float = 0.05):
    result = quorate.judge("x", evidence.metric("exposure"), ">", least)
    return result if result.margin is None else replace(result, margin=abs(result.margin))


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("distance-only", distance_only)
