"""Rules of features: a finite value wherever a run reads one."""

from __future__ import annotations

import numpy as np

from quorate.bars.panel import Bars
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats
from quorate.testing._base import Violation, after
from quorate.testing.markets import panel
from quorate.testing.tools.compare import first_of, place, quiet
from quorate.testing.tools.features import compute, kept, markets, n_bars, spec_of

_SHORT = 3  # bars of standstill that any data has
_BRIEF = 10  # a lookback so short that a standstill covers it now and then


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant")
def check_feature_warm_up_only(plugin: Plugin) -> None:
    """Values are finite from the `lookback`-th bar of a symbol on."""
    spec = spec_of(plugin)
    bars = next(markets(plugin))
    size = len(bars)
    tried = [(bars, "ordinary bars"), (panel(size, size // 4), "bars of two symbols, one of them listed later")]
    values = [compute(plugin, some) for some, _ in tried]
    needed = max(_warm_up(spec, some, found) for (some, _), found in zip(tried, values, strict=True))
    remedy = f"declare lookback={needed}" if needed <= size // 2 else "define the value there"
    for (some, what), found in zip(tried, values, strict=True):
        _refuse_gaps(spec, some, found, what, remedy)


def _warm_up(spec: FeatureSpec, bars: Bars, values: Floats) -> int:
    """Return from which bar number on each symbol's values are finite: beyond all bars if the gaps are scattered."""
    age = np.cumsum(bars.present, axis=0)
    gaps = kept(spec, bars) & ~np.isfinite(values)
    needed = int(age[gaps].max(initial=spec.lookback - 1)) + 1
    scattered = any(
        len(of_one) and of_one.max() - spec.lookback + 1 != len(of_one)
        for of_one in (age[gaps[:, j], j] for j in range(gaps.shape[1]))
    )
    return len(bars) if scattered else needed


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant", "warm-up-only")
def check_feature_quiet_bars(plugin: Plugin) -> str | None:
    """Values stay finite where the price stands still for some bars, or nothing is traded."""
    spec = spec_of(plugin)
    next(markets(plugin))
    begin = n_bars(spec) // 2
    covering = spec.lookback + 2
    surely = covering if spec.lookback <= _BRIEF else _SHORT
    remark = None
    for what, words in (
        ("flat", "prices that stand still"),
        ("volume", "no volume"),
        ("flat, volume", "prices that stand still and no volume"),
    ):
        # From the first bar on, too: behind other prices, a running sum may keep a rounding error that hides a zero.
        for first, length in dict.fromkeys(((begin, _SHORT), (begin, surely), (0, surely))):
            some = quiet(n_bars(spec), first, first + length, what)
            remedy = "define the value there, e.g. quorate.rolling.ratio gives 0 for 0/0"
            _refuse_gaps(spec, some, compute(plugin, some), f"{length} bars with {words} ({first} and after)", remedy)
        long = quiet(begin + covering + 30, begin, begin + covering, what)
        gaps = kept(spec, long) & ~np.isfinite(compute(plugin, long))
        if gaps.any():
            remark = f"not finite after {covering} bars with {words}: a run over such bars would be refused"
    return remark


def _refuse_gaps(spec: FeatureSpec, bars: Bars, values: Floats, what: str, remedy: str) -> None:
    gaps = kept(spec, bars) & ~np.isfinite(values)
    if gaps.any():
        row, column = first_of(gaps)
        age = int(bars.present[: row + 1, column].sum())
        raise Violation(
            f"{place(bars, row, column)}, bar number {age} of the symbol, it is {values[row, column]} ({what}); from "
            f"bar number {spec.lookback} on (its lookback) it must be a finite number, or a run is refused: "
            f"{remedy}",
            bar=row,
            symbol=bars.symbols[column],
            found=str(values[row, column]),
            lookback=int(spec.lookback),
        )
