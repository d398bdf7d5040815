"""A count with >=; passes where nothing was traded, rightly."""

from __future__ import annotations

import quorate


def enough_bars(evidence, bars: int = 252):
    return quorate.judge("x", len(evidence.performance.returns), ">=", bars, unit="count", sample="all bars")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("enough-bars", enough_bars, tier="A")
