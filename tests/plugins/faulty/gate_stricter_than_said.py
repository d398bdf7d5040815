"""Caught by: gate boundary-as-declared

It decides at twice the threshold that it reports.
"""

from __future__ import annotations

import math

import quorate


def stricter_than_said(evidence, least: float = 0.05):
    value = evidence.metric("exposure")
    result = quorate.judge("x", value, ">", least)
    return result if value > 2 * least or not math.isfinite(value) else result.failed("too little exposure")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("stricter-than-said", stricter_than_said)
