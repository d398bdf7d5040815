"""Caught by: gate input-unmodified

It fills gaps in the equity that all gates share.
"""

from __future__ import annotations

import quorate


def fills_gaps(evidence, least: float = 0.0):
    equity = evidence.performance.equity
    equity /= equity[0]
    return quorate.judge("x", float(equity[-1] - 1), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("fills-gaps", fills_gaps)
