"""Bars at which one symbol alone is forecast, where forecasts are places within the bar: they say nothing there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.ensemble.within import WITHIN
from quorate.evidence.result import GateResult
from quorate.walkforward.layout import WalkForward


class Alone(NamedTuple):
    """What is told of them.

    Parameters
    ----------
    warning : str
        Empty, where there is no such bar.
    reason : str
        Why nothing can be judged; empty, unless all bars are such.
    """

    warning: str = ""
    reason: str = ""


def alone_in(walk: WalkForward, rows: NDArray[np.int64]) -> Alone:
    """Return at how many of the bars of some rows one symbol alone is forecast, in words."""
    calibration = walk.recipe.ensemble.calibration
    if calibration not in WITHIN or not len(rows):
        return Alone()
    bars, counts = np.unique(walk.dataset.bar[rows], return_counts=True)
    lone = int((counts == 1).sum())
    if not lone:
        return Alone()
    which = "each bar" if lone == len(bars) else f"{lone:,} of {len(bars):,} bars"
    said = (
        f"on {which} one symbol alone is forecast, and ensemble.calibration = {calibration!r} says where it stands "
        "among the symbols of its bar: that is 0 there, whatever the models say, and nothing is traded on it"
    )
    if lone < len(bars):
        return Alone(said)
    remedy = "several symbols are needed at a bar, or another ensemble.calibration"
    return Alone(f"{said}; {remedy}", f"one symbol alone is forecast at each bar, so that forecasts are 0; {remedy}")


def silenced(gates: Sequence[GateResult], reason: str) -> list[GateResult]:
    """Return what gates say where forecasts say nothing: what would fail for that reason is not decided."""
    return [
        replace(gate, verdict="INSUFFICIENT", reason=reason) if reason and gate.verdict == "FAIL" else gate
        for gate in gates
    ]
