"""Markets without anything to find, and what a pipeline makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.covariates import Covariate
from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.bars.resample import resample
from quorate.statistics import Floats

SOME = 5  # bars by which covariates are known earlier
KEPT = 0.9  # of records that are read by the period


def null_bars(bars: Bars, seed: int) -> Bars:
    """Return the same bars in another order, without their drift: nothing in their past tells their future.

    Whole bars are drawn without replacement, each with its gap from the close before, its body, range and
    volume; one order for all symbols, so that they stay related on a day. Gap and body are scaled so that
    each earns nothing on average. Where a symbol has no bar stays as it is. All prices are scaled by a number
    of the draw, so that nothing kept from another market is taken for this one's. Values of covariates are drawn and
    scaled likewise, and are known some bars earlier. Bars that were made of shorter ones are made of these again, in
    another order.
    """
    if bars.finer is not None:
        finer = null_bars(bars.finer, seed)
        again = resample(finer, bars.frequency, bars.times[-1]).bars
        rng = np.random.default_rng([seed, 7_022])
        return replace(again, finer=finer, covariates=_others(bars, rng, rng.uniform(0.5, 2.0)))
    rng = np.random.default_rng([seed, 7_021])
    key, scale = rng.random(len(bars)), rng.uniform(0.5, 2.0)
    fields = {name: getattr(bars, name).copy() for name in FIELDS}
    for j in range(len(bars.symbols)):
        rows = np.flatnonzero(bars.present[:, j])
        if len(rows):
            column = [fields[name][rows, j] * (scale if name in PRICES else 1.0) for name in FIELDS]
            for name, values in zip(FIELDS, _shuffled(column, key[rows[1:]]), strict=True):
                fields[name][rows, j] = values
    made: dict[str, Any] = {name: _frozen(array) for name, array in fields.items()}
    return replace(bars, fills=None, covariates=_others(bars, rng, scale), **made)


def _others(bars: Bars, rng: np.random.Generator, scale: float) -> dict[str, Covariate]:
    """Return covariates with the values of other records, scaled, known earlier: what is read differs everywhere.

    Dates to come are later ones. Of records that are read by the period some are missing, as they may be counted.
    """
    earlier = SOME * np.median(np.diff(bars.times)) if len(bars) > 1 else np.timedelta64(0, "us")
    return {name: _other(one, rng, scale, earlier) for name, one in bars.covariates.items()}


def _other(covariate: Covariate, rng: np.random.Generator, scale: float, earlier: np.timedelta64) -> Covariate:
    order, n = rng.permutation(len(covariate)), len(covariate)
    kept = np.flatnonzero(rng.random(n) < KEPT) if covariate.over is not None else np.arange(n)
    values = {name: _frozen((column[order] * scale)[kept]) for name, column in covariate.values.items()}
    later = np.where(covariate.known < covariate.time, covariate.time + earlier, covariate.time)
    time, known, code = (_frozen(array[kept]) for array in (later, covariate.known - earlier, covariate.code))
    return replace(covariate, time=time, known=known, code=code, values=values)


def _shuffled(fields: Sequence[Floats], key: Floats) -> Sequence[Floats]:
    open, high, low, close, volume = fields
    # The first bar has no gap: it stays, and what follows is put together anew.
    order = 1 + np.argsort(key, kind="stable")
    gap, body = open[1:] / close[:-1], close[1:] / open[1:]
    gap, body = gap / gap.mean(), body / body.mean()
    gap, body = gap[order - 1], body[order - 1]
    body_high, body_low = np.maximum(open, close), np.minimum(open, close)
    above, below = (high / body_high)[order], (low / body_low)[order]
    new_close = close[0] * np.concatenate(([1.0], np.cumprod(gap * body)))
    new_open = np.concatenate((open[:1], new_close[:-1] * gap))
    new_close[1:] = new_open[1:] * body
    new_high = np.concatenate((high[:1], np.maximum(new_open, new_close)[1:] * above))
    new_low = np.concatenate((low[:1], np.minimum(new_open, new_close)[1:] * below))
    return new_open, new_high, new_low, new_close, np.concatenate((volume[:1], volume[order]))


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.asfortranarray(array)
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Null:
    """What a pipeline made of markets without anything to find.

    Parameters
    ----------
    draws, undefined : int
        Markets tried, and those on which the Sharpe ratio is undefined.
    z : float
        Mean of the per-bar Sharpe ratios over its own standard deviation, ``1 / sqrt(bars * draws)``.
    rms : float
        Root mean square of them over the standard deviation of one, ``1 / sqrt(bars)``; 1 for a clean pipeline.
    sharpes : tuple of float
        Annualised, one per draw that has one.
    bars : int
        Returns per draw.
    """

    draws: int
    undefined: int
    z: float
    rms: float
    sharpes: tuple[float, ...]
    bars: int


def summarise(returns: Sequence[Floats], bars_per_year: float) -> Null:
    """Return how far the Sharpe ratios of series are from those of chance."""
    lengths = np.array([len(series) for series in returns])
    scaled = np.array([statistics.sharpe(series, 1.0) for series in returns]) * np.sqrt(lengths)
    finite = np.isfinite(scaled)
    known, lengths = scaled[finite], lengths[finite]
    if not len(known):
        return Null(len(returns), len(returns), math.nan, math.nan, (), len(returns[0]) if returns else 0)
    annual = known / np.sqrt(lengths) * math.sqrt(bars_per_year)
    return Null(
        len(returns),
        len(returns) - len(known),
        float(known.mean() * math.sqrt(len(known))),
        float(np.sqrt(np.mean(known**2))),
        tuple(float(x) for x in annual),
        int(lengths.max()),
    )
