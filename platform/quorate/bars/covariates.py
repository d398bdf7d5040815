"""Covariates: series beside the bars, such as sentiment or inflation, each record with the time it was known at."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quorate.bars.periods import ZERO, Periods, aggregated
from quorate.errors import DataError, near_misses, one_of
from quorate.statistics import Floats

AGE, KNOWN, NEXT = "age", "known", "next"  # of what is known of a covariate, beside its values
BESIDE = (AGE, KNOWN, NEXT)
EVERY = -1  # the code of records that hold for all symbols
DAY = 86_400_000_000  # microseconds

Missing = Literal["drop", "error"] | float
Stale = Literal["missing", "error"]
Times = NDArray[np.datetime64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Covariate:
    """Records of a series beside the bars; made by `covariate_of`, which checks them.

    At the close of a bar counts, of the records that are known by then, the one of the latest reference time; of
    several of that time, which are revisions, the one that was known last.

    Parameters
    ----------
    time : ndarray of datetime64[us], (n_records,)
        Reference time, UTC: the moment, or the end of the span, that a record tells of.
    known : ndarray of datetime64[us], (n_records,)
        From when on it was known, UTC, ascending.
    code : ndarray of int32, (n_records,)
        Position of its symbol in `symbols`; -1, where it holds for all.
    symbols : tuple of str
        Sorted.
    values : dict of str to ndarray of float64, (n_records,)
        By name; NaN where a record has none.
    missing : {"drop", "error"} or float
        What becomes of bars at whose close nothing is known: no rows, an error, or this number in place of a value.
    max_age : timedelta64, optional
        A record whose reference time is longer ago is stale.
    stale : {"missing", "error"}
        What becomes of bars at whose close what is known is stale: as if nothing were known, or an error.
    read : tuple of mapping
        As of `Bars`: what the source has read.
    over : Periods, optional
        How records are read by the period; without it, one by one.
    """

    time: Times
    known: Times
    code: NDArray[np.int32]
    symbols: tuple[str, ...]
    values: dict[str, Floats]
    missing: Missing = "drop"
    max_age: np.timedelta64 | None = None
    stale: Stale = "missing"
    read: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    over: Periods | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.time)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the records alone."""
        used = np.unique(self.code[self.code != EVERY])
        digest = hashlib.sha256(b"covariate-1|" + "\0".join(self.symbols[code] for code in used).encode())
        digest.update(np.where(self.code == EVERY, EVERY, np.searchsorted(used, self.code)).tobytes())
        digest.update(self.time.tobytes() + self.known.tobytes())
        for name, column in sorted(self.values.items()):
            digest.update(name.encode() + b"|" + column.tobytes())
        return digest.hexdigest()

    def known_by(self, moment: np.datetime64) -> Covariate:
        """Return the records that were known by then: a part of these, no copy."""
        part = slice(0, int(np.searchsorted(self.known, moment, side="right")))
        values = {name: column[part] for name, column in self.values.items()}
        return replace(self, time=self.time[part], known=self.known[part], code=self.code[part], values=values)

    def other_after(self, moment: np.datetime64) -> Covariate:
        """Return other values for the records that were not known by then: halves and doubles in turn."""
        first = int(np.searchsorted(self.known, moment, side="right"))
        factor = np.where(np.arange(len(self)) % 2, 2.0, 0.5)
        factor[:first] = 1.0
        return replace(self, values={name: fixed(column * factor) for name, column in self.values.items()})

    def select(self, symbols: Sequence[str]) -> Covariate:
        """Return the records of these symbols, and those that hold for all."""
        if set(self.symbols) <= set(symbols):
            return self
        kept = [name for name in self.symbols if name in set(symbols)]
        place = np.array([kept.index(name) if name in kept else -2 for name in self.symbols] + [EVERY], dtype=np.int32)
        code = place[self.code]  # the last is that of records that hold for all
        rows = np.flatnonzero(code != -2)
        values = {name: frozen(column[rows]) for name, column in self.values.items()}
        time, known, code = (frozen(array[rows]) for array in (self.time, self.known, code))
        return replace(self, time=time, known=known, code=code, symbols=tuple(kept), values=values)

    @cached_property
    def as_read(self) -> Covariate:
        """The records that are read: what these come to by the period, or these."""
        if self.over is None:
            return self
        code, time, known, values = aggregated(self.over, self.code, self.time, self.known, self.values)
        told = {name: fixed(column) for name, column in values.items()}
        return replace(self, code=fixed(code), time=fixed(time), known=fixed(known), values=told, over=None)

    def places(self, times: Times, symbols: Sequence[str], value: str = "") -> Places:
        """Return which record counts at each bar's close, (n_bars, n_symbols); -1, where none is known.

        Parameters
        ----------
        times : ndarray of datetime64[us], (n_bars,)
            Closes.
        symbols : sequence of str
            Of the bars.
        value : str
            Only records that have this value; empty: all.
        """
        order, known, time, bounds = self._by_symbol
        said = np.isfinite(self.values[value])[order] if value else None
        shared = np.arange(bounds[0])
        of_all = _latest(shared, said, time, known, times)
        found = np.empty((len(times), len(symbols)), dtype=np.int64, order="F")
        own = dict(zip(self.symbols, pairwise(bounds), strict=True))
        for column, name in enumerate(symbols):
            start, stop = own.get(name, (0, 0))
            if start == stop:
                found[:, column] = of_all
                continue
            rows: slice | Places = slice(start, stop)
            if len(shared):  # in the order in which they were known, whosever they are
                both = np.concatenate((shared, np.arange(start, stop)))
                rows = both[np.lexsort((time[both], known[both]))]
            found[:, column] = _latest(rows, said, time, known, times)
        return np.append(order, -1)[found]

    @cached_property
    def _by_symbol(self) -> tuple[Places, Places, Places, Places]:
        """Positions of the records by symbol, those of all first; when known; of what time; where symbols begin."""
        small = self.code.astype(np.int16 if len(self.symbols) < 2**15 else np.int32)  # which is sorted in no time
        order = np.argsort(small, kind="stable")
        bounds = np.searchsorted(self.code[order], np.arange(len(self.symbols) + 1))
        return order, self.known[order].astype(np.int64), self.time[order].astype(np.int64), bounds

    def ages(self, place: Places, times: Times) -> Floats:
        """Return the days from the reference time of what is known to each bar's close, 0 at least; NaN for none."""
        if not len(self):
            return np.full(place.shape, np.nan)
        days = (times[:, None] - self.time[place]).astype(np.int64) / DAY
        return np.where(place < 0, np.nan, np.maximum(days, 0.0))

    def is_stale(self, ages: Floats) -> NDArray[np.bool_]:
        """Return where what is known is stale."""
        if self.max_age is None:
            return np.zeros(ages.shape, dtype=bool)
        stale: NDArray[np.bool_] = ages > self.max_age.astype("timedelta64[us]").astype(np.int64) / DAY
        return stale

    def joined(self, name: str, times: Times, symbols: Sequence[str]) -> Floats:
        """Return a value, ``age``, ``known`` or ``next`` at each bar's close, (n_bars, n_symbols).

        Where nothing is known, or it is stale, values and ages are `missing`, if that is a number, and else NaN; so is
        what is to come next, where nothing is known to come.
        """
        instead = np.nan if isinstance(self.missing, str) else self.missing
        if name == NEXT:
            return fixed(np.nan_to_num(self.until_next(times, symbols), nan=instead))
        one, value = self.as_read, name if name in self.values else ""
        place = one.places(times, symbols, value)
        unknown = place < 0
        if self.max_age is not None:
            unknown |= one.is_stale(one.ages(place, times))
        if name == KNOWN:
            return fixed((~unknown).astype(np.float64))
        told = np.append(one.values[value], np.nan)[place] if value else one.ages(place, times)
        if self.over is not None and self.over.how.get(value) in ZERO:  # of a period without a record
            told[np.append(one.time, np.datetime64("NaT"))[place] < self.over.over_at(times)[:, None]] = 0.0
        told[unknown] = instead
        return fixed(told)

    def until_next(self, times: Times, symbols: Sequence[str]) -> Floats:
        """Return the days from each close to the next reference time of what is known; NaN, where none is to come."""
        until = np.full((len(times), len(symbols)), np.nan, order="F")
        coming = np.flatnonzero(self.known < self.time)
        coming = coming[np.argsort(self.time[coming], kind="stable")[::-1]]  # so that the next one is told last
        begin = np.searchsorted(times, self.known[coming])
        end = np.searchsorted(times, self.time[coming])  # a bar that closes then is not before it
        for column, name in enumerate(symbols):
            own = self.symbols.index(name) if name in self.symbols else EVERY
            for k in np.flatnonzero(np.isin(self.code[coming], (own, EVERY)) & (begin < end)):
                days = (self.time[coming[k]] - times[begin[k] : end[k]]).astype(np.int64) / DAY
                until[begin[k] : end[k], column] = days
        return until


Covariates = Mapping[str, Covariate]


def value_name(column: str) -> str:
    """Return what the value of a column is called in features and inputs."""
    return re.sub(r"\W+", "_", column.strip().lower()).strip("_")


def named(covariates: Covariates, text: str) -> tuple[str, str]:
    """Return the covariate and the value that an input names, such as ``sentiment`` or ``sentiment.score``.

    Raises
    ------
    DataError
        If there is none, or several values could be meant.
    """
    name, _, value = text.partition(".")
    if name not in covariates:
        raise DataError(
            f"there is no covariate {name!r}; there are {one_of(covariates)}{near_misses(name, covariates)}: add "
            f"[covariates.{name}] to the recipe"
        )
    known = [*covariates[name].values]
    if not value and len(known) == 1:
        return name, known[0]
    if value not in (*known, *BESIDE):
        every = [f"{name}.{one}" for one in (*known, *BESIDE)]
        raise DataError(
            f"the covariate {name!r} is read as {' or '.join(every)}, not {text!r}{near_misses(text, every)}"
        )
    return name, value


def covariates_digest(covariates: Covariates) -> bytes:
    """Return the hash of all covariates and of how they are joined, empty where there is none."""
    told = [
        f"covariate|{name}|{one.sha256}|{one.missing}|{one.max_age}|{one.stale}{f'|{one.over}' if one.over else ''}"
        for name, one in sorted(covariates.items())
    ]
    return hashlib.sha256("\n".join(told).encode()).digest() if told else b""


def _latest(rows: slice | Places, said: NDArray[np.bool_] | None, time: Places, known: Places, times: Times) -> Places:
    """Return which of some records, in the order in which they were known, counts at each time; -1 for none."""
    places = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    if said is not None and not said[rows].all():
        rows = places = places[said[rows]]
    if not len(places):
        return np.full(len(times), -1)
    of, latest = time[rows], np.maximum.accumulate(time[rows])
    # What comes late, of an earlier time, changes nothing.
    places = places[np.maximum.accumulate(np.where(of == latest, np.arange(len(of)), 0))]
    last = np.searchsorted(known[rows], times.astype(np.int64), side="right")
    return np.concatenate(([-1], places))[last]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only copy in column order."""
    return fixed(np.array(array, order="F"))


def fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array, read-only from now on."""
    array.flags.writeable = False
    return array
