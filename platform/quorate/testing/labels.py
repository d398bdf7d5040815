"""Rules of labels: what a trade earns, from its fill on, known when the label says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.bars import Bars, Floats
from quorate.providers import Plugin
from quorate.testing._base import NotApplicable, Violation, after, call, causal
from quorate.testing._compare import (
    changed,
    cuts,
    differs,
    first_of,
    number,
    place,
    plain,
    read_only,
    seeded,
    spread,
    watch_inputs,
)
from quorate.testing._labels import Positions, compute, computed, spec_of
from quorate.testing.markets import market, panel, scramble

_EXACT = 1e-9
_HORIZONS = (1, 2, 5)
_N = 180


def check_label_computes(plugin: Plugin) -> None:
    """A value per bar and symbol, 0 or 1 for a classification, and the bar at which it becomes known."""
    spec = spec_of(plugin)
    for bars in (market(_N, 2), market(_N, 1), panel(_N, 60)):
        for horizon in _HORIZONS:
            values, _ = compute(plugin, read_only(bars.open), horizon)
            known = bars.present & ~np.isnan(values)
            if not known[: _N // 2].any():
                raise Violation(
                    f"with horizon {horizon} and {_N} bars it knows no value: NaN is for bars whose outcome "
                    "lies beyond "
                    "the data only",
                    horizon=horizon,
                )
            wrong = known & np.isinf(values)
            if spec.task == "classification":
                wrong |= known & ~np.isin(values, (0.0, 1.0))
            if wrong.any():
                row, column = first_of(wrong)
                must = "0, 1, or NaN where it is not known" if spec.task == "classification" else "finite, or NaN"
                raise Violation(
                    f"{place(bars, row, column)} it is {number(values[row, column])} (horizon {horizon}): a "
                    f'{spec.task} label must be {must}; for numbers declare task="regression"',
                    bar=row,
                    symbol=bars.symbols[column],
                    found=str(values[row, column]),
                )


@causal
def check_label_ends_ahead(plugin: Plugin) -> None:
    """A value becomes known after its own bar, and within the data."""
    for horizon in _HORIZONS:
        for bars in (market(_N, 2), panel(_N, 60)):
            values, ends = computed(plugin, bars.open, horizon)
            known = bars.present & ~np.isnan(values)
            early = known & (ends <= np.arange(_N)[:, None])
            late = known & (ends >= _N)
            for wrong, must in (
                (early, "after its own bar: a trade fills at t + 1 at the earliest, so ends is t + 1 or more"),
                (late, f"within the data, whose last bar is {_N - 1}: where the outcome lies beyond, the value is NaN"),
            ):
                if wrong.any():
                    row, column = first_of(wrong)
                    raise Violation(
                        f"{place(bars, row, column)} the value is {number(values[row, column])} and said to "
                        "be known at "
                        f"bar {ends[row, column]} (horizon {horizon}): it must become known {must}",
                        bar=row,
                        symbol=bars.symbols[column],
                        horizon=horizon,
                        found=int(ends[row, column]),
                    )


@causal
@after("deterministic")
def check_label_ends_honest(plugin: Plugin) -> str | None:
    """A value is settled at the bar it names: what comes after that bar does not change it."""
    remark = None
    bars, other = market(_N, 2), market(_N, 2, seed=77).open * 3.0
    for horizon in (2, 1, 5):
        values, ends = computed(plugin, bars.open, horizon)
        for known in cuts(horizon + 20, _N, seed=horizon):
            settled = ~np.isnan(values) & (ends < known)
            replaced = read_only(np.concatenate([bars.open[:known], other[known:]]))
            part, part_ends = compute(plugin, replaced, horizon)
            how = f"when other prices follow from bar {known} on"
            _same(bars, settled, values, part, ends, how, horizon)
            _same(bars, settled, ends.astype(float), part_ends.astype(float), ends, f"(as its end) {how}", horizon)
            part, _ = compute(plugin, read_only(bars.open[:known]), horizon)
            unsaid = settled[:known] & np.isnan(part)
            _same(bars, settled[:known] & ~unsaid, values, part, ends, f"with the bars up to {known - 1} only", horizon)
            if unsaid.any():
                row, column = first_of(unsaid)
                remark = (
                    f"{place(bars, row, column)} it ends at bar {ends[row, column]}, but is NaN as long as "
                    "the bars after "
                    f"{known - 1} are missing: give values that end early also near the end of the data"
                )
    return remark


@causal
@after("deterministic", "ends-honest")
def check_label_starts_at_fill(plugin: Plugin) -> None:
    """A value is what happens from the fill at t + 1 on: the price level up to bar t is no part of it."""
    prices = market(_N, 2).open
    values, _ = computed(plugin, prices, 1)
    shifts = []
    for horizon in (1, 2):
        for factor in (1.03, 1.3):
            low: list[float] = []
            high: list[float] = []
            for t in np.linspace(60, _N - 30, 24).astype(int):
                for scale, found in ((1 / factor, low), (factor, high)):
                    changed = prices.copy()
                    changed[: t + 1, 0] *= scale
                    found.append(compute(plugin, read_only(changed), horizon)[0][t, 0])
            both = np.array([low, high])
            both = both[:, np.isfinite(both).all(axis=0)]
            shifts.append(
                (abs(both[0].mean() - both[1].mean()) if both.size else 0.0, spread(both), horizon, factor, both)
            )
    for size, deviation, horizon, factor, both in shifts:
        # A label in units of past volatility may change in size, but not in direction.
        if deviation and size > 0.3 * max(deviation, spread(values)):
            raise Violation(
                f"its mean is {number(both[0].mean())} when the prices up to and including bar t are divided "
                f"by {factor} "
                f"and {number(both[1].mean())} when they are multiplied by it (horizon {horizon}): it measures from a "
                "price at t or before, at which nobody can trade any more. A decision at t fills at prices[t + 1]: "
                "measure prices[t + 1 + horizon] / prices[t + 1] - 1",
                horizon=horizon,
                expected=plain(both[0].mean()),
                found=plain(both[1].mean()),
            )


@causal
@after("deterministic", "ends-honest")
def check_label_is_forecast(plugin: Plugin) -> None:
    """A value depends on prices after the fill at t + 1: it is not known when the trade begins."""
    bars = market(_N, 2)
    for horizon in (1, 5):
        values, _ = computed(plugin, bars.open, horizon)
        places = np.linspace(40, _N - 30, 24).astype(int)
        for t in places:
            for seed in (1, 2):
                found, _ = compute(plugin, read_only(scramble(bars, int(t) + 2, seed).open), horizon)
                upside = bars.open.copy()
                upside[t + 2 :] *= 0.5 if seed == 1 else 2.0
                moved, _ = compute(plugin, read_only(upside), horizon)
                if any(differs(values[t], other[t], _EXACT).any() for other in (found, moved)):
                    break
            else:
                continue
            break
        else:
            t = int(places[0])
            raise Violation(
                f"{place(bars, t, 0)} it is {number(values[t, 0])} (horizon {horizon}), whatever the prices after bar "
                "t + 1 are: it is known before the trade can begin, so forecasting it earns nothing. Measure from "
                "prices[t + 1] to prices[t + 1 + horizon]",
                bar=t,
                symbol="AAA",
                found=str(values[t, 0]),
            )


@after("deterministic", "ends-honest")
def check_label_unknown_after_end(plugin: Plugin) -> None:
    """Where a symbol has no price to fill at any more the label is not known."""
    spec = spec_of(plugin)
    prices = market(_N, 2).open.copy()
    stop = _N - 40
    prices[stop:, 1] = np.nan
    values, _ = computed(plugin, prices, 1)
    bars = market(_N, 2)
    if np.isfinite(values[stop - 1, 1]):
        raise Violation(
            f"{place(bars, stop - 1, 1)}, the symbol's last one, it is {number(values[stop - 1, 1])} although "
            "there is no "
            f"price after it: a {spec.task} label must be NaN where a price it needs is NaN, e.g. "
            "np.where(np.isnan(earned), np.nan, earned > 0)",
            bar=stop - 1,
            symbol="BBB",
            found=plain(values[stop - 1, 1]),
        )


def check_label_horizon_used(plugin: Plugin) -> str | None:
    """The horizon of the recipe is what the label looks ahead."""
    prices = market(_N, 1).open
    first, ends = computed(plugin, prices, 1)
    other, other_ends = compute(plugin, read_only(prices), 5)
    row = _N // 2
    same = not differs(first[:row], other[:row], _EXACT).any()
    if same and (ends[:row] == other_ends[:row]).all():
        return "the same for every horizon: labels.horizon has no effect"
    return None


@after("deterministic", "ends-honest")
def check_label_symbols_independent(plugin: Plugin) -> None:
    """Values of a symbol do not depend on which other symbols there are (unless `cross_sectional`)."""
    if spec_of(plugin).cross_sectional:
        raise NotApplicable("it is declared cross_sectional")
    for bars in (market(_N, 3), panel(_N, 60)):
        values, _ = computed(plugin, bars.open, 2)
        for j, symbol in enumerate(bars.symbols):
            alone, _ = compute(plugin, read_only(bars.open[:, [j]]), 2)
            wrong = bars.present[:, [j]] & differs(values[:, [j]], alone, _EXACT)
            if wrong.any():
                row = first_of(wrong)[0]
                raise Violation(
                    f"{place(bars, row, j)} it is {number(values[row, j])} among other symbols and "
                    f"{number(alone[row, 0])} alone: it mixes symbols. Work along axis 0 (time) only, or declare "
                    "cross_sectional=True",
                    bar=row,
                    symbol=symbol,
                    expected=plain(alone[row, 0]),
                    found=plain(values[row, j]),
                )


def check_label_input_unmodified(plugin: Plugin) -> None:
    """The prices are left as they were."""
    watch_inputs({"prices": market(_N, 2).open}, lambda prices: call(plugin, prices, 2))


def check_label_deterministic(plugin: Plugin) -> None:
    """The same prices give the same values and ends."""
    bars = market(_N, 2)
    found = []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(computed(plugin, bars.open, 2))
            compute(plugin, read_only(market(_N, 2, 9).open), 2)
    for values, ends in found[1:]:
        wrong = differs(found[0][0], values, 0.0) | (~np.isnan(values) & (found[0][1] != ends))
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"{place(bars, row, column)} it is {number(found[0][0][row, column])} the first time and "
                f"{number(values[row, column])} the next, from the same prices. Seed what is random, and keep no state "
                "between calls",
                bar=row,
                symbol=bars.symbols[column],
                expected=plain(found[0][0][row, column]),
                found=plain(values[row, column]),
            )


def _same(
    bars: Bars, settled: NDArray[np.bool_], whole: Floats, part: Floats, ends: Positions, how: str, horizon: int
) -> None:
    n = len(settled)
    wrong = settled & changed(whole[:n], part[:n])
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"{place(bars, row, column)} it is {number(whole[row, column])} with all bars, and "
            f"{number(part[row, column])} "
            f"{how} (horizon {horizon}), though it says to be known at bar {ends[row, column]}: it reads prices after "
            "that bar. Let ends name the last bar that the value reads; wrong ends let training labels reach into the "
            "test",
            bar=row,
            symbol=bars.symbols[column],
            horizon=horizon,
            end=int(ends[row, column]),
            expected=plain(part[row, column]),
            found=plain(whole[row, column]),
        )
