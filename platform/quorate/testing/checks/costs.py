"""Rules of cost models: what an order costs, as a fraction, and by its size, known at the bar that fills it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError, PluginError
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after, call, causal
from quorate.testing.markets import market, panel, scramble
from quorate.testing.tools.compare import changed, cuts, differs, example, first_of, number, own, place, rough, seeded
from quorate.testing.tools.fresh import MEMORY, fresh
from quorate.trading.costs import MOST, check_cost, check_impact

NAMES = ("fees", "slippage", "impact")  # the last may be missing
_N, _FIRST = 260, 80
AHEAD = (
    "it reads later bars. What an order filled at bar t costs may be read from bars up to and including t: a "
    "trailing window, no mean of the entire history"
)


@after("input-unmodified")
def check_cost_computes(plugin: Plugin) -> None:
    """Fees and slippage, each a fraction of the traded value, as a number or one per bar and symbol; impact if any.

    A model that needs volumes raises `quorate.DataError` where there are none, and names the symbols.
    """
    for bars in (market(_N, 2), market(_N, 1), panel(_N, 90), rough(_N, 2), *_without_volume(plugin)):
        compute(plugin, bars)


@causal
@after("input-unmodified", "deterministic")
def check_cost_prefix_invariant(plugin: Plugin) -> None:
    """Costs do not change when the later bars are cut off."""
    for bars in (market(_N, 2), rough(_N, 2), *_without_volume(plugin)):
        whole = _computed(plugin, bars)
        for known in cuts(_FIRST, _N):
            _same(bars, whole, compute(plugin, bars.take(0, known)), f"with the bars up to {known - 1} only", known)


@causal
@after("input-unmodified", "deterministic")
def check_cost_scramble_invariant(plugin: Plugin) -> None:
    """Costs do not change when other bars follow."""
    bars = market(_N, 2)
    whole = _computed(plugin, bars)
    for known in (int(k) for k in np.linspace(_FIRST, _N - 1, 10)):
        _same(bars, whole, compute(plugin, scramble(bars, known)), f"when other bars follow from {known} on", known)


def check_cost_input_unmodified(plugin: Plugin) -> None:
    """The bars are left as they were."""
    for bars in (market(_N, 2), no_volume()):
        copies: dict[str, Any] = {name: np.array(getattr(bars, name), order="F") for name in FIELDS}
        trouble: Violation | None = None
        try:
            call(plugin, replace(bars, **copies))
        except Violation as e:  # what it wrote before it failed is what counts here
            trouble = e
        for name in FIELDS:
            wrong = differs(getattr(bars, name), copies[name], 0.0)
            if wrong.any():
                row, column = first_of(wrong)
                before, now = getattr(bars, name)[row, column], copies[name][row, column]
                raise Violation(
                    f"it writes into bars.{name}: {place(bars, row, column)} it was {number(before, now)} and is "
                    f"{number(now, before)} after the call. The bars are shared and read-only: work on a copy",
                    bar=row,
                    symbol=bars.symbols[column],
                    expected=str(before),
                    found=str(now),
                ) from trouble


@after("input-unmodified")
def check_cost_deterministic(plugin: Plugin) -> None:
    """The same bars give the same costs."""
    bars, other, found = market(_N, 2), market(_N, 2, 9), []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(_computed(plugin, bars))
    for again in found[1:]:
        _repeats(bars, found[0], again, "the next, from the same bars", "draw nothing at random")
    with seeded(1):
        anew, after = compute(fresh(plugin), other), compute(plugin, other)
        again = compute(plugin, bars)
    _repeats(other, anew, after, "after another market of the same shape was seen", MEMORY)
    _repeats(bars, found[0], again, "after another market was seen, from the same bars", MEMORY)


def no_volume() -> Bars:
    """Return a market of which no volume is known: data may lack it."""
    return Bars.from_frame(market(_N, 2, 4).to_frame().drop(columns="volume"))


def _without_volume(plugin: Plugin) -> list[Bars]:
    """Return the market without volume, unless the model refuses it as it should.

    Raises
    ------
    Violation
        If it refuses it without a word on which symbols lack it.
    """
    bars = no_volume()
    try:
        call(plugin, own(bars))
    except Violation as e:
        if not isinstance(e.__cause__, DataError):
            return [bars]
        lacks = [name for name in bars.symbols if name not in str(e.__cause__)]
        if not lacks:
            return []
        raise Violation(
            f"it refuses bars without volume and does not say of which symbols: {e.__cause__}; name them all, "
            f"{lacks[0]} is missing",
            symbol=lacks[0],
        ) from e
    return [bars]


def _repeats(bars: Bars, first: dict[str, Floats], again: dict[str, Floats], when: str, remedy: str) -> None:
    for name in first:
        wrong = differs(first[name], again[name], 0.0)
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"{name} {place(bars, row, column)} are {number(first[name][row, column], again[name][row, column])} "
                "the first time and "
                f"{number(again[name][row, column], first[name][row, column])} {when}: {remedy}",
                **example(bars, row, column, first[name][row, column], again[name][row, column]),
            )


def compute(plugin: Plugin, bars: Bars) -> dict[str, Floats]:
    """Compute fees, slippage and impact, each (n_bars, n_symbols); impact is zero where the model gives none.

    Raises
    ------
    Violation
        If it fails, or what it gives are no fractions.
    """
    with np.errstate(all="ignore"):
        answer = call(plugin, own(bars))
    if not isinstance(answer, tuple | list) or len(answer) not in (2, 3):
        raise Violation(
            f"it gave {_told(answer)}: it must return two, (fees, slippage), or three, (fees, slippage, impact), each "
            "a number or an array (n_bars, n_symbols)",
            found=_told(answer),
        )
    shares = {}
    for name, value in zip(NAMES, [*answer, 0.0][:3], strict=True):
        try:
            impact = name == "impact"
            share = check_impact(value, plugin.name, bars) if impact else check_cost(value, name, plugin.name, bars)
        except (PluginError, TypeError, ValueError) as e:
            where, more = _where(bars, value, math.inf if impact else MOST)
            unit = (
                "Give what slippage grows by with the square root of an order's value in currency, e.g. the daily "
                "volatility over the square root of the value traded a day"
                if impact
                else "Give a fraction of the traded value per side, e.g. 0.0005 for 5 basis points; divide an amount "
                "by the price"
            )
            raise Violation(
                f"{name}{where}: {e}. {unit}, and define the value where nothing was traded, and where the data has no "
                f"volume (NaN{_lacks(bars)})",
                cost=name,
                **more,
            ) from e
        shares[name] = np.broadcast_to(np.asarray(share, dtype=np.float64), bars.close.shape)
    return shares


def _where(bars: Bars, value: Any, most: float) -> tuple[str, dict[str, Any]]:
    """Say at which bar of which symbol a cost is not from 0 to below `most`, and whether it is one of a warm-up."""
    shares = np.asarray(value)
    if shares.shape != bars.close.shape or shares.dtype.kind not in "fiub":
        return "", {}
    wrong = bars.present & ~((shares >= 0) & (shares < most))
    if not wrong.any():
        return "", {}
    row, column = first_of(wrong)
    rows = np.flatnonzero(wrong[:, column])
    ages = np.flatnonzero(bars.present[:, column])
    warm = np.isnan(shares[rows, column]).all() and len(rows) < len(ages) and (rows == ages[: len(rows)]).all()
    told = (
        f" ({'the first bar' if len(rows) == 1 else f'the first {len(rows)} bars'} of the symbol, before its window is "
        "full: define the cost there, too, e.g. by a fixed one, or by the bars there are)"
        if warm
        else ""
    )
    return f" {place(bars, row, column)}{told}", {"bar": row, "symbol": bars.symbols[column]}


def _lacks(bars: Bars) -> str:
    return ", as in this market" if np.isnan(bars.volume).all() else ""


def _computed(plugin: Plugin, bars: Bars) -> dict[str, Floats]:
    try:
        return compute(plugin, bars)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def _told(answer: Any) -> str:
    size = f" of {len(answer)}" if isinstance(answer, tuple | list) else ""
    return f"{type(answer).__name__}{size}"


def _same(bars: Bars, whole: dict[str, Floats], part: dict[str, Floats], how: str, known: int) -> None:
    for name in whole:
        wrong = changed(whole[name][:known], part[name][:known])
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"{name} {place(bars, row, column)} are {number(whole[name][row, column], part[name][row, column])} "
                "with all bars and "
                f"{number(part[name][row, column], whole[name][row, column])} {how}: {AHEAD}",
                **example(bars, row, column, part[name][row, column], whole[name][row, column], changed_from=known),
            )
