"""A second condition rests on the figure that it reports, and on the length."""

from __future__ import annotations

import math

import quorate


def t_value_too(evidence, least: float = 0.5):
    sharpe = evidence.metric("sharpe")
    years = len(evidence.performance.returns) / evidence.performance.bars_per_year
    result = quorate.judge("x", sharpe, ">", least)
    return result if sharpe * math.sqrt(years) > 1.64 else result.failed("the t-value is too low")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("t-value-too", t_value_too)
