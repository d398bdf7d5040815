"""Measuring series and asking gates about them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from quorate.errors import PluginError
from quorate.evidence import Evidence, GateResult, MetricValue, Performance, Verdict, finite_or_none
from quorate.registry import Registry
from quorate.specs import GateSpec, MetricSpec


def measure(performance: Performance, registry: Registry) -> dict[str, float]:
    """Return every registered metric of a series; NaN where undefined.

    Raises
    ------
    PluginError
        If a metric fails.
    """
    values = {}
    for name in registry.names("metric"):
        spec = registry.get("metric", name)
        try:
            values[name] = float(spec.resolve()(performance, **spec.params))
        except Exception as e:
            raise PluginError(f"metric {name!r} failed: {type(e).__name__}: {e}") from e
    return values


def metric_values(values: Mapping[str, float], registry: Registry) -> list[MetricValue]:
    """Return measured values with their units."""
    out = []
    for name, value in values.items():
        spec = registry.get("metric", name)
        assert isinstance(spec, MetricSpec)
        out.append(MetricValue(name, finite_or_none(value), spec.unit))
    return out


def run_gates(gates: Mapping[str, Mapping[str, Any]], evidence: Evidence, registry: Registry) -> list[GateResult]:
    """Ask every gate that judges this part; worst first.

    Raises
    ------
    PluginError
        If a gate fails or answers with something else than a `GateResult`.
    """
    results = []
    for name, params in gates.items():
        spec = registry.get("gate", name)
        assert isinstance(spec, GateSpec)
        if evidence.part not in spec.parts:
            continue
        try:
            result = spec.resolve()(evidence, **params)
        except Exception as e:
            raise PluginError(f"gate {name!r} failed: {type(e).__name__}: {e}") from e
        if not isinstance(result, GateResult):
            raise PluginError(f"gate {name!r} must return a GateResult (see quorate.judge); it returned {result!r}")
        if result.verdict == "PASS" and (result.value is None or not math.isfinite(result.value)):
            raise PluginError(f"gate {name!r} passed on an undefined value")
        results.append(_plain(replace(result, gate=name, tier=spec.tier)))
    order = {"FAIL": 0, "INSUFFICIENT": 1, "PASS": 2}
    return sorted(results, key=lambda r: (order[r.verdict], r.tier))


def _plain(result: GateResult) -> GateResult:
    """Return the result with NumPy scalars as plain numbers; what a report cannot hold is the gate's fault."""
    value, margin, benchmark = (
        None if figure is None else finite_or_none(figure) for figure in (result.value, result.margin, result.benchmark)
    )
    result = replace(result, value=value, margin=margin, benchmark=benchmark)
    try:
        text = json.dumps(result.to_dict(), allow_nan=False, default=lambda value: value.item())
    except (TypeError, ValueError, AttributeError) as e:
        raise PluginError(f"gate {result.gate!r} must return plain, finite numbers and text: {e}") from e
    return GateResult(**json.loads(text))


def overall(verdicts: Iterable[str]) -> Verdict:
    """Return FAIL if any fails, else INSUFFICIENT if any is, else PASS; nothing judged is INSUFFICIENT."""
    found = set(verdicts)
    if "FAIL" in found:
        return "FAIL"
    return "PASS" if found == {"PASS"} else "INSUFFICIENT"
