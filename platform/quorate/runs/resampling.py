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

    Those of several markets in one panel stay: each had its own hours before they met.
    """
    if bars.fills is not None:
        return bars, ()
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
    if bars.fills is not None:  # each market made its own before they met
        if reads_finer(recipe):
            raise RecipeError(
                "features.frequency asks for shorter bars than the rows have, and a panel of several markets keeps "
                "none: make the rows as short, by data.resample, or by shorter bars of the clock's market"
            )
        return bars, ()
    made, told = longer(bars, wanted)
    if reads_finer(recipe):
        known = int(np.searchsorted(bars.times, made.times[-1], side="right"))
        made = replace(made, finer=_of(bars, [*made.symbols]).take(0, known))
    return made, told


def longer(bars: Bars, frequency: str) -> tuple[Bars, tuple[str, ...]]:
    """Return bars of one market at a longer frequency, of symbols that have some, and what is told of it."""
    lack = lacking(bars) if frequency != bars.frequency else []
    found = resample(bars, frequency)
    made = _of(found.bars, traded(found.bars))
    if found.bars is not bars:
        made = replace(made, made_of=lineage_of(bars))
    return made, (*lack, *found.told)


def _of(bars: Bars, symbols: list[str]) -> Bars:
    return bars if len(symbols) == len(bars.symbols) else bars.select(symbols)
