"""Whether what is read of a covariate is a symbol in disguise: one of its prices or its volume, to another scale."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.statistics import Floats

SHARE = 0.5  # of the bars on which both change, on which they do so alike by no chance
LATE = 3  # bars by which the covariate may come later
FEWEST = 20  # bars on which both change
LOOKED = 300  # bars that are compared, evenly spread
NEAR = 0.02  # of a usual change, within which two are alike: files round
AT_ONCE = 64  # symbols that are compared at once


class Disguise(NamedTuple):
    """A covariate's value that is a field of a symbol."""

    covariate: str
    value: str
    symbol: str
    field: str
    what: str  # of the field: itself, its logarithm or its returns
    late: int  # bars


def disguised(bars: Bars, names: Collection[str]) -> Iterator[Disguise]:
    """Yield what others than some symbols read of covariates that is a field of these, each covariate once.

    Alike are changes, relative ones to any scale; of a value that is itself the logarithm of a field, or its returns,
    also these. Values may come some bars late, and hold for a part of the symbols and of the history.

    Parameters
    ----------
    names : collection of str
        The symbols.
    """
    others = np.flatnonzero(~np.isin(bars.symbols, [*names]))
    fields = [(name, field, _forms(_column(bars, field, name))) for name in sorted(names) for field in FIELDS]
    for covariate, one in bars.covariates.items():
        values = ((value, bars.covariate(f"{covariate}.{value}")[:, others]) for value in one.values)
        if found := next((told for value, read in values if (told := _same(value, read, fields))), None):
            yield Disguise(covariate, *found)


def _column(bars: Bars, field: str, name: str) -> Floats:
    column: Floats = getattr(bars, field)[:, bars.symbols.index(name)]
    return column[:, None]


def _forms(column: Floats) -> dict[str, Floats]:
    """Return how a series changes from one number to the next, by what of it a value may be; NaN where it stays."""
    with np.errstate(all="ignore"):
        step = np.full_like(column, np.nan)
        step[1:] = column[1:] / column[:-1]
        step[~np.isfinite(step) | (step <= 0) | (step == 1)] = np.nan
        return {"": step - 1, "the logarithm of ": np.log(step), "the returns of ": step - 1}


def _same(
    value: str, read: Floats, fields: list[tuple[str, str, dict[str, Floats]]]
) -> tuple[str, str, str, str, int] | None:
    read = np.unique(read, axis=1)  # what holds for all is compared once
    for start in range(0, read.shape[1], AT_ONCE):
        some = read[:, start : start + AT_ONCE]
        with np.errstate(all="ignore"):
            change = np.full_like(some, np.nan)
            change[1:] = np.diff(some, axis=0)
            own = {"": change / np.roll(some, 1, axis=0), "the logarithm of ": change, "the returns of ": some}
        for symbol, field, forms in fields:
            for what, told in forms.items():
                for late in range(LATE + 1):
                    if _alike(own[what], told, late, scaled=bool(what)):
                        return value, symbol, field, what, late
    return None


def _alike(own: Floats, told: Floats, late: int, scaled: bool) -> bool:
    """Return whether a column of values changes as a series did some bars before, to one scale."""
    own, told = own[late:], told[: len(told) - late]
    rows = np.flatnonzero(np.isfinite(told[:, 0]))
    rows = rows[np.linspace(0, len(rows) - 1, min(LOOKED, len(rows))).astype(np.int64)] if len(rows) else rows
    if len(rows) < FEWEST:
        return False
    own, told = own[rows], told[rows]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a number
        own[(own == 0) | ~np.isfinite(own)] = np.nan
        due = told * np.nanmedian(own / told, axis=0) if scaled else told
        same = np.abs(own - due) <= NEAR * np.nanmedian(np.abs(due), axis=0)
    known = np.isfinite(own).sum(axis=0)
    return bool(((known >= FEWEST) & (same.sum(axis=0) > SHARE * known)).any())
