"""Bars of a frequency at which a collection has none, made of shorter ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from quorate.bars.frequency import check_coarser, minutes_of, read_frequency
from quorate.errors import DataError, DataWarning, one_of

if TYPE_CHECKING:
    from quorate.bars.panel import Bars


def stored_as(frequency: str | None, there: Sequence[str], name: str) -> str | None:
    """Return the frequency that is read for one that is wanted: itself, or the longest of which it can be made.

    Raises
    ------
    DataError
        If the collection of this name has bars that are longer, or of which it is no whole number.
    """
    if frequency is None or frequency in there or not there:
        return frequency
    wanted, makers = read_frequency(frequency), []
    for one in there:
        with suppress(DataError):
            check_coarser(wanted, one)
            makers.append(one)
    if not makers:
        raise DataError(
            f"the collection {name!r} has no bars of {wanted!r}, nor shorter ones that these could be made of: "
            f"data.frequency must be {one_of(there)}, or longer"
        )
    return max(makers, key=minutes_of)


def longer(bars: Bars, frequency: str) -> Bars:
    """Return bars made into longer ones, and warn of what is left out."""
    from quorate.bars.resample import resample

    found = resample(bars, read_frequency(frequency))
    for line in found.told:
        warnings.warn(line, DataWarning, stacklevel=3)
    return found.bars
