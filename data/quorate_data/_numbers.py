"""Numbers as people write them: thousands, decimal commas, currencies, millions."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._tables import Table

_NOISE = r"[\s$€£¥'_\u00a0\u202f]"
_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+")


def numbers(table: Table, decimal: str | None) -> pd.DataFrame:
    """Return a file's symbols, and its prices and volume as float64.

    Parameters
    ----------
    decimal : {".", ","} or None
        Before the fraction; the other one separates thousands. None: what the numbers prove.

    Raises
    ------
    DataError
        Naming the line and the value that is no number, or that may be two.
    """
    frame = table.frame.drop(columns="time")
    texts: dict[str, pd.Series] = {}
    for name in frame.columns.drop("symbol"):
        if frame[name].dtype.kind in "fiu":
            frame[name] = frame[name].astype(np.float64)
        else:
            texts[name] = frame[name].astype("str").str.replace(_NOISE, "", regex=True)
    if not texts:
        return frame
    point = decimal or _point(table, texts)
    for name, text in texts.items():
        frame[name] = _read(table, frame[name], text, name, point)
    return frame


def _read(table: Table, column: pd.Series, text: pd.Series, name: str, point: str) -> pd.Series:
    plain = text.str.replace("." if point == "," else ",", "", regex=False).str.replace(point, ".", regex=False)
    suffix = plain.str[-1:].str.lower()
    factor = suffix.map(_SUFFIXES)
    plain = plain.where(factor.isna(), plain.str[:-1])
    values = pd.to_numeric(plain.where(column.notna()), errors="coerce").astype(np.float64) * factor.fillna(1.0)
    bad: NDArray[np.bool_] = (values.isna() & column.notna()).to_numpy()
    if column.dtype.kind == "b":
        bad = np.ones(len(column), dtype=bool)
    if bad.any():
        first = int(bad.argmax())
        raise quorate.DataError(
            f"{table.at(column.index[first])}: {name} must be a number; it was {str(column.iloc[first]).strip()!r} "
            f"({int(bad.sum())} such values)"
        )
    return values


def _point(table: Table, texts: dict[str, pd.Series]) -> str:
    """Return what stands before the fraction: what all numbers of the file prove together."""
    every = pd.concat(list(texts.values()))
    every = every[every.str.contains(",", regex=False)]
    if every.empty:
        return "."
    both = every[every.str.contains(".", regex=False)]
    if len(both):
        return "," if (both.str.rfind(",") > both.str.rfind(".")).iloc[0] else "."
    if not every.str.fullmatch(_GROUPED.pattern + "[KMBTkmbt]?").all():
        return ","
    if (every.str.count(",") > 1).any() or table.separator == ",":
        return "."
    first = every.index[0]
    raise quorate.DataError(
        f'{table.at(first)}: {every.iloc[0]!r} may be thousands or have a decimal comma: set data.decimal = "," or "."'
    )
