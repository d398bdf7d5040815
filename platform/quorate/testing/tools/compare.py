"""What the rules of several kinds share: cuts, awkward markets, comparisons, and how a difference reads."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import FIELDS, Bars
from quorate.statistics import Floats
from quorate.testing._base import Violation
from quorate.testing.markets import market

# Values that agree to this, relative to themselves and to their standard deviation, differ by rounding.
ROUNDING = 1e-6
FEWEST = 25
_BUDGET = 0.5  # seconds spent on more cuts than the fewest
_PATIENCE = 9.0  # seconds after which fewer have to do


def cuts(first: int, n: int, seed: int = 0) -> Iterator[int]:
    """Yield how many bars are known: both ends, 25 random places, then all others while time is left.

    Where each takes long there are fewer.
    """
    ends = [k for k in dict.fromkeys((first, first + 1, n - 1)) if first <= k < n]
    rest = [int(k) for k in np.random.default_rng(seed).permutation(np.arange(first, n)) if int(k) not in ends]
    started = time.monotonic()
    for done, known in enumerate((*ends, *rest)):
        spent = time.monotonic() - started
        if spent > (_BUDGET if done >= FEWEST + len(ends) else _PATIENCE):
            return
        yield known


def spread(values: Floats) -> float:
    """Return the standard deviation of the finite values, 0 if there is none."""
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) else 0.0


def differs(expected: Floats, found: Floats, tolerance: float = ROUNDING, scale: float = 0.0) -> NDArray[np.bool_]:
    """Return where two arrays differ by more than `tolerance` of the value or of `scale`; NaN equals NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        return ~np.isclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def changed(expected: Floats, found: Floats) -> NDArray[np.bool_]:
    """Return where two arrays differ in any bit of what the platform keeps, float32; NaN equals NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        one, other = expected.astype(np.float32), found.astype(np.float32)
    different: NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return different


def first_of(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return row and column of the first marked place."""
    row, column = np.argwhere(mask)[0]
    return int(row), int(column)


def place(bars: Bars, row: int, column: int) -> str:
    """Return e.g. ``on bar 112 (2015-06-10) of AAA``."""
    return f"on bar {row} ({bars.sessions[row]}) of {bars.symbols[column]}"


def plain(value: Any) -> float:
    """Return a value as JSON knows it, for a counter-example."""
    return float(value)


def example(bars: Bars, row: int, column: int, expected: Any, found: Any, **more: Any) -> dict[str, Any]:
    """Return a counter-example at one bar of one symbol: where it is, what else is given, and the two values."""
    where = {"bar": row, "symbol": bars.symbols[column]}
    return {**where, **more, "expected": plain(expected), "found": plain(found)}


def numbers(one: Any, other: Any) -> tuple[str, str]:
    """Return two values as a message shows them: with as many digits as it takes to tell them apart."""
    for digits in (7, 10, 17):
        told = f"{float(one):.{digits}g}", f"{float(other):.{digits}g}"
        if told[0] != told[1]:
            break
    return told


def number(value: Any, other: Any = None) -> str:
    """Return a value as a message shows it, beside another one from which it differs."""
    return f"{float(value):.7g}" if other is None else numbers(value, other)[0]


@lru_cache(maxsize=8)
def rough(n_bars: int = 300, n_symbols: int = 2, seed: int = 0) -> Bars:
    """Return a market with wild bars, closes that repeat, bars without range, and bars without volume."""
    frame = market(n_bars, n_symbols, seed + 50).to_frame()
    rng = np.random.default_rng(seed)
    prices = frame[["open", "high", "low", "close"]].to_numpy().reshape(n_bars, n_symbols, 4).copy()
    volume = frame["volume"].to_numpy().reshape(n_bars, n_symbols).copy()
    jumps = np.where(rng.random((n_bars, n_symbols)) < 0.1, rng.normal(0, 0.12, (n_bars, n_symbols)), 0.0)
    prices *= np.exp(np.cumsum(jumps, axis=0))[:, :, None]
    for begin in range(n_bars // 6, n_bars - 3, 23):
        still(prices, volume, begin, begin + 3)
    volume[rng.random((n_bars, n_symbols)) < 0.05] = 0.0
    frame[["open", "high", "low", "close"]] = prices.reshape(-1, 4)
    frame["volume"] = volume.ravel()
    return Bars.from_frame(frame)


@lru_cache(maxsize=16)
def quiet(n_bars: int, begin: int, stop: int, what: str) -> Bars:
    """Return a market on whose bars `begin` to ``stop - 1`` prices stand still (``flat``) or nothing is traded."""
    frame = market(n_bars, 2, 3).to_frame()
    prices = frame[["open", "high", "low", "close"]].to_numpy().reshape(n_bars, 2, 4).copy()
    volume = frame["volume"].to_numpy().reshape(n_bars, 2).copy()
    unchanged = prices.copy(), volume.copy()
    still(prices, volume, begin, stop)
    kept = (prices if "flat" in what else unchanged[0], volume if "volume" in what else unchanged[1])
    frame[["open", "high", "low", "close"]] = kept[0].reshape(-1, 4)
    frame["volume"] = kept[1].ravel()
    return Bars.from_frame(frame)


def still(prices: Floats, volume: Floats, begin: int, stop: int) -> None:
    """Let prices (n_bars, n_symbols, 4) stand at the close before `begin` and the volume be zero, up to `stop`.

    From the first bar on they stand at a power of two: sums of such prices and of their squares have no rounding
    error, so that a deviation over them is exactly zero, whatever the library, its version, and the processor.
    """
    level = prices[begin - 1, :, 3:4] if begin else 2.0 ** np.round(np.log2(prices[stop, :, 3:4]))
    prices[begin:stop] = level
    volume[begin:stop] = 0.0


def watch_inputs(arrays: dict[str, NDArray[Any]], function: Callable[..., Any]) -> None:
    """Call `function` with writable copies of `arrays`, then raise `Violation` if it changed one."""
    copies = {name: np.array(array, order="K") for name, array in arrays.items()}
    trouble: Exception | None = None
    try:
        function(*copies.values())
    except Exception as e:  # what it wrote before it failed is what counts here
        trouble = e
    for name, array in arrays.items():
        same = (copies[name] == array) | ((array != array) & (copies[name] != copies[name]))
        if not same.all():
            at = np.argwhere(~same)[0]
            raise Violation(
                f"it writes into its input {name!r}: row {int(at[0])} was {array[tuple(at)]} and is "
                f"{copies[name][tuple(at)]} after the call. Inputs are shared and read-only: work on a copy, "
                f"{name} = {name}.copy()",
                input=name,
                row=int(at[0]),
                expected=str(array[tuple(at)]),
                found=str(copies[name][tuple(at)]),
            ) from trouble


def own(bars: Bars) -> Bars:
    """Return the bars with arrays of their own: a plugin may write into what it is given."""
    copies: dict[str, Any] = {name: read_only(getattr(bars, name)) for name in FIELDS}
    return replace(bars, **copies)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only copy in column order, as the platform passes arrays."""
    copy = np.array(array, order="F")
    copy.flags.writeable = False
    return copy


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Set the global random states, and put them back after."""
    before, before_python = np.random.get_state(), random.getstate()
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
        random.setstate(before_python)


def fields(bars: Bars) -> dict[str, Floats]:
    """Return the bars' arrays by name."""
    return {name: getattr(bars, name) for name in FIELDS}
