"""Digests of prices as they were known at a bar: whether history is what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.statistics import Floats


def history_digests(bars: Bars, stops: Sequence[int]) -> list[str]:
    """Return the SHA-256 of the first bars, for each number of them: symbols, then by bar its close and its fields.

    What stands beside prices has no part in it. So it is the same, whatever was read later.

    Parameters
    ----------
    stops : sequence of int
        Increasing.
    """
    table, digest = _table(bars), hashlib.sha256(_begin(bars))
    done, found = 0, []
    for stop in stops:
        digest.update(table[done:stop].tobytes())
        done = stop
        found.append(digest.copy().hexdigest())
    return found


def history_digest(bars: Bars, after: Bars | None = None) -> str:
    """Return the digest of all bars that there are; see `history_digests`.

    Parameters
    ----------
    after : Bars, optional
        What is known before: up to the first of `bars`, which take the place of later ones.
    """
    digest = hashlib.sha256(_begin(bars))
    if after is not None and len(bars):
        digest.update(_table(after.take(0, int(np.searchsorted(after.times, bars.times[0])))).tobytes())
    digest.update(_table(bars).tobytes())
    return digest.hexdigest()


def _begin(bars: Bars) -> bytes:
    return ("history-1\0" + "\0".join(bars.symbols) + "\0").encode()


def _table(bars: Bars) -> Floats:
    """Return closes and fields side by side, a row for each bar, (n_bars, 1 + n_fields * n_symbols)."""
    table = np.empty((len(bars), 1 + len(FIELDS) * len(bars.symbols)), dtype="<f8")
    table[:, 0] = bars.times.astype(np.int64).view("<f8")  # the same eight bytes
    for place, name in enumerate(FIELDS):
        part = slice(1 + place * len(bars.symbols), 1 + (place + 1) * len(bars.symbols))
        values = getattr(bars, name)
        table[:, part] = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, and one zero
    return table
