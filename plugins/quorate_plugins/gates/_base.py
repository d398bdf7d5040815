"""What the built-in gates share: the options that they take, and how they count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

import quorate

Fraction = Annotated[float, Field(gt=0, lt=1)]
Text = str
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
LEAST = 126  # bars; on fewer a test of 5 % is wrong more often
Draws = Annotated[int, Field(ge=100)]  # fewer do not tell 0.05 from 0.10


def counted(n: int, what: str) -> str:
    """Return ``1 trade``, ``2 trades``; what is counted is given as one of it."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def chance(p: float) -> str:
    """Return a p-value as text; one that is tiny is not zero."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def too_little(
    gate: str, condition: str, threshold: float, evidence: quorate.Evidence, why: str = ""
) -> quorate.GateResult:
    """Return that nothing is decided, and why: too few bars, unless it is said."""
    n = len(evidence.performance.returns)
    result = quorate.judge(gate, math.nan, condition, threshold, sample=counted(n, "bar"))
    return result.insufficient(why or f"needs {LEAST} bars of an ensemble that trades")


def earlier_inputs(evidence: quorate.Evidence, gate: str) -> Mapping[str, Any]:
    """Return what a gate rested on in the walk-forward before a holdout; nothing, where that is not known."""
    found = evidence.earlier.gates.get(gate) if evidence.earlier else None
    return found.inputs if found else {}
