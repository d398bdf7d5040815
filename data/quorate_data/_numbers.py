"""Numbers as people write them: thousands, decimal commas, currencies, millions."""

from __future__ import annotations

import numpy as np
import pandas as pd

import quorate
from quorate_data._tables import Table
from quorate_data._text import POINTS

_NOISE = r"[\s$€£¥₹'’_\u00a0\u202f]"
_UNITS = {
    "k": 1e3,
    "m": 1e6,
    "mm": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
    "t": 1e12,
    "cr": 1e7,
    "万": 1e4,
    "億": 1e8,
    "亿": 1e8,
}
_WITH_UNIT = r"([A-Z]{3})?([-+]?[\d.]+(?:[Ee][-+]?\d+)?)(?:([A-Za-z]{1,3}|[万億亿])\.?)?"
# Between thousands, as in 12,345,678 or, in India, 1,23,45,678.
_COMMAS = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})"
_GROUPS = {".": rf"{_COMMAS}(?:\.\d*)?", ",": r"[-+]?\d{1,3}(?:\.\d{3})+(?:,\d*)?"}
_OTHER = {".": ",", ",": "."}


def numbers(table: Table, decimal: str | None) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Return a file's symbols, and its prices and volume as float64; and as such what it tells beside them.

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
            texts[name] = _bare(frame[name])
    if decimal and not texts and (not table.separator or decimal == ","):
        raise quorate.DataError(
            f"{table.path}: data.decimal = {decimal!r} says how numbers are written as text, but these are numbers: "
            "leave it out"
        )
    point = decimal or (_point(table, texts) if texts else ".")
    try:
        found = _read(table, frame, texts, point, decimal)
    except quorate.DataError as e:
        if decimal or len(e.rows) * 2 < len(frame):
            raise
        try:  # a single value may have proved the wrong thing
            _read(table, frame, texts, _OTHER[point], decimal)
        except quorate.DataError as other:
            if len(other.rows) < len(e.rows):
                raise other from None
        raise
    frame = frame.assign(**found)
    # In a column that is not read, what is no number is nothing.
    beside = {
        name: (column if column.dtype.kind in "fiu" else _values(_bare(column), point)).astype(np.float64)
        for name, column in table.beside.items()
    }
    return frame, beside


def _read(
    table: Table, frame: pd.DataFrame, texts: dict[str, pd.Series], point: str, decimal: str | None
) -> dict[str, pd.Series]:
    """Return the columns of text as numbers."""
    found = {}
    for name, text in texts.items():
        found[name] = _values(text, point).where(frame[name].notna())
        _check(table, frame[name], text, found[name], name, point, decimal)
    return found


def _bare(column: pd.Series) -> pd.Series:
    return column.astype("str").str.replace(_NOISE, "", regex=True)


def _values(text: pd.Series, point: str) -> pd.Series:
    plain = text.str.replace(_OTHER[point], "", regex=False).str.replace(point, ".", regex=False)
    values = pd.to_numeric(plain, errors="coerce").astype(np.float64)
    odd = values.isna()
    if odd.any():
        parts = plain[odd].str.extract(f"^{_WITH_UNIT}$")
        currency = parts[0].fillna(parts[2].where(parts[2].str.fullmatch("[A-Z]{3}")))
        # Three capitals that stand beside every number are a currency.
        factor = parts[2].str.lower().map(_UNITS).fillna(1.0)
        known = parts[2].isna() | parts[2].str.lower().isin(_UNITS.keys())
        if currency.notna().any() and currency.nunique() == 1 and parts[1].notna().equals(currency.notna()):
            known |= currency.notna()
        values[odd] = (pd.to_numeric(parts[1], errors="coerce") * factor).where(known)
    return values


def _check(
    table: Table, column: pd.Series, text: pd.Series, values: pd.Series, name: str, point: str, decimal: str | None
) -> None:
    """Raise for what is no number, or has marks between other than thousands."""
    grouped = text[text.str.contains(_OTHER[point], regex=False) & column.notna()]
    loose = ~grouped.str.replace(r"[^\d.,+-]", "", regex=True).str.fullmatch(_GROUPS[point])
    if decimal and loose.any():
        at = loose.index[int(loose.to_numpy().argmax())]
        raise quorate.DataError(
            f"{table.at(at)}: data.decimal = {decimal!r} makes {_OTHER[point]!r} a mark between thousands, but "
            f"{name} is {str(column[at]).strip()!r}: leave it out, or set data.decimal = {_OTHER[point]!r}"
        )
    bad = (values.isna() & column.notna()).to_numpy()
    if column.dtype.kind == "b":
        bad = np.ones(len(column), dtype=bool)
    if loose.any():
        bad = bad | column.index.isin(loose.index[loose])
    if bad.any():
        first = int(bad.argmax())
        raise quorate.DataError(
            f"{table.at(column.index[first])}: {name} must be a number; it was {str(column.iloc[first]).strip()!r} "
            f"({int(bad.sum())} such values)",
            *table.wrong(bad, name, f"{name} must be a number"),
        )


def _point(table: Table, texts: dict[str, pd.Series]) -> str:
    """Return what stands before the fraction: what all numbers of the file prove together."""
    whole = pd.concat(list(texts.values()))
    every = whole[whole.str.contains(",", regex=False)]
    if every.empty:
        pointed = whole[whole.str.contains(".", regex=False)]
        if pointed.empty or not pointed.str.fullmatch(POINTS).all():
            return "."
        if (pointed.str.count(r"\.") > 1).any():
            return ","
        # Shares have no thousandths.
        if table.quoted or (table.separator == ";" and "volume" in texts and pointed.isin(texts["volume"]).any()):
            raise quorate.DataError(_asked(table, pointed))
        return "."
    both = every[every.str.contains(".", regex=False)]
    if len(both):
        return "," if (both.str.rfind(",") > both.str.rfind(".")).iloc[0] else "."
    if not every.str.fullmatch(f"{_COMMAS}[KMBTkmbt]?").all():
        return ","
    if (every.str.count(",") > 1).any() or table.separator == ",":
        return "."
    raise quorate.DataError(_asked(table, every))


def _asked(table: Table, every: pd.Series) -> str:
    mark = "," if "," in str(every.iloc[0]) else "."
    return (
        f"{table.at(every.index[0])}: {every.iloc[0]!r} may be thousands or have a decimal "
        f'{"comma" if mark == "," else "point"}: set data.decimal = "," or "."'
    )
