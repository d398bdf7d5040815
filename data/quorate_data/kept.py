"""Bars from the store."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import quorate


def store(
    collection: str,
    symbols: list[str] | None = None,
    frequency: str | None = None,
    as_of: str | None = None,
    adjust: Literal["none", "splits", "total"] = "none",
    path: str | None = None,
    *,
    home: Path | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> quorate.Bars:
    """Read bars that ``quorate data add`` has kept.

    Parameters
    ----------
    collection : str
        Its name, as ``quorate data list`` shows it.
    symbols : list of str, optional
        Read these only.
    frequency : str, optional
        Of the bars, such as ``1d``, where the collection has several; longer ones than it has are made of these.
    as_of : str, optional
        A date, or a time in UTC: bars as they were known then.
    adjust : {"none", "splits", "total"}
        What prices are adjusted for: nothing, splits, or splits and dividends, as far as they are known.
    path : str, optional
        The store's folder; without it the environment variable QUORATE_STORE, or the one of the home.

    Raises
    ------
    DataError
        For a collection, a symbol or a frequency that is not there.
    """
    moment = None
    if as_of is not None:
        try:
            moment = dt.date.fromisoformat(as_of) if len(as_of) <= 10 else dt.datetime.fromisoformat(as_of)
        except ValueError:
            raise quorate.DataError(
                f"data.as_of must be a date, YYYY-MM-DD, or a time, YYYY-MM-DDThh:mm; it was {as_of!r}"
            ) from None
    kept = quorate.BarStore(path, home).collection(collection)
    return kept.read(symbols, frequency, since, until, moment, adjust)
