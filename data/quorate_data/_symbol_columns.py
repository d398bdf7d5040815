"""Which columns of a wide file are symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import quorate
from quorate_data._columns import Part, place_of_time
from quorate_data._names import parsed
from quorate_data._text import listed


def columns_of_symbols(
    path: Path, header: Sequence[str], columns: Mapping[str, str], field: str, categories: Sequence[str]
) -> list[Part]:
    """Return a part per column of a file that has one field of many symbols.

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
    prices = [name for name in found if (told := parsed(name)) and not told[0].affix]
    if len(prices) > 1:
        raise quorate.DataError(
            f"{path}: the columns {listed(prices)} are fields of bars, not symbols: leave data.wide and data.fields out"
        )
    return [Part({"time": time, field: place}, [time], symbol=symbol) for symbol, place in found.items()]
