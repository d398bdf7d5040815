"""Histories of just so many bars, on which it shows what a feature reads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats
from quorate.testing._base import Violation
from quorate.testing.markets import market
from quorate.testing.tools.compare import rough
from quorate.testing.tools.covariates import inputs_of
from quorate.testing.tools.features import evaluate, n_bars

_WINDOWS = 48
_FACTORS = (1.001, 0.999, 1.05, 0.95, 2.0, 0.5, 100.0, 0.01)

Windows = list[Floats]  # per input: (lookback, n_windows), or (lookback, n_symbols) of one cross-section


def values_at_end(plugin: Plugin, windows: Windows) -> Floats | None:
    """Return the values at the windows' last bar, or None where so few bars are too few for it."""
    try:
        values: Floats = np.asarray(evaluate(plugin, windows), dtype=np.float64)[-1]
    except (Violation, ValueError, IndexError, TypeError):
        return None
    return values


def other_oldest(windows: Windows) -> Iterator[Windows]:
    """Yield other values for the oldest bar."""
    for factor in _FACTORS:
        yield [w[0] * factor for w in windows]
    yield [w[1] for w in windows]
    yield [np.zeros_like(w[0]) if (w > 1e4).all() else w.max(axis=0) * 1.01 for w in windows]
    yield [w.min(axis=0) * 0.99 for w in windows]


def windows_of(spec: FeatureSpec) -> Iterator[Windows]:
    """Yield histories of `lookback` bars of many kinds, most of them side by side as if they were symbols."""
    ordinary = market(n_bars(spec), 2)
    wild = rough(n_bars(spec), 2)
    n, size = int(spec.lookback), len(ordinary)
    if spec.cross_sectional:
        for bars in (ordinary, wild):
            for t in np.linspace(n - 1, size - 1, _WINDOWS // 4).astype(int):
                yield [np.asfortranarray(array[t - n + 1 : t + 1]) for array in inputs_of(spec, bars)]
        return
    at = np.linspace(n - 1, size - 1, _WINDOWS).astype(int)
    for bars in (ordinary, wild):
        yield [
            np.asfortranarray(np.stack([array[t - n + 1 : t + 1, 0] for t in at], axis=1))
            for array in inputs_of(spec, bars)
        ]
    yield _shaped(spec, ordinary.close[:n, 0], n)


def _shaped(spec: FeatureSpec, close: Floats, n: int) -> Windows:
    """Return histories that rise, fall, stand still, alternate, and are calm or wild throughout."""
    step = np.arange(n)
    noise = np.log(close / close[0])
    paths = [0.01 * step, -0.01 * step, 0.0 * step, 0.01 * (step % 2), -0.01 * (step % 2), noise * 0.1, noise * 5]
    paths += [0.002 * step, -0.002 * step, 0.05 * np.sin(step / 3.0)]
    base = 100 * np.exp(np.stack(paths, axis=1))
    made = {
        "open": base * 0.999,
        "high": base * (1.004 + 0.003 * np.cos(step))[:, None],
        "low": base * (0.996 - 0.003 * np.sin(step))[:, None],
        "close": base,
        "volume": 1e6 * np.exp(0.02 * np.stack([step * (-1) ** i for i in range(len(paths))], axis=1)),
    }
    between = 0.5 + 0.4 * np.sin(step[:, None] / 3.0 + np.arange(len(paths)))  # covariates, whatever they are
    return [np.asfortranarray(made.get(name, between)) for name in spec.inputs]
