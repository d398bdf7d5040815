"""Evidence: what metrics and gates see, what they answer, and how gates make a verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quorate.backtest import BacktestResult
from quorate.errors import PluginError, near_misses
from quorate.registry import Registry
from quorate.specs import GateSpec, MetricSpec

Floats = NDArray[np.float64]
Verdict = Literal["PASS", "FAIL", "INSUFFICIENT"]


@dataclass(frozen=True, eq=False)
class Performance(BacktestResult):
    """All that is known of one series: how it traded (see `BacktestResult`) and what it forecast.

    Parameters
    ----------
    bars_per_year : float
        For annualisation.
    predictions, labels : ndarray of float64, (n_forecasts,)
        Out-of-fold forecasts of the span and what came true; empty for a series without forecasts.
    binary : bool
        Whether predictions are probabilities of the positive class.
    """

    bars_per_year: float
    predictions: Floats
    labels: Floats
    binary: bool


@dataclass(frozen=True)
class MetricValue:
    """A metric of one series; `value` is None where it is undefined."""

    name: str
    value: float | None
    unit: str


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a gate sees.

    Parameters
    ----------
    performance, benchmark : Performance
        The series that is judged, and buy and hold traded at the same fills and costs.
    seed : int
        For resampling.
    """

    performance: Performance
    benchmark: Performance
    seed: int
    _metrics: Mapping[str, float] = field(default_factory=dict)
    _benchmark_metrics: Mapping[str, float] = field(default_factory=dict)

    def metric(self, name: str) -> float:
        """Return a metric of the judged series, NaN where it is undefined."""
        return self._lookup(self._metrics, name)

    def benchmark_metric(self, name: str) -> float:
        """Return the same metric of buy and hold."""
        return self._lookup(self._benchmark_metrics, name)

    @staticmethod
    def _lookup(table: Mapping[str, float], name: str) -> float:
        if name not in table:
            raise PluginError(
                f"a gate asks for the metric {name!r}, which no plugin provides{near_misses(name, table)}"
            )
        return table[name]


@dataclass(frozen=True)
class GateResult:
    """What a gate says.

    Parameters
    ----------
    verdict : {"PASS", "FAIL", "INSUFFICIENT"}
        An undefined value never passes.
    value, threshold, margin, benchmark : float or None
        `margin` is the distance to the threshold, positive on the passing side; `benchmark` the
        same figure for buy and hold. None: undefined.
    condition : str
        ``>``, ``<``, ``>=`` or ``<=``.
    unit : str
        ``ratio``, ``fraction`` (printed as percentage) or ``count``.
    uncertainty, sample, reason : str
        An interval or bound, what it rests on, and why it did not pass.
    inputs : mapping
        What a reader needs to compute the value again.
    """

    gate: str
    verdict: Verdict
    value: float | None
    condition: str
    threshold: float
    margin: float | None
    benchmark: float | None = None
    unit: str = "ratio"
    uncertainty: str = ""
    sample: str = ""
    reason: str = ""
    tier: str = "B"
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def insufficient(self, reason: str) -> GateResult:
        """Return the same figures with the verdict INSUFFICIENT: too little data to decide."""
        return replace(self, verdict="INSUFFICIENT", reason=reason)

    def failed(self, reason: str) -> GateResult:
        """Return the same figures with the verdict FAIL."""
        return replace(self, verdict="FAIL", reason=reason)


def judge(
    gate: str,
    value: float,
    condition: str,
    threshold: float,
    *,
    undefined: str = "it is undefined",
    benchmark: float = math.nan,
    unit: str = "ratio",
    uncertainty: str = "",
    sample: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> GateResult:
    """Compare a value with a threshold, strictly as the condition says.

    Parameters
    ----------
    gate : str
        Name of the gate.
    value : float
        NaN and infinite values fail, with `undefined` as the reason.
    condition : {">", "<", ">=", "<="}
        What passes.
    threshold : float
        The bound.

    Returns
    -------
    GateResult
    """
    compare = {">": value > threshold, "<": value < threshold, ">=": value >= threshold, "<=": value <= threshold}
    finite = math.isfinite(value)
    passed = finite and compare[condition]
    margin = (value - threshold) * (1 if condition.startswith(">") else -1) if finite else None
    reason = "" if passed else f"must be {condition} {threshold:g}" if finite else undefined
    return GateResult(
        gate,
        "PASS" if passed else "FAIL",
        finite_or_none(value),
        condition,
        threshold,
        margin,
        finite_or_none(benchmark),
        unit,
        uncertainty,
        sample,
        reason,
        inputs=dict(inputs or {}),
    )


def finite_or_none(value: float) -> float | None:
    """Return the value, or None where it is not finite: what JSON can hold."""
    return float(value) if math.isfinite(value) else None


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
    """Ask every gate; worst first.

    Raises
    ------
    PluginError
        If a gate fails or answers with something else than a `GateResult`.
    """
    results = []
    for name, params in gates.items():
        spec = registry.get("gate", name)
        assert isinstance(spec, GateSpec)
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
