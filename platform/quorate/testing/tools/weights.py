"""Training rows for the rules of weights, and what a weight says of them."""

from __future__ import annotations

import numpy as np

from quorate.dataset.weights import TrainingRows, weights_in
from quorate.errors import PluginError
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import WeightSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, call
from quorate.testing.tools.model_data import times_of


def rows_of(plugin: Plugin, n_bars: int = 90, symbols: int = 2, horizon: int = 3, seed: int = 1) -> TrainingRows:
    """Return training rows of a market, with labels that the weight can weigh; the last symbol begins late."""
    spec, rng = spec_of(plugin), np.random.default_rng(seed)
    bar, symbol = np.divmod(np.arange(n_bars * symbols), symbols)
    late = (symbol == symbols - 1) & (bar < n_bars // 3) & (symbols > 1)
    bar, symbol = bar[~late], symbol[~late]
    labels = rng.normal(0, 0.02, len(bar))
    moves = rng.normal(0, 0.01, (n_bars + horizon + 1, symbols)) if spec.moves else np.empty((0, 0))
    return TrainingRows(
        bar.astype(np.int64),
        bar.astype(np.int64) + 1 + horizon,
        symbol.astype(np.int64),
        times_of(bar.astype(np.int64)),
        labels if spec.task == "regression" else (labels > 0.01).astype(np.float64),
        moves,
    )


def read_only(rows: TrainingRows) -> TrainingRows:
    """Return copies that refuse to be written into."""
    copies = [np.array(getattr(rows, name)) for name in NAMES]
    for one in copies:
        one.flags.writeable = False
    return TrainingRows(*copies)


NAMES = ("bar", "end", "symbol", "time", "labels", "moves")


def first_bars(rows: TrainingRows, n_bars: int) -> TrainingRows:
    """Return the rows of the first bars, and of the market what lies within the intervals of their labels."""
    keep = rows.bar < n_bars
    stop = int(rows.end[keep].max()) + 1
    cut = {name: getattr(rows, name)[keep] for name in NAMES[:-1]}
    return TrainingRows(**cut, moves=rows.moves[:stop])


def weigh(plugin: Plugin, rows: TrainingRows) -> Floats:
    """Return what a weight says of rows.

    Raises
    ------
    Violation
        If it fails, or gives something else than a number from 0 on for each row, not all 0.
    """
    with np.errstate(all="ignore"):
        answer = call(plugin, read_only(rows))
    told = f"of {len(rows)} rows at {len(np.unique(rows.bar))} bars"
    try:
        weights = weights_in(answer, len(rows))
    except PluginError as e:
        raise Violation(f"{told}: {e}") from e
    if not weights.any():
        raise Violation(
            f"{told} all weigh 0: a fold would have nothing to learn from; cut off later, or give all the same weight",
            found="all 0",
        )
    return weights


def weighed(plugin: Plugin, rows: TrainingRows) -> Floats:
    """Return what a weight says of rows, for rules that say nothing of one that fails."""
    try:
        return weigh(plugin, rows)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def spec_of(plugin: Plugin) -> WeightSpec:
    """Return the plugin's spec."""
    assert isinstance(plugin.spec, WeightSpec)
    return plugin.spec
