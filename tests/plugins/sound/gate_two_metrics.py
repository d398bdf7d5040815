"""Two conditions, each stopping what is undefined."""

from __future__ import annotations

import quorate


def two_metrics(evidence, least: float = 0.5, deepest: float = 0.25):
    result = quorate.judge(
        "x", evidence.metric("sharpe"), ">", least, sample=f"{len(evidence.performance.returns)} bars"
    )
    if not abs(evidence.metric("max-drawdown")) < deepest:
        return result.failed(f"the drawdown must be < {deepest:.0%}")
    return result


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("two-metrics", two_metrics)
