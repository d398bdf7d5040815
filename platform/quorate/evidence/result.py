"""What a gate answers, and the plain data that it is kept as."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from quorate.evidence.verdict import Verdict


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
        ``ratio``, ``fraction`` (printed as percentage), ``count`` or ``p-value``.
    uncertainty, sample, reason, warning : str
        An interval or bound, what it rests on, why it did not pass, and what to mind although it did.
    required : bool
        Whether the verdict counts; else it is only told.
    inputs : mapping
        What a reader needs to compute the value again; a number that is not finite is kept as None.
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
    warning: str = ""
    required: bool = True
    tier: str = "B"
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def insufficient(self, reason: str) -> GateResult:
        """Return the same figures with the verdict INSUFFICIENT: too little data to decide."""
        return replace(self, verdict="INSUFFICIENT", reason=reason)

    def warned(self, warning: str) -> GateResult:
        """Return the same figures with something to mind, whatever the verdict."""
        return replace(self, warning=warning)

    def advisory(self, warning: str) -> GateResult:
        """Return the same figures as a warning alone: the verdict is shown and does not count."""
        return replace(self, warning=warning, required=False)

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


def plain(value: Any) -> Any:
    """Return nested data with None for every number that is not finite: what JSON can hold."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return finite_or_none(float(value))
    return value


def finite_or_none(value: float) -> float | None:
    """Return the value, or None where it is not finite: what JSON can hold."""
    return float(value) if math.isfinite(value) else None
