"""Symbols that are held out: which they are, and the panel without them, or of them alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.calendar import infer_frequency
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError, near_misses, plural

Asked = int | float | str | Sequence[str]


def chosen_symbols(symbols: Sequence[str], asked: Asked, seed: int = 0) -> list[str]:
    """Return which of the symbols are held out, sorted.

    Parameters
    ----------
    symbols : sequence of str
        All that there are.
    asked : int, float, str or sequence of str
        How many, or which share; else names, in which ``*`` and ``?`` stand for any letters and any letter.
    seed : int
        Of a number or a share: the symbols of the smallest hashes of seed and name are taken. Neither their order nor
        what their bars hold decides.

    Raises
    ------
    DataError
        If a name is unknown, none is held out, or none is left.
    """
    if isinstance(asked, int | float):
        count = asked if isinstance(asked, int) else max(round(len(symbols) * asked), 1)
        ranked = sorted(symbols, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())
        found = set(ranked[: int(count)])
    else:
        found = set()
        for one in [asked] if isinstance(asked, str) else asked:
            some = {one} if one in symbols else {name for name in symbols if fnmatchcase(name, one)}
            if not some:
                raise DataError(f"holdout.symbols: there are no bars of {one!r}{near_misses(one, symbols)}")
            found |= some
    if not found or len(found) >= len(symbols):
        raise DataError(
            f"holdout.symbols would hold out {len(found)} of {plural(len(symbols), 'symbol')}: models learn from the "
            "others, so that one at least must be held out and one be left"
        )
    return sorted(found)


def without(bars: Bars, names: Collection[str]) -> Bars:
    """Return the panel without some symbols, its bars as they are."""
    return _columns(bars, ~np.isin(bars.symbols, sorted(names))) if {*names} & {*bars.symbols} else bars


def only(bars: Bars, names: Collection[str]) -> Bars:
    """Return the panel of some symbols, its bars as they are: also those at which none of them has one."""
    return _columns(bars, np.isin(bars.symbols, sorted(names)))


def at_times_of_others(bars: Bars, names: Collection[str]) -> Bars:
    """Return the bars at whose times others than the symbols of these names have one.

    So a panel without these symbols is the one that a source gives which never had them: no bar more, and each
    the next one of the same.

    Raises
    ------
    DataError
        If one of these symbols has no bar left.
    """
    rest = without(bars, names)
    shared: NDArray[np.bool_] = np.asarray(rest.present.any(axis=1))
    if rest is bars or bool(shared.all()):
        return bars
    found = _rows(bars, shared)
    for name in sorted({*names} & {*bars.symbols}):
        if not found.present[:, bars.symbols.index(name)].any():
            raise DataError(
                f"holdout.symbols: no bar of {name} is at the time of one of the symbols that are not held out, so "
                "their models cannot be tried on it: hold out symbols of the same market"
            )
    return found


def _rows(bars: Bars, keep: NDArray[np.bool_]) -> Bars:
    """Return the bars of some times, with the frequency that these show."""
    times, sessions = bars.times[keep], bars.sessions[keep]
    frequency, per_year = infer_frequency(times, sessions, bars.calendar)
    fields: dict[str, Any] = {name: _in_columns(getattr(bars, name)[keep]) for name in FIELDS}
    told = {name: one._replace(codes=_in_columns(one.codes[keep])) for name, one in bars.categories.items()}
    return replace(
        bars,
        times=times,
        sessions=sessions,
        categories=told,
        frequency=bars.resampled or frequency,
        bars_per_year=per_year,
        **fields,
    )


def _columns(bars: Bars, keep: NDArray[np.bool_]) -> Bars:
    fields: dict[str, Any] = {name: _in_columns(getattr(bars, name)[:, keep]) for name in FIELDS}
    told = {name: one._replace(codes=_in_columns(one.codes[:, keep])) for name, one in bars.categories.items()}
    symbols = tuple(np.asarray(bars.symbols)[keep].tolist())
    finer = bars.finer
    if finer is not None:
        finer = _columns(finer, np.isin(finer.symbols, symbols))
    return replace(bars, symbols=symbols, categories=told, finer=finer, **fields).with_covariates(bars.covariates)


def _in_columns(array: NDArray[Any]) -> NDArray[Any]:
    found = np.array(array, order="F")
    found.flags.writeable = False
    return found
