"""What a recipe makes of the source's bars before anything is computed: the market's hours, and longer bars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.bars.resample import in_hours, lacking, resample
from quorate.errors import plural
from quorate.recipe.features import reads_finer
from quorate.recipe.schema import Recipe

if TYPE_CHECKING:
    from quorate.bars.panel import Bars
    from quorate.recipe.schema import Data


def within_hours(bars: Bars, data: Data) -> tuple[Bars, list[str]]:
    """Return the bars of the hours that a recipe asks for, and what is told of it."""
    if data.hours == "all":
        return replace(bars, calendar=bars.calendar.around_the_clock()), []
    if data.hours is None and data.resample is None:
        return bars, []
    part = in_hours(bars)
    before, after = int(bars.present.sum()), int(part.present.sum())
    if before == after:
        return part, []
    clock = bars.calendar
    told = (
        f"{before - after:,} of {plural(before, 'bar')} lie outside the session, {clock.open or '00:00'} to "
        f'{clock.close}, and are left out: data.hours = "all" keeps them'
    )
    return part, [told]


def resampled(bars: Bars, recipe: Recipe) -> tuple[Bars, list[str]]:
    """Return the bars at the frequency that a recipe asks for, and what is told of it."""
    wanted = recipe.data.resample
    if wanted is None:
        return bars, []
    told = lacking(bars) if wanted != bars.frequency else []
    made = resample(bars, wanted)
    if made.running:
        told.append(
            f"the last bar of {wanted} is left out, as it is not over: it ends at {made.running} UTC, and the bars of "
            f"{bars.frequency} at {bars.times[-1].astype('datetime64[m]')}"
        )
    longer = made.bars
    left = [name for column, name in enumerate(longer.symbols) if bool(longer.present[:, column].any())]
    if len(left) < len(longer.symbols):
        longer, bars = longer.select(left), bars.select(left)
    if reads_finer(recipe):
        longer = replace(longer, finer=bars.take(0, int(bars.times.searchsorted(longer.times[-1], "right"))))
    return longer, told
