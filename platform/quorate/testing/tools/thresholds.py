"""Whether a gate's verdict follows the condition and the threshold that it reports."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from quorate.evidence.evidence import Evidence
from quorate.evidence.result import GateResult
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, default_options
from quorate.testing.markets import performance
from quorate.testing.tools import gated
from quorate.testing.tools.gated import answer, holds

Case = tuple[str, Evidence, GateResult]
FACTORS = (0.5, 0.9, 1.1, 1.5, 2.0, 3.0, -1.0)


def cases(plugin: Plugin, name: str, e: Evidence) -> list[Case]:
    """Return the evidence and what the gate says of it, as it is and with every metric it asks for set anew."""
    first = answer(plugin, e, name)
    found = [(name, e, first)]
    for metric in gated.asked(e):
        found += list(_steps(plugin, name, e, metric, first.threshold))
    return found


def _steps(plugin: Plugin, name: str, e: Evidence, metric: str, threshold: float) -> Iterator[Case]:
    near = (threshold, *(threshold * factor for factor in FACTORS)) if math.isfinite(threshold) else ()
    for value in sorted({float(v) for v in (*gated.GRID, *near)}):
        changed, label = gated.with_metric(e, metric, value), f"{name}, {metric} = {value:g}"
        yield label, changed, answer(plugin, changed, label)


def check_other_threshold(plugin: Plugin) -> None:
    """Raise, if the value alone decides, but at another threshold than the one that is reported.

    A second condition is no fault: it rests on something else, so it moves with the evidence, or says so.
    """
    ran = dict(gated.samples(plugin))
    ran |= {
        f"{n} bars": gated.evidence_of(plugin, performance(n=n, seed=n), performance(seed=1, n=n)) for n in (30, 2000)
    }
    for e in ran.values():
        answer(plugin, e, "evidence")
    metrics = {metric for e in ran.values() for metric in gated.asked(e)}
    if len(metrics) != 1 or any(gated.asked(e, benchmark=True) for e in ran.values()):
        return
    [metric] = metrics
    thresholds = {float(answer(plugin, e, name).threshold) for name, e in ran.items()}
    if len(thresholds) != 1:
        return
    rows = [list(_steps(plugin, name, e, metric, next(iter(thresholds)))) for name, e in ran.items()]
    seen = {tuple((r.value, float(r.threshold), r.condition, r.verdict) for _, _, r in row) for row in rows}
    if len(seen) == 1:
        _check_row(rows[0])


def _check_row(row: list[Case]) -> None:
    told = {result.reason.strip() for _, _, result in row if result.verdict == "FAIL" and holds(result) is False}
    passed = [_inside(result) for _, _, result in row if result.verdict == "PASS" and holds(result)]
    for label, _, result in row:
        failed = result.verdict == "FAIL" and holds(result) and result.reason.strip() in told
        if failed and any(distance > _inside(result) > 0 for distance in passed):
            raise Violation(
                f"on the evidence {label!r} it fails with the value {result.value!r}, which is {result.condition} the "
                f"threshold {result.threshold!r}, and passes only farther from it: report the threshold that decides, "
                "or, for a second condition, say so by .failed(reason)",
                evidence=label,
                value=float(result.value or 0.0),
                condition=result.condition,
                threshold=float(result.threshold),
                expected="PASS",
                found="FAIL",
            )


def _inside(result: GateResult) -> float:
    return (float(result.value or 0.0) - float(result.threshold)) * gated.SIGNS[result.condition]


def against(name: str, result: GateResult) -> None:
    """Raise: it passes against its own condition."""
    raise Violation(
        f"on the evidence {name!r} it passes with the value {result.value!r}, which is not {result.condition} the "
        f"threshold {result.threshold!r}: the verdict must follow the condition that is declared, "
        "boundary included (quorate.judge does)",
        evidence=name,
        value=float(result.value or 0.0),
        condition=result.condition,
        threshold=float(result.threshold),
        found="PASS",
    )


def check_boundary(plugin: Plugin, name: str, e: Evidence, result: GateResult) -> bool:
    """Move the gate's own threshold onto its value and just inside; return whether that could be done."""
    if holds(result) is None:
        return False
    assert result.value is not None
    value = float(result.value)
    inside = np.nextafter(value, -math.inf if result.condition.startswith(">") else math.inf)
    for option, default in default_options(plugin).items():
        if isinstance(default, bool) or not isinstance(default, int | float) or default != result.threshold:
            continue
        given = [type(default)(v) if v == int(v) else float(v) for v in (value, float(inside))]
        label = f"{name}, {option} = {value:g}"
        on, within = (answer(plugin, e, label, **{option: v}) for v in given)
        if on.value is None or float(on.threshold) != float(on.value):
            continue
        if on.verdict == "PASS" and holds(on) is False:
            against(label, on)
        if on.verdict != "PASS" and holds(on) and within.verdict == "PASS" and holds(within):
            _excluded(label, on)
        return True
    return False


def check_inclusive(plugin: Plugin, cases: list[Case]) -> None:
    """Raise, if values on both sides say that the boundary alone is what does not pass."""
    for label, e, result in cases:
        on = holds(result) and result.verdict == "FAIL" and float(result.value or 0.0) == float(result.threshold)
        if not on:
            continue
        for metric in gated.asked(e):
            now = e._metrics[metric]
            near = [gated.with_metric(e, metric, float(np.nextafter(now, v))) for v in (-math.inf, math.inf)]
            if any(answer(plugin, n, label).verdict == "PASS" for n in near):
                _excluded(label, result)


def _excluded(name: str, result: GateResult) -> None:
    raise Violation(
        f"on the evidence {name!r} the value {result.value!r} lies on the threshold and the condition is "
        f"{result.condition}, but the verdict is {result.verdict}: let it pass, or declare "
        f"{result.condition[0]}",
        evidence=name,
        value=float(result.value or 0.0),
        condition=result.condition,
        expected="PASS",
        found=result.verdict,
    )
