"""One of two metrics is enough: the larger share of its own threshold counts."""

from __future__ import annotations

import math

import quorate


def either(evidence, least: float = 1.0):
    shares = [evidence.metric("sharpe") / 1.0, evidence.metric("win-rate") / 0.55]
    known = [share for share in shares if math.isfinite(share)]
    return quorate.judge("x", max(known, default=math.nan), ">=", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("either", either)
