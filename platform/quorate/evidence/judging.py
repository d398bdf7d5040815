"""Measuring series and asking gates about them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd

from quorate.dataset.splits import Paths
from quorate.errors import PluginError
from quorate.evidence.evidence import AlongFactors, Earlier, Evidence, Performance, Tried, Unseen
from quorate.evidence.result import GateResult, finite_or_none, plain
from quorate.plugins.calling import call
from quorate.plugins.registry import Registry
from quorate.plugins.specs import GateSpec, MetricSpec
from quorate.trading.backtest import BacktestResult
from quorate.trading.carry import Carry

T = TypeVar("T")


def measure(performance: Performance, registry: Registry, names: Iterable[str] | None = None) -> dict[str, float]:
    """Return every registered metric of a series, or those named; NaN where undefined.

    Metrics of quantiles, and of symbols among each other, are left out of a series without any, unless they are named.

    Raises
    ------
    PluginError
        If a metric fails.
    """
    values = {}
    performance = guarded(performance)
    across = performance.cross_section
    for name in registry.names("metric") if names is None else names:
        spec = registry.get(MetricSpec, name)
        if (spec.quantiles and not len(performance.levels)) or (spec.cross_section and not across):
            values.update({} if names is None else {name: math.nan})
            continue
        values[name] = call(spec, f"{len(performance.returns):,} bars", (guarded(performance),), spec.params, float)
    return values


class Measured(Mapping[str, float]):
    """Every registered metric of a series, each measured when it is first asked for; nobody can change it.

    Raises
    ------
    PluginError
        If a metric that is asked for fails.
    """

    def __init__(self, performance: Performance, registry: Registry) -> None:
        self._asked: dict[str, float] = {}
        self._names = registry.names("metric")
        self._measure = partial(measure, performance, registry)

    def __getitem__(self, name: str) -> float:
        """Return a metric, NaN where it is undefined."""
        if name not in self._asked:
            if name not in self._names:
                raise KeyError(name)
            self._asked |= self._measure([name])
        return self._asked[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names of all that can be asked for."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)


def run_gates(gates: Mapping[str, Mapping[str, Any]], evidence: Evidence, registry: Registry) -> list[GateResult]:
    """Ask every gate that judges this part; worst first.

    Raises
    ------
    PluginError
        If a gate fails or answers with something else than a `GateResult`.
    """
    results = []
    evidence = guarded(evidence)
    for name, params in gates.items():
        spec = registry.get(GateSpec, name)
        if evidence.part in spec.parts:
            results.append(call(spec, f"the {evidence.part}", (guarded(evidence),), params, partial(_verdict, spec)))
    order = {"FAIL": 0, "INSUFFICIENT": 1, "PASS": 2}
    return sorted(results, key=lambda r: (order[r.verdict], r.tier))


def earlier_of(section: Mapping[str, Any], trials: Tried) -> Earlier:
    """Return what the section of a walk-forward says, for the gates that judge its holdout."""
    return Earlier({gate["gate"]: GateResult(**gate) for gate in section["gates"]}, trials)


def _verdict(spec: GateSpec, answer: Any) -> GateResult:
    """Return a gate's answer, checked and as plain data."""
    if not isinstance(answer, GateResult):
        raise PluginError(f"gate {spec.name!r} must return a GateResult (see quorate.judge); it returned {answer!r}")
    if answer.verdict == "PASS" and (answer.value is None or not math.isfinite(answer.value)):
        raise PluginError(f"gate {spec.name!r} passed on an undefined value")
    return _plain(replace(answer, gate=spec.name, tier=spec.tier))


def guarded(value: T) -> T:
    """Return the same evidence for one reader, who can spoil it for no other.

    Arrays are views that refuse to be written into. Tables, and the mappings that hold all of it, are the reader's
    own; tables share their memory until they are changed.
    """
    found: Any = value
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            found = value.view()
            found.flags.writeable = False
    elif isinstance(value, pd.DataFrame):
        found = value.copy(deep=False)
    elif isinstance(value, Mapping) and not isinstance(value, Measured):
        found = {key: guarded(inner) for key, inner in value.items()}
    elif isinstance(value, list):
        found = [guarded(inner) for inner in value]
    elif isinstance(value, BacktestResult | Carry | Evidence | Paths | Unseen | AlongFactors):
        found = replace(value, **{one.name: guarded(getattr(value, one.name)) for one in fields(value)})
        if isinstance(value, BacktestResult) and "returns" in vars(value):  # read-only, and the same for all readers
            vars(found)["returns"] = vars(value)["returns"]
    return cast(T, found)


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
