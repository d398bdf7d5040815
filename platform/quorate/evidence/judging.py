"""Measuring series and asking gates about them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd

from quorate.dataset.splits import Paths
from quorate.errors import PluginError
from quorate.evidence.evidence import Evidence, GateResult, MetricValue, Performance, Verdict, finite_or_none, plain
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs import GateSpec, MetricSpec
from quorate.recipe.schema import PRESETS, Gates
from quorate.trading.backtest import BacktestResult

T = TypeVar("T")


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
            values[name] = float(spec.resolve()(guarded(performance), **spec.params))
        except Exception as e:
            raise _failure("metric", name, e) from e
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
            result = spec.resolve()(guarded(evidence), **params)
        except Exception as e:
            raise _failure("gate", name, e) from e
        if not isinstance(result, GateResult):
            raise PluginError(f"gate {name!r} must return a GateResult (see quorate.judge); it returned {result!r}")
        if result.verdict == "PASS" and (result.value is None or not math.isfinite(result.value)):
            raise PluginError(f"gate {name!r} passed on an undefined value")
        results.append(_plain(replace(result, gate=name, tier=spec.tier)))
    order = {"FAIL": 0, "INSUFFICIENT": 1, "PASS": 2}
    return sorted(results, key=lambda r: (order[r.verdict], r.tier))


def guarded(value: T) -> T:
    """Return the same evidence for one reader, who can spoil it for no other.

    Arrays are views that refuse to be written into. Tables, and the mappings that hold all of it, are the reader's
    own; tables share their memory until they are changed.
    """
    found: Any = value
    if isinstance(value, np.ndarray):
        found = value.view()
        found.flags.writeable = False
    elif isinstance(value, pd.DataFrame):
        found = value.copy(deep=False)
    elif isinstance(value, Mapping):
        found = {key: guarded(inner) for key, inner in value.items()}
    elif isinstance(value, list):
        found = [guarded(inner) for inner in value]
    elif isinstance(value, BacktestResult | Evidence | Paths):
        found = replace(value, **{one.name: guarded(getattr(value, one.name)) for one in fields(value)})
    return cast(T, found)


def _failure(kind: str, name: str, e: Exception) -> PluginError:
    """Return what to tell of a plugin that raised; NumPy says of an array alone that it is read-only."""
    wrote = "read-only" in str(e) or isinstance(e, FrozenInstanceError)
    remedy = ": evidence is read-only, others read it, too; work on a copy, e.g. array.copy()" if wrote else ""
    return PluginError(f"{kind} {name!r} failed: {type(e).__name__}: {e}{remedy}")


def departures(gates: Gates, registry: Registry) -> dict[str, Any]:
    """Return how the gates of a resolved recipe differ from the preset ``standard``.

    Parameters
    ----------
    gates : Gates
        Of a resolved recipe: all gates that judge, with all their options.

    Returns
    -------
    dict
        ``preset``; ``without``, the gates of ``standard`` that do not judge; ``changed``, per gate of a preset the
        options that are others than the recipe's preset gives it.
    """
    changed = {}
    for name in PRESETS["strict"]:  # it has the gates of all presets
        if name in gates.judging:
            usual = resolve_options(registry.get("gate", name), PRESETS[gates.preset].get(name, {}), f"gates.{name}")
            other = {key: value for key, value in gates.judging[name].items() if value != usual.get(key)}
            if other:
                changed[name] = other
    without = [name for name in PRESETS["standard"] if name not in gates.judging]
    return {"preset": gates.preset, "without": without, "changed": changed}


def _plain(result: GateResult) -> GateResult:
    """Return the result with NumPy scalars as plain numbers; what a report cannot hold is the gate's fault."""
    value, margin, benchmark = (
        None if figure is None else finite_or_none(figure) for figure in (result.value, result.margin, result.benchmark)
    )
    result = replace(result, value=value, margin=margin, benchmark=benchmark, inputs=plain(result.inputs))
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
