"""Moving windows over time, for features: causal, and exactly as long as they say.

Every function takes float64 arrays (n_bars, n_symbols), time on axis 0, and gives one of the same
shape in column order. Row *t* reads rows ``t - window + 1`` to *t* of its own column; rows before
the first full window are NaN. A column may end in NaN (after a symbol's last bar); its rows there
are NaN too.

Sums are built by doubling: two windows of *k* bars that touch make one of *2k*. A value is therefore
a fixed tree of additions over the bars of its own window. It does not depend, not even in its last
bit, on how long the history is, on other columns, or on bars that have left the window; a running
sum would carry the rounding of a past spike to the end of the column.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable
from typing import ParamSpec

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
P = ParamSpec("P")
Parts = tuple[Floats, ...]
Merge = Callable[[Parts, int, Parts, int], Parts]

__all__ = [
    "by_symbols",
    "correlation",
    "ewm",
    "maximum",
    "mean",
    "minimum",
    "ratio",
    "relative",
    "shift",
    "std",
    "total",
    "zscore",
]

# Values per pass and symbols per block: temporaries of either size stay in a core's own cache.
_CHUNK = 1 << 15
_SYMBOLS = 8
# Below this share of the mean square, a variance taken as a difference of sums has lost too many digits.
_CANCELLED = 1e-6
# Values up to which a recursion is taken step by step.
_FEW = 10_000


def by_symbols(function: Callable[P, Floats]) -> Callable[P, Floats]:
    """Make a function of arrays work through a few symbols at a time.

    A feature written as plain array arithmetic becomes several times faster, since what it computes
    on the way stays in cache. Its columns must not depend on each other.

    Parameters
    ----------
    function : callable
        Its array arguments all have the same shape (n_bars, n_symbols), and so has its result.
        Other arguments are handed on as they are.

    Returns
    -------
    callable
        With the same signature; its result is in column order.
    """

    @functools.wraps(function)
    def blocked(*args: P.args, **kwargs: P.kwargs) -> Floats:
        shape = next(a.shape for a in args if isinstance(a, np.ndarray))
        if shape[1] <= _SYMBOLS:
            few = [np.asfortranarray(a) if isinstance(a, np.ndarray) else a for a in args]
            found = np.asfortranarray(function(*few, **kwargs), dtype=np.float64)  # type: ignore[arg-type]
            return found if found.shape == shape else np.asfortranarray(np.broadcast_to(found, shape))
        out = np.empty(shape, order="F")
        for start in range(0, shape[1], _SYMBOLS):
            block = slice(start, start + _SYMBOLS)
            part = [np.asfortranarray(a[:, block]) if isinstance(a, np.ndarray) else a for a in args]
            out[:, block] = function(*part, **kwargs)  # type: ignore[arg-type]
        return out

    return blocked


def shift(x: Floats, bars: int = 1) -> Floats:
    """Return the values of `bars` bars ago; the first `bars` rows are NaN."""
    out = np.empty(x.shape, order="F")
    out[:bars] = np.nan
    out[bars:] = x[: max(len(x) - bars, 0)]
    return out


def ratio(numerator: Floats, denominator: Floats, least: float = 0.0) -> Floats:
    """Divide, and give 0 where the size of the denominator is at most `least`.

    Parameters
    ----------
    numerator, denominator : ndarray
        Of the same shape.
    least : float
        In the denominator's unit: what cannot be told from rounding.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out: Floats = numerator / denominator
    np.copyto(out, 0.0, where=np.abs(denominator) <= least)
    return out


def relative(value: Floats, base: Floats, least: float = 0.0) -> Floats:
    """Return ``value / base - 1``, and 0 where the size of `base` is at most `least`."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out: Floats = value / base
    out -= 1.0
    np.copyto(out, 0.0, where=np.abs(base) <= least)
    return out


def total(x: Floats, window: int) -> Floats:
    """Return the moving sum."""
    return _windowed(x, window, lambda values, out: np.copyto(out, _sums(values, window)))


def mean(x: Floats, window: int) -> Floats:
    """Return the moving mean."""

    def compute(values: Floats, out: Floats) -> None:
        np.multiply(_sums(values, window), 1.0 / window, out=out)

    return _windowed(x, window, compute)


def std(x: Floats, window: int) -> Floats:
    """Return the moving sample standard deviation (``ddof=1``), exactly 0 where all values are equal.

    Parameters
    ----------
    x : ndarray
        (n_bars, n_symbols).
    window : int
        At least 2 bars.

    Notes
    -----
    Right to about nine digits, or to what the rounding of `x` itself leaves of its deviations.
    """

    def compute(values: Floats, out: Floats) -> None:
        variance = _squared_deviations(values, window)
        variance *= 1.0 / (window - 1)
        np.sqrt(variance, out=out)

    return _windowed(x, window, compute)


def maximum(x: Floats, window: int) -> Floats:
    """Return the moving maximum."""
    return _extreme(x, window, np.maximum)


def minimum(x: Floats, window: int) -> Floats:
    """Return the moving minimum."""
    return _extreme(x, window, np.minimum)


@by_symbols
def zscore(x: Floats, window: int) -> Floats:
    """Return the distance from the moving mean in moving standard deviations, 0 where all values are equal."""
    return ratio(x - mean(x, window), std(x, window))


@by_symbols
def correlation(x: Floats, y: Floats, window: int) -> Floats:
    """Return the moving correlation, in -1..1; 0 where `x` or `y` does not vary.

    Not varying is a standard deviation below 1/10,000 of the root mean square, where rounding would
    begin to show. It is meant for returns, volumes and the like, not for price levels.
    """
    scale = 1.0 / window
    mean_x, mean_y = mean(x, window), mean(y, window)
    square_x, square_y = total(x * x, window) * scale, total(y * y, window) * scale
    variance_x, variance_y = square_x - mean_x * mean_x, square_y - mean_y * mean_y
    product = total(x * y, window) * scale - mean_x * mean_y
    out = ratio(product, np.sqrt(np.maximum(variance_x, 0.0)) * np.sqrt(np.maximum(variance_y, 0.0)))
    np.copyto(out, 0.0, where=(variance_x <= 1e-8 * square_x) | (variance_y <= 1e-8 * square_y))
    return np.clip(out, -1.0, 1.0, out=out)


def ewm(x: Floats, alpha: float, first: int = 0, seed: int = 1) -> Floats:
    """Return the recursive exponential mean: ``y[t] = y[t-1] + alpha (x[t] - y[t-1])``.

    Parameters
    ----------
    x : ndarray
        (n_bars, n_symbols).
    alpha : float
        Weight of the newest bar, in 0..1. A span of *n* bars is ``2 / (n + 1)``, Wilder's mean ``1 / n``.
    first : int
        The first row that is read.
    seed : int
        The recursion starts from the plain mean of this many rows; the rows before the last of them are NaN.
    """
    out = np.full(x.shape, np.nan, order="F")
    start = first + seed - 1
    if len(x) > start:
        out[start] = mean(x[first : start + 1], seed)[-1]
    if len(x) > start + 1:
        rows = np.ascontiguousarray(x[start + 1 :].T)
        recurse = _recurse if rows.size <= _FEW and "scipy.signal" not in sys.modules else _recurse_compiled
        out[start + 1 :] = recurse(rows, out[start], alpha).T + 0.0  # without the signs of zeros
    return out


def _recurse(rows: Floats, first: Floats, alpha: float) -> Floats:
    """Continue each row from its first value: for few values, where importing SciPy would take far longer."""
    keep = 1.0 - alpha
    steps = [
        itertools.accumulate(new, lambda y, x: x + keep * y, initial=y)
        for new, y in zip((alpha * rows).tolist(), first.tolist(), strict=True)
    ]
    return np.array([list(row)[1:] for row in steps])


def _recurse_compiled(rows: Floats, first: Floats, alpha: float) -> Floats:
    """As `_recurse`, to the last bit."""
    from scipy.signal import lfilter

    out: Floats = lfilter([alpha], [1.0, alpha - 1.0], rows, axis=1, zi=(1.0 - alpha) * first[:, None])[0]
    return out


def _windowed(x: Floats, window: int, compute: Callable[[Floats, Floats], object]) -> Floats:
    """Let `compute` turn n values into those of the n - window + 1 full windows, for every column.

    The columns are taken as one long row: windows that straddle two of them end in the first
    ``window - 1`` rows of a column, which are NaN in any case.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 bar; it was {window}")
    out = np.empty(x.shape, order="F")
    if len(x) >= window:
        flat, result = x.T.reshape(-1), out.T.reshape(-1)
        step = max(_CHUNK, window)
        for start in range(0, len(flat), step):
            oldest = max(start - window + 1, 0)
            compute(flat[oldest : start + step], result[oldest + window - 1 : start + step])
    out[: window - 1] = np.nan
    return out


def _sums(level: Floats, window: int) -> Floats:
    """Return what `_fold` makes of plain sums, with less around each of them."""
    size, done, result = 1, 0, level
    while True:
        if window & size:
            result = result[:-size] + level[done:] if done else level
            done += size
        if done == window:
            return result
        level = level[:-size] + level[size:]
        size *= 2


def _fold(level: Parts, window: int, merge: Merge) -> Parts:
    """Combine single values to windows by doubling; entry i stands for the window that starts at i."""
    size, done = 1, 0
    result: Parts = ()
    while True:
        if window & size:
            later = tuple(part[done:] for part in level)
            result = merge(tuple(part[:-size] for part in result), done, later, size) if done else level
            done += size
        if done == window:
            return result
        level = merge(tuple(part[:-size] for part in level), size, tuple(part[size:] for part in level), size)
        size *= 2


def _merge_moments(left: Parts, n_left: int, right: Parts, n_right: int) -> Parts:
    """Merge means and sums of squared deviations (Chan, Golub and LeVeque 1983)."""
    n = n_left + n_right
    delta = right[0] - left[0]
    squares = delta * delta
    squares *= n_left * n_right / n
    squares += left[1]
    squares += right[1]
    delta *= n_right / n
    delta += left[0]
    return delta, squares


def _squared_deviations(values: Floats, window: int) -> Floats:
    """Return the sums of squared deviations from the mean of each full window."""
    sums, squares = _sums(values, window), _sums(values * values, window)
    sums *= sums
    sums *= 1.0 / window
    deviations = np.subtract(squares, sums, out=sums)
    # The difference of sums is fast, and right unless the values are nearly equal: only there the
    # slower way is taken, window by window, so that a window's value never depends on its neighbours.
    cancelled = deviations < _CANCELLED * squares
    if cancelled.any():
        exact = _fold((values, np.zeros_like(values)), window, _merge_moments)[1]
        np.copyto(deviations, exact, where=cancelled)
    return deviations


def _extreme(x: Floats, window: int, larger: np.ufunc) -> Floats:
    def compute(values: Floats, out: Floats) -> None:
        size = 1
        while 2 * size <= window:
            values = larger(values[:-size], values[size:])
            size *= 2
        # Two windows that overlap make the last one: an extreme may see a bar twice.
        rest = window - size
        larger(values[: len(values) - rest], values[rest:], out=out)

    return _windowed(x, window, compute)
