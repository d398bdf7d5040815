"""Rules for gates: what they judge is the series that would be promoted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from quorate.evidence.evidence import Evidence, Performance
from quorate.evidence.result import GateResult
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after, causal
from quorate.testing.markets import performance
from quorate.testing.tools import gated
from quorate.testing.tools.compare import numbers
from quorate.testing.tools.gated import SIGNS, answer

MINE, OTHER = "mean/all", "alone/lucky"


@causal
@after("computes", "deterministic")
def check_gate_judges_the_judged(plugin: Plugin) -> str | None:
    """A better candidate beside the judged series does not make the gate pass."""
    poor, lucky = _series(-0.0002, 3), _series(0.003, 4)
    alone = answer(plugin, _evidence(plugin, poor, {MINE: poor}, MINE), "the judged series alone")
    beside = answer(plugin, _evidence(plugin, poor, {MINE: poor, OTHER: lucky}, MINE), "beside a better candidate")
    other = answer(plugin, _evidence(plugin, lucky, {MINE: poor, OTHER: lucky}, OTHER), "the better candidate judged")
    if _of_the_benchmark(plugin, poor, lucky):
        raise Violation(
            f"its value is {numbers(alone.value, 0.0)[0]} for a poor series and for a good one, and another one beside "
            "another buy and hold: it judges the benchmark. Judge evidence.performance and evidence.metric(name); "
            "evidence.benchmark is what to compare with",
            found=float(alone.value or 0.0),
        )
    # Whether any candidate is better than chance is asked by a test of all of them at once: its figure is a p-value.
    if alone.unit == "p-value" or not all(_known(r) for r in (alone, beside, other)):
        return None
    if _ahead(beside, alone) and math.isclose(float(beside.value or 0), float(other.value or 0), rel_tol=1e-9):
        told = numbers(alone.value, beside.value)
        raise Violation(
            f"of a poor series alone its value is {told[0]} ({alone.verdict}), and {told[1]} ({beside.verdict}) when a "
            "better candidate stands beside it, as much as where that one is judged: it judges the best candidate, "
            "and "
            "the best of many looks good by chance. Judge evidence.performance, or "
            "evidence.candidates[evidence.judged]; what was tried beside it may only count against it",
            expected=told[0],
            found=told[1],
        )
    return None


def _of_the_benchmark(plugin: Plugin, poor: Performance, lucky: Performance) -> bool:
    """Say whether the value follows buy and hold and not the judged series."""
    held = (_series(0.001, 5), _series(-0.001, 6))
    found = [[answer(plugin, gated.evidence_of(plugin, p, h), "with a benchmark") for p in (poor, lucky)] for h in held]
    values = [[float(r.value) if r.value is not None else math.nan for r in row] for row in found]
    alike = all(math.isclose(a, b, rel_tol=1e-9) for a, b in values)
    return alike and not math.isclose(values[0][0], values[1][0], rel_tol=1e-9)


def _series(mean: float, seed: int) -> Performance:
    rng = np.random.default_rng(seed)
    returns = rng.normal(mean, 0.008, 500)
    return performance(returns, trades=returns[::5] * 3)


def _evidence(plugin: Plugin, judged: Performance, others: dict[str, Performance], name: str) -> Evidence:
    returns = {key: p.returns for key, p in others.items()}
    one = gated.evidence_of(plugin, judged, _series(0.0002, 7))  # of the same bars, as in a run
    return replace(one, judged=name, candidates=returns, members=dict(others))


def _known(result: GateResult) -> bool:
    return result.value is not None and math.isfinite(result.value) and result.condition in SIGNS


def _ahead(one: GateResult, other: GateResult) -> bool:
    """Say whether one value is farther on the passing side than another."""
    return SIGNS[one.condition] * (float(one.value or 0) - float(other.value or 0)) > 1e-9
