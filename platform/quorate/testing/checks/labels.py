"""Rules of labels: what a trade earns, from its fill on, known when the label says so."""

from __future__ import annotations

import numpy as np

from quorate.bars.panel import Bars
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after, call, causal
from quorate.testing.markets import market, panel, scramble
from quorate.testing.tools.compare import (
    differs,
    example,
    first_of,
    number,
    place,
    plain,
    read_only,
    seeded,
    spread,
    watch_inputs,
)
from quorate.testing.tools.fresh import MEMORY, fresh
from quorate.testing.tools.labels import Positions, compute, computed, spec_of

_EXACT = 1e-9
_HORIZONS = (1, 2, 5)
_N = 180


@after("input-unmodified")
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
@after("input-unmodified", "deterministic", "ends-honest", "ends-ahead")
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
                f"its mean is {number(both[0].mean(), both[1].mean())} when the prices up to and including bar t are "
                "divided "
                f"by {factor} "
                f"and {number(both[1].mean(), both[0].mean())} when they are multiplied by it (horizon {horizon}): it "
                "measures from a "
                "price at t or before, at which nobody can trade any more. A decision at t fills at prices[t + 1]: "
                "measure prices[t + 1 + horizon] / prices[t + 1] - 1",
                horizon=horizon,
                expected=plain(both[0].mean()),
                found=plain(both[1].mean()),
            )


@causal
@after("input-unmodified", "deterministic", "ends-honest", "ends-ahead")
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


@after("input-unmodified", "deterministic", "ends-honest", "ends-ahead", "is-forecast")
def check_label_unknown_after_end(plugin: Plugin) -> None:
    """Where there is no price to fill at, in a gap or after a symbol's end, the label is not known."""
    spec = spec_of(plugin)
    bars = market(_N, 2)
    prices = bars.open.copy()
    stop, gap = _N - 40, slice(_N // 2, _N // 2 + 3)
    prices[stop:, 1] = prices[gap, 1] = np.nan
    values, _ = computed(plugin, prices, 1)
    for row in (stop - 1, *range(gap.start - 1, gap.stop - 1)):
        if np.isfinite(values[row, 1]):
            where = (
                "the symbol's last one," if row == stop - 1 else f"before a gap in its prices (to bar {gap.stop - 1}),"
            )
            raise Violation(
                f"{place(bars, row, 1)}, {where} it is {number(values[row, 1])} although there is no price at bar "
                f"{row + 1}, where a trade would begin: a {spec.task} label must be NaN where a price it needs is "
                "NaN, e.g. np.where(np.isnan(earned), np.nan, earned > 0); fill no gaps",
                bar=row,
                symbol="BBB",
                found=plain(values[row, 1]),
            )


@after("input-unmodified", "deterministic", "ends-honest", "ends-ahead")
def check_label_horizon_used(plugin: Plugin) -> None:
    """The horizon of the recipe is what the label looks ahead."""
    prices = market(_N, 1).open
    first, ends = computed(plugin, prices, 1)
    found = [compute(plugin, read_only(prices), horizon) for horizon in (5, 20)]
    half = slice(_N // 2)
    for other, other_ends in found:
        if differs(first[half], other[half], _EXACT).any() or (ends[half] != other_ends[half]).any():
            return
    raise Violation(
        "values and ends are the same for the horizons 1, 5 and 20: labels.horizon would have no effect. Use the "
        "argument horizon, e.g. as the longest time a trade may take; or say in known_gaps={'horizon-used': '...'} why "
        "it has none",
        found="the same for every horizon",
    )


@after("input-unmodified", "deterministic", "ends-honest", "ends-ahead")
def check_label_horizons_of_rows(plugin: Plugin) -> None:
    """Asked for a horizon of each bar and symbol, it gives what it gives for that one (if it declares `horizons`)."""
    if not spec_of(plugin).horizons:
        raise NotApplicable("it does not declare horizons")
    bars = market(_N, 2)
    each = np.resize(np.array([3, 1, 7, 2, 5]), bars.open.shape)
    values, ends = compute(plugin, read_only(bars.open), read_only(each))
    for horizon in np.unique(each).tolist():
        own, own_ends = computed(plugin, bars.open, horizon)
        wrong = (each == horizon) & (differs(values, own, _EXACT) | (np.isfinite(own) & (ends != own_ends)))
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"{place(bars, row, column)}, where the array of horizons has {horizon}, it is "
                f"{number(values[row, column], own[row, column])} (end {ends[row, column]}), and "
                f"{number(own[row, column], values[row, column])} (end {own_ends[row, column]}) with that horizon "
                "alone: take each row's own, e.g. ends = np.arange(len(prices))[:, None] + 1 + horizon, or leave "
                "horizons=True out",
                **example(bars, row, column, own[row, column], values[row, column], horizon=horizon),
            )


@after("input-unmodified", "deterministic", "ends-honest")
def check_label_symbols_independent(plugin: Plugin) -> None:
    """Values of a symbol do not depend on which other symbols there are (unless `cross_sectional`)."""
    if spec_of(plugin).cross_sectional:
        raise NotApplicable("it is declared cross_sectional")
    for bars in (market(_N, 3), panel(_N, 60)):
        values, _ = computed(plugin, bars.open, 2)
        for j in range(len(bars.symbols)):
            alone, _ = compute(plugin, read_only(bars.open[:, [j]]), 2)
            wrong = bars.present[:, [j]] & differs(values[:, [j]], alone, _EXACT)
            if wrong.any():
                row = first_of(wrong)[0]
                raise Violation(
                    f"{place(bars, row, j)} it is {number(values[row, j], alone[row, 0])} among other symbols and "
                    f"{number(alone[row, 0], values[row, j])} alone: it mixes symbols. Work along axis 0 (time) only, "
                    "or declare "
                    "cross_sectional=True",
                    **example(bars, row, j, alone[row, 0], values[row, j]),
                )


def check_label_input_unmodified(plugin: Plugin) -> None:
    """The prices are left as they were."""
    watch_inputs({"prices": market(_N, 2).open}, lambda prices: call(plugin, prices, 2))


@after("input-unmodified")
def check_label_deterministic(plugin: Plugin) -> None:
    """The same prices give the same values and ends."""
    bars, other = market(_N, 2), read_only(market(_N, 2, 9).open)
    found = []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(computed(plugin, bars.open, 2))
    for again in found[1:]:
        _repeats(bars, found[0], again, "the next, from the same prices", "draw nothing at random")
    with seeded(1):
        anew, after = compute(fresh(plugin), other, 2), compute(plugin, other, 2)
        again = compute(plugin, read_only(bars.open), 2)
    _repeats(bars, anew, after, "after another market of the same shape was seen", MEMORY)
    _repeats(bars, found[0], again, "after another market was seen, from the same prices", MEMORY)


def _repeats(
    bars: Bars, first: tuple[Floats, Positions], again: tuple[Floats, Positions], when: str, remedy: str
) -> None:
    wrong = differs(first[0], again[0], 0.0) | (~np.isnan(first[0]) & (first[1] != again[1]))
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"{place(bars, row, column)} it is {number(first[0][row, column], again[0][row, column])} (end "
            f"{first[1][row, column]}) the first "
            f"time and {number(again[0][row, column], first[0][row, column])} (end {again[1][row, column]}) {when}: "
            f"{remedy}",
            **example(bars, row, column, first[0][row, column], again[0][row, column]),
        )
