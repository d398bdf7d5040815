"""Tests that compare many strategies or forecasts with a benchmark.

A test takes losses, lower being better; those of a strategy are its returns with the sign turned. Of p-values
from resampling none is ever zero: ``(1 + number of draws at least as extreme) / (1 + draws)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quorate.statistics._base import TINY, autocovariances, block_length
from quorate.statistics._boundary import (
    Block,
    Count,
    Floats,
    Matrix,
    Natural,
    Number,
    Share,
    Values,
    checked,
)
from quorate.statistics._mean import long_run
from quorate.statistics._resampling import in_steps, means, remembered


@dataclass(frozen=True)
class Superior:
    """Which of many models are better than a benchmark.

    Parameters
    ----------
    statistic : float
        Of the best model; 0 where none is better than the benchmark.
    p_value : float
        That no model is better (Hansen 2005, consistent).
    p_lower, p_upper : float
        Bounds of it: poor models not, or fully, counted among the candidates.
    p_models : tuple of float
        Per model, that it is not better, adjusted for all models (Romano and Wolf 2005, 2016); NaN where
        it always differs from the benchmark by the same.
    n, draws, seed : int
    block : float
        Mean block of the resampling, in bars.
    """

    statistic: float
    p_value: float
    p_lower: float
    p_upper: float
    p_models: tuple[float, ...]
    n: int
    draws: int
    seed: int
    block: float

    @checked
    def superior(self, size: Share = 0.05) -> tuple[int, ...]:
        """Return the positions of the models that are better, wrong about any with probability `size` at most."""
        return tuple(i for i, p in enumerate(self.p_models) if p <= size)


@checked
def spa(
    benchmark: Values,
    models: Matrix,
    seed: Natural = 0,
    draws: Count = 2000,
    block: Block | None = None,
    dependence: Literal["block", "any"] = "block",
) -> Superior:
    """Test whether the best of many models is better than a benchmark, and name those that are.

    The test of superior predictive ability of Hansen (2005), studentised, and its step-down form of Romano
    and Wolf (2005), from the same draws of a stationary bootstrap.

    Parameters
    ----------
    benchmark : ndarray of float64, (n,)
        Losses.
    models : ndarray of float64, (n, n_models)
        Losses of all that were tried. A model that always differs from the benchmark by the same (it never
        traded) cannot be tested and is left out.
    seed, draws : int
        Of the resampling.
    block : float, optional
        Mean block in bars, at least 1 and fewer than there are; default: the longest that the differences ask for,
        see `block_length`.
    dependence : {"block", "any"}
        What the error of each mean is. ``block``, as published: that which the resampling itself has, which is too
        small where a series lasts, as blocks that suit it on average cut it short. ``any``: the long-run one, and what
        is drawn is spread as the t distribution is, see `mean_test`.

    Returns
    -------
    Superior
        NaN for fewer than 20 bars, or where something is not known.

    Notes
    -----
    arch 8.0 divides by no standard deviation even if it is asked to, and its step-down fails where all
    models are superior; with columns divided beforehand both give the same draws and p-values.
    """
    gain = benchmark[:, None] - models
    if block is not None:
        Number(least=1, below=len(gain))("spa: block", block)
    return _superior(gain, seed, draws, block, dependence)


@remembered
def _superior(gain: Floats, seed: int, draws: int, block: float | None, dependence: str) -> Superior:
    n, k = gain.shape
    known = n >= 20 and bool(np.isfinite(gain).all())
    varying = np.flatnonzero(gain.std(axis=0) > TINY * np.maximum(np.abs(gain).max(axis=0), TINY)) if known else ()
    if not len(varying):
        return Superior(math.nan, math.nan, math.nan, math.nan, (math.nan,) * k, n, draws, seed, math.nan)
    chosen, step = in_steps(gain[:, varying])
    steps = len(chosen)
    size = block_length(chosen) if block is None else max(block / step, 1.0)
    scaled = chosen / _long_run_deviation(chosen, size)
    mean = scaled.mean(axis=0)
    drawn = means(scaled, size, draws, seed)
    if dependence == "any":
        mean, drawn = _by_long_run(chosen, drawn - mean, seed)
    # Hansen's threshold: a model that is worse by more than this does not count among the candidates.
    centre = np.where(mean >= -math.sqrt(2 * math.log(math.log(steps)) / steps), mean, 0.0)
    best = max(float(mean.max()), 0.0)
    consistent, lower, upper = (
        _p_value(np.maximum((drawn - c).max(axis=1), 0.0), best) for c in (centre, np.maximum(mean, 0.0), mean)
    )
    each = np.full(k, math.nan)
    each[varying] = _step_down(drawn - centre, mean)
    p_models = tuple(each.tolist())
    return Superior(best * math.sqrt(steps), consistent, lower, upper, p_models, n, draws, seed, size * step)


def _by_long_run(values: Floats, drawn: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return means over their long-run deviation, and what is drawn about them, spread as the t distribution is.

    Each draw is stretched by another quantile of the root of the degrees of freedom over a chi-squared number, which
    one by chance: as uncertain as the deviations are, which err together where series are alike.
    """
    from scipy.special import chdtri

    found = [long_run(column) for column in values.T]
    mean = values.mean(axis=0) / np.array([max(one.deviation, TINY) for one in found])
    freedom, count = found[0].freedom, len(drawn)
    quantiles = np.sqrt(freedom / chdtri(freedom, (np.arange(count) + 0.5) / count))
    stretched: Floats = drawn * np.random.default_rng(seed).permutation(quantiles)[:, None]
    return mean, stretched + mean


def _p_value(drawn: Floats, found: float) -> float:
    return float((1 + (drawn >= found).sum()) / (1 + len(drawn)))


def _step_down(drawn: Floats, mean: Floats) -> Floats:
    """Return adjusted p-values: a model is tested together with those that are no better than it."""
    order = np.argsort(-mean, kind="stable")
    rest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    p = [_p_value(rest[:, i], float(mean[j])) for i, j in enumerate(order)]
    out = np.empty(len(mean))
    out[order] = np.maximum.accumulate(p)
    return out


def _long_run_deviation(values: Floats, block: float) -> Floats:
    """Return the deviation of sqrt(n) times the mean that the stationary bootstrap tends to (Politis, Romano 1994)."""
    n = len(values)
    covariance = autocovariances(values, n - 1)
    lag = np.arange(1, n)
    p = 1 / block
    weight = (1 - lag / n) * (1 - p) ** lag + lag / n * (1 - p) ** (n - lag)
    variance = covariance[0] + 2 * (weight[:, None] * covariance[1:]).sum(axis=0)
    # A series that goes back and forth can have next to none, and rounding takes the rest.
    deviation: Floats = np.sqrt(np.maximum(variance, 1e-6 * covariance[0]))
    return deviation
