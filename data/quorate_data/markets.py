"""Bars of several markets in one panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import quorate


def markets(
    markets: list[dict[str, Any]],
    clock: str | None = None,
    *,
    read: Callable[[Mapping[str, Any]], quorate.Bars] | None = None,
) -> quorate.Bars:
    """Read bars of several markets, each by a source of its own, in one panel with a row at each close of one of them.

    Parameters
    ----------
    markets : list of dict
        Of each its ``source`` and the options of that, ``calendar`` among them; and, if it is not as the recipe's
        ``[data]`` has it, ``hours`` and ``resample``: by its own calendar, before the markets meet.
    clock : str, optional
        The calendar of the market whose closes are the rows; without it that of the first.

    Returns
    -------
    Bars
        As `quorate.align` makes them: a value is in the first row at which it was known, and an order is filled at the
        first open of its symbol's market after the row that decided it.

    Raises
    ------
    DataError
        As of the sources and of `quorate.align`.
    """
    if read is None:
        raise quorate.DataError(
            "the source 'markets' reads others as a recipe names them: bring each market into a collection of its own"
        )
    if len(markets) < 2:
        raise quorate.DataError(f"data.markets must name two markets or more; it names {len(markets)}")
    return quorate.align([read(one) for one in markets], clock)
