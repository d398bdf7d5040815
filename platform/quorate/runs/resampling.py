"""What a recipe makes of the source's bars before anything is computed: the market's hours, and longer bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quorate.bars.panel import Bars
from quorate.bars.quality import wrong_calendar
from quorate.bars.resample import in_hours, lacking, resample, traded
from quorate.errors import RecipeError
from quorate.evidence.ledger import lineage_of
from quorate.recipe.features import reads_finer
from quorate.recipe.schema import Recipe
from quorate.recipe.schema.data import Data


def within_hours(bars: Bars, data: Data) -> tuple[Bars, tuple[str, ...]]:
    """Return the bars of the hours that a recipe asks for, and what is told of it.

    Raises
    ------
    RecipeError
        If it asks for them, or for longer bars, in a panel of several markets.
    """
    if bars.fills is not None and (data.hours or data.resample):
        raise RecipeError(
            "data.hours and data.resample are for bars of one market, as several have hours of their own: omit them"
        )
    if data.hours == "all":
        return replace(bars, calendar=bars.calendar.around_the_clock()), ()
    if data.hours is None and data.resample is None:
        return bars, ()
    found = in_hours(bars)
    remedy = "" if data.hours else ': data.hours = "all" keeps them'
    # Where it is not the market's own, what it leaves out may be all that shows it.
    wrong = wrong_calendar(bars) if found.told and not wrong_calendar(found.bars) else ""
    told = (*([wrong] if wrong else []), *(f"{line}{remedy}" for line in found.told))
    if found.bars is bars:
        return bars, told
    return replace(_of(found.bars, traded(found.bars)), made_of=lineage_of(bars)), told


def resampled(bars: Bars, recipe: Recipe) -> tuple[Bars, tuple[str, ...]]:
    """Return the bars at the frequency that a recipe asks for, and what is told of it."""
    wanted = recipe.data.resample
    if wanted is None:
        return bars, ()
    lack = lacking(bars) if wanted != bars.frequency else []
    found = resample(bars, wanted)
    symbols = traded(found.bars)
    longer = _of(found.bars, symbols)
    if found.bars is not bars:
        longer = replace(longer, made_of=lineage_of(bars))
    if reads_finer(recipe):
        known = int(np.searchsorted(bars.times, longer.times[-1], side="right"))
        longer = replace(longer, finer=_of(bars, symbols).take(0, known))
    return longer, (*lack, *found.told)


def _of(bars: Bars, symbols: list[str]) -> Bars:
    return bars if len(symbols) == len(bars.symbols) else bars.select(symbols)
