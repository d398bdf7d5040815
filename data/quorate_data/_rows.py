"""Rows of a file that are no bars: titles that stand again, notes, dividends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorate_data._names import PRICES

_NUMBER = (
    r"\W*(?:[A-Za-z]{1,3}\.?\s*)?[-+.]?\d[\d.,'’_\s]*(?:[Ee][-+]?\d+)?\s*(?:[A-Za-z]{0,4}|[万億亿])\.?\W*"
    r"|-?inf|True|False"
)
# What begins with a word is a stamp only where that word is a day's or a month's.
_NOTE = r"(?i)(?!mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\W*[^\W\d].*"

LOWEST = 8  # rows at the end, among which sums of a table stand
_SUM = (
    r"(?i)(?:grand\s+)?(?:sub-?)?(?:totals?|sums?|summe|averages?|avg|means?|mittelwert|median|min(?:imum)?|max(?:imum)?"
    r"|count|std(?:ev)?|high|low)\b\.?:?"
)


def no_bars(frame: pd.DataFrame) -> pd.Series:
    """Return which rows hold text where prices should be, or nothing but a note."""
    prices = [name for name in (PRICES if "close" in frame else frame.columns.drop("time")) if name in frame]
    last = frame[prices[-1]]
    odd = last.isna() | _summed(frame["time"])
    if last.dtype.kind not in "fiub":
        odd |= ~last.astype("str").str.fullmatch(_NUMBER)
    if not odd.any():
        return odd
    rows = frame.loc[odd, prices]
    none = pd.DataFrame({name: rows[name].isna() | ~rows[name].astype("str").str.fullmatch(_NUMBER) for name in prices})
    time = frame.loc[odd, "time"]
    none[_summed(time)] = True  # whatever stands beside such a word
    noted = time.isna() | (time == "") | time.astype("str").str.fullmatch(_NOTE)
    odd[odd] = none.all(axis=1) & (rows.notna().any(axis=1) | noted)
    return odd


def _summed(time: pd.Series) -> pd.Series:
    """Return which of the last rows are called a sum or a mean."""
    found = np.zeros(len(time), dtype=np.bool_)
    found[-LOWEST:] = time.iloc[-LOWEST:].astype("str").str.strip().str.fullmatch(_SUM)
    return pd.Series(found, index=time.index)
