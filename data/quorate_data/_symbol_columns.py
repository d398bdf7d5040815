"""Which columns of a wide file are symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import quorate
from quorate_data._columns import Part, place_of_time
from quorate_data._names import ALIASES, PLAIN, parsed, plain, whole
from quorate_data._text import listed


def columns_of_symbols(
    path: Path, header: Sequence[str], columns: Mapping[str, str], field: str, categories: Sequence[str]
) -> Part:
    """Return where the columns of a file stand that has one field of many symbols, called after the symbols.

    Parameters
    ----------
    header : sequence of str
        What the columns are called: a symbol, or a symbol beside the field, as in ``AAPL Close``.
    columns : mapping
        See `files.csv`; it may name the stamps.
    field : str
        Which field it is.
    categories : sequence of str
        Columns that are none.

    Raises
    ------
    DataError
        If there are no stamps, no symbols, or one twice.
    """
    long = [name for name in header if plain(name) in ALIASES["symbol"]] or [*whole(header).get(PLAIN, {}).values()]
    if long:
        raise quorate.DataError(
            f"{path}: the columns {listed(long)} are fields of bars, not symbols: leave data.wide and data.fields out"
        )
    time = place_of_time(path, header, columns)
    apart = {name.strip().lower() for name in categories}
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        if place == time or not name or name.lower() in apart:
            continue
        beside = parsed(name)
        symbol = beside[0].affix if beside and beside[1] == field and beside[0].affix else name
        if symbol in found:
            raise quorate.DataError(f"{path}: two columns are called {symbol!r}; rename or remove one of them")
        found[symbol] = place
    if not found:
        raise quorate.DataError(f"{path}: no column is a symbol; the columns are {listed(header)}")
    return Part({"time": time, **found}, [time])
