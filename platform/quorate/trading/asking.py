"""Asking a strategy: what it is passed, and what its answer must be."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import PluginError
from quorate.plugins.calling import call
from quorate.plugins.specs import StrategySpec
from quorate.statistics import Floats
from quorate.trading.orders import gone_after


def strategy_arguments(spec: StrategySpec, bars: Bars, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a strategy is passed beside score, threshold and options.

    That is its `inputs`, of as many bars as the score has rows, and what its signature names of what is known of
    these bars and the `facts`, which are ``binary``, ``horizon`` and, from bars, ``side``, see `StrategySpec`.
    """
    inputs = {name: getattr(bars, name) for name in spec.inputs}
    try:
        parameters = inspect.signature(spec.resolve()).parameters
    except (TypeError, ValueError):  # some compiled callables do not tell
        return inputs
    codes = {name: category.codes for name, category in bars.categories.items()}
    own = {"bars_per_year": bars.bars_per_year, "gone": gone_after(bars), "member": bars.member, "categories": codes}
    known = {**own, **facts}
    told = {name: value for name, value in known.items() if name in parameters}
    return inputs | {name: value(bars) if name == "side" else value for name, value in told.items()}


def ask_strategy(
    spec: StrategySpec,
    score: Floats,
    threshold: float,
    bars: Bars,
    facts: Mapping[str, Any],
    params: Mapping[str, Any],
) -> Floats:
    """Return what a strategy answers, (n_bars, n_symbols); `facts` as in `strategy_arguments`.

    Raises
    ------
    PluginError
        If it fails, or answers in another shape.
    """

    def read(answer: Any) -> Floats:
        weights = np.asarray(answer, dtype=np.float64)
        if weights.shape != score.shape:
            raise PluginError(f"strategy {spec.name!r} must give weights {score.shape}; it gave {weights.shape}")
        return weights

    options = {**strategy_arguments(spec, bars, facts), **params}
    return call(spec, lambda: f"the scores of {bars!r}", (score, threshold), options, read)
