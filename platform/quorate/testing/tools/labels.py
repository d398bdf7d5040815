"""Computing labels for the rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import LabelSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, call
from quorate.testing.tools.compare import read_only

Positions = NDArray[np.int64]


def compute(plugin: Plugin, prices: Floats, horizon: int | Positions) -> tuple[Floats, Positions]:
    """Compute values and ends.

    Raises
    ------
    Violation
        If it fails, or does not give two arrays in the shape of the prices.
    """
    with np.errstate(all="ignore"):
        answer = call(plugin, prices, horizon)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Violation(
            f"it gave {type(answer).__name__}: it must return two arrays, (values, ends)", found=type(answer).__name__
        )
    raw = np.asarray(answer[1])
    if raw.dtype.kind not in "iu" and not (raw.dtype.kind == "f" and (np.mod(raw[np.isfinite(raw)], 1) == 0).all()):
        raise Violation(
            f"ends are of type {raw.dtype}: they must be whole numbers, positions of bars", found=str(raw.dtype)
        )
    values = np.array(answer[0], dtype=np.float64)
    ends = np.where(np.isfinite(raw), raw, np.iinfo(np.int32).max).astype(np.int64)
    if values.shape != prices.shape or ends.shape != prices.shape:
        raise Violation(
            f"for prices {prices.shape} it gave values {values.shape} and ends {ends.shape}: both must have "
            "the shape of "
            "the prices, NaN in values where the label is not known",
            expected=list(prices.shape),
            found=[list(values.shape), list(ends.shape)],
        )
    return values, ends


def computed(plugin: Plugin, prices: Floats, horizon: int) -> tuple[Floats, Positions]:
    """Compute values and ends of read-only prices, for rules that say nothing of a label that fails."""
    try:
        return compute(plugin, read_only(prices), horizon)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def spec_of(plugin: Plugin) -> LabelSpec:
    """Return the plugin's spec."""
    assert isinstance(plugin.spec, LabelSpec)
    return plugin.spec
