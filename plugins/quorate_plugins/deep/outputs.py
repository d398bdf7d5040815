"""What a network forecasts, by its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate_plugins.deep.settings import training_of


def outputs_of(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the outputs of a network with these parameters; none for the one prediction.

    Raises
    ------
    ValueError
        If a parameter is not what it must be, so that nothing is trained in vain, or the median is not among the
        quantiles of ``pinball``.
    """
    if "heads" in params:
        _check_heads(params["hidden"], params["heads"])
    training = training_of(params).for_task(str(params["task"]))
    if training.loss == "gaussian":
        return "mean", "sd"
    if training.loss != "pinball":
        return ()
    if 0.5 not in training.quantiles:
        levels = list(training.quantiles)
        raise ValueError(f"quantiles must hold the median, 0.5, which is what is combined; they were {levels}")
    return tuple(f"q{level:g}" for level in training.quantiles)


def _check_heads(hidden: int, heads: int) -> None:
    if hidden % heads:
        down, up = hidden // heads * heads, -(-hidden // heads) * heads
        raise ValueError(f"hidden must be a multiple of heads, {heads}: {down or up} or {up}; it was {hidden}")
