"""What PostgreSQL sends as a binary COPY, as columns: all rows of a field at once.

A row is the number of its fields in two bytes, and of each field its length in four, -1 for NULL, and that many bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0"
FLAGS = len(HEADER) + 4  # bytes before the length of what may follow in the header
EPOCH = np.datetime64("2000-01-01", "us")
DAYS = 86_400_000_000  # microseconds
WORD = 8  # bytes of a text that are compared at once

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Reader = Callable[[Bytes, Places, Places], pd.Series]


def columns(rows: Sequence[bytes], types: Sequence[int]) -> list[pd.Series]:
    """Return the fields of rows as they were sent, each a series.

    Parameters
    ----------
    rows : sequence of bytes
        Without the header and what ends the copy.
    types : sequence of int
        The server's numbers for the types of the fields, of which all are in `READERS`.
    """
    buffer = np.frombuffer(b"".join(rows) + bytes(WORD), dtype=np.uint8)
    sizes = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    at = np.cumsum(sizes) - sizes + 2
    found = []
    for kind in types:
        length = _whole(buffer, at, 4).astype(np.int64)
        at = at + 4
        found.append(READERS[kind](buffer, at, length))
        at = at + np.maximum(length, 0)
    return found


def _whole(buffer: Bytes, at: Places, size: int, kind: str = "i") -> NDArray[Any]:
    """Return a number of that many bytes at each place."""
    found: NDArray[Any] = buffer[at[:, None] + np.arange(size)].view(f">{kind}{size}")
    return found[:, 0]


def _inside(at: Places, length: Places) -> Places:
    """Return places to read from, which are some within the buffer where there is no value."""
    return np.where(length < 0, 0, at)


def _number(kind: str, size: int) -> Reader:
    def read(buffer: Bytes, at: Places, length: Places) -> pd.Series:
        missing = length < 0
        values = _whole(buffer, _inside(at, length), size, kind)
        if kind == "i" and not missing.any():
            return pd.Series(values.astype(np.int64))
        return pd.Series(np.where(missing, np.nan, values.astype(np.float64)))

    return read


def _bool(buffer: Bytes, at: Places, length: Places) -> pd.Series:
    return pd.Series(np.where(length < 0, np.nan, buffer[_inside(at, length)].astype(np.float64)))


def _stamps(size: int, unit: int, zone: str | None) -> Reader:
    def read(buffer: Bytes, at: Places, length: Places) -> pd.Series:
        since = _whole(buffer, _inside(at, length), size).astype(np.int64)
        edge = np.iinfo(f"i{size}")  # stand for the two infinities
        missing = (length < 0) | (since == edge.min) | (since == edge.max)
        times = EPOCH + (np.where(missing, 0, since) * unit).astype("timedelta64[us]")
        times[missing] = np.datetime64("NaT")
        found = pd.Series(times)
        return found.dt.tz_localize(zone) if zone else found

    return read


def _text(buffer: Bytes, at: Places, length: Places) -> pd.Series:
    """Read texts: each that is there once is decoded once."""
    code = np.where(length < 0, -1, length)
    words = -(-int(length.max(initial=0)) // WORD)
    for word in range(words):
        left = np.clip(length - WORD * word, 0, WORD)
        place = np.where(left > 0, at + WORD * word, 0)
        piece = buffer[place[:, None] + np.arange(WORD)]
        piece[np.arange(WORD) >= left[:, None]] = 0
        code = pd.factorize(code)[0] * 2**32 + pd.factorize(piece.view(np.uint64)[:, 0])[0]
    kinds, first = np.unique(code, return_index=True)
    known = [
        None if length[i] < 0 else buffer[at[i] : at[i] + length[i]].tobytes().decode("utf-8") for i in first.tolist()
    ]
    return pd.Series(pd.array(known, dtype="str")).take(np.searchsorted(kinds, code)).reset_index(drop=True)


TEXT, FLOAT = 25, 701
# What other types are sent as, and by which cast: the number that is written where one is short, or that is nearest.
SENT_AS = {700: (FLOAT, "::text::float8"), 1700: (FLOAT, "::float8")}
OTHERS = (TEXT, "::text")
READERS: dict[int, Reader] = {
    16: _bool,
    20: _number("i", 8),
    21: _number("i", 2),
    23: _number("i", 4),
    FLOAT: _number("f", 8),
    1082: _stamps(4, DAYS, None),
    1114: _stamps(8, 1, None),
    1184: _stamps(8, 1, "UTC"),
    **dict.fromkeys((19, TEXT, 1042, 1043), _text),
}
STAMPS = (1082, 1114, 1184)
