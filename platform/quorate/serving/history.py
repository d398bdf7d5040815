"""Bars that go on: new ones, checked, in the place of those that are known from their first close on, or after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.categories import MISSING, Category
from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.bars.reading import LARGEST, ROUNDING, SMALLEST
from quorate.errors import DataError, near_misses, one_of
from quorate.statistics import Floats


def stands_beside(bars: Bars) -> str:
    """Return what bars have beside them that is read with them, and that a few later bars do not bring; or nothing."""
    if bars.covariates:
        return "covariates"
    return "bars of another frequency" if bars.finer is not None else "fills" if bars.fills is not None else ""


def joined(known: Bars, new: Bars, first: int) -> tuple[Bars, int]:
    """Return the known bars with new ones from the first close of these on, and how many are as they were.

    What is not known already is held against the rules of bars.

    Parameters
    ----------
    known : Bars
        What the new ones are to go on from: their symbols, calendar and frequency.
    new : Bars
        Of some or all of these symbols.
    first : int
        How many bars may not change: what the models, weights and threshold were chosen by.

    Raises
    ------
    DataError
        Naming symbol, time and field.
    """
    if not len(new):
        raise DataError("there are no bars to go on with: at least one is needed")
    _check_kind(known, new)
    cut = int(np.searchsorted(known.times, new.times[0]))
    if (beside := stands_beside(known)) and cut:
        raise DataError(
            f"the bars of this run have {beside}: give them from {known.sessions[0]} on, not from {new.times[0]}Z on"
        )
    sessions = np.concatenate([known.sessions[max(cut - 1, 0) : cut], new.sessions])
    if known.frequency == "1d" and (twice := np.diff(sessions) <= np.timedelta64(0)).any():
        at = int(twice.argmax()) + 1
        raise DataError(f"bars must be daily, as those before: there are two of the session {sessions[at]}")
    wide = {name: _columns_of(known, new, name) for name in FIELDS}
    same = cut + _alike(known, new, wide, cut)
    if same < min(first, cut + len(new)) or cut + len(new) < first:
        _refuse_history(known, new, wide, cut, same, first)
    _check_bars(known, new, wide, same - cut)
    if cut == 0 and new.symbols == known.symbols:
        return replace(new, frequency=known.frequency, bars_per_year=known.bars_per_year), same
    fields: dict[str, Any] = {name: _after(getattr(known, name)[:cut], wide[name]) for name in FIELDS}
    return replace(
        known,
        times=np.concatenate([known.times[:cut], new.times]),
        sessions=np.concatenate([known.sessions[:cut], new.sessions]),
        categories={name: _categories(known, new, name, cut) for name in known.categories},
        **fields,
    ), same


def _check_kind(known: Bars, new: Bars) -> None:
    """Raise `DataError`, if the new bars are of another market, or not one after the other."""
    if unknown := sorted(set(new.symbols) - set(known.symbols)):
        raise DataError(
            f"bars must be of {one_of(known.symbols)}, whose models these are; there are some of {unknown[0]!r}"
            f"{near_misses(unknown[0], known.symbols)}"
        )
    if new.calendar != known.calendar:
        raise DataError(f"bars must be of the calendar {known.calendar.name}; they were of {new.calendar.name}")
    if (backwards := np.diff(new.times) <= np.timedelta64(0)).any():
        at = int(backwards.argmax()) + 1
        raise DataError(
            f"bars must be sorted by time, each close once; {new.times[at]}Z comes after {new.times[at - 1]}Z"
        )


def _columns_of(known: Bars, new: Bars, name: str) -> Floats:
    """Return a field of the new bars by the symbols of the known ones, (n_new, n_symbols)."""
    values: Floats = getattr(new, name)
    if new.symbols == known.symbols:
        return values
    wide = np.full((len(new), len(known.symbols)), np.nan, order="F")
    wide[:, [known.symbols.index(symbol) for symbol in new.symbols]] = values
    return wide


def _alike(known: Bars, new: Bars, wide: dict[str, Floats], cut: int) -> int:
    """Return how many of the new bars, from the first on, are as they are known."""
    n = min(len(known) - cut, len(new))
    if n <= 0:
        return 0
    part = slice(cut, cut + n)
    differ = known.times[part] != new.times[:n]
    for name in FIELDS:
        one, other = getattr(known, name)[part], wide[name][:n]
        differ |= ((one != other) & ~(np.isnan(one) & np.isnan(other))).any(axis=1)
    for name in known.categories:
        texts = [_texts(of, name)[rows] for of, rows in ((known, part), (new, slice(n)))]
        differ |= (texts[0] != texts[1]).any(axis=1) if new.symbols == known.symbols else True
    return int(differ.argmax()) if differ.any() else n


def _refuse_history(known: Bars, new: Bars, wide: dict[str, Floats], cut: int, same: int, first: int) -> None:
    at, began = same - cut, f"{known.sessions[0]} to {known.sessions[first - 1]}"
    if at >= len(new):
        raise DataError(
            f"bars must be of {', '.join(known.symbols)}, and go on after {known.sessions[first - 2]}; "
            f"they were {new!r}"
        )
    what = "times"
    if new.times[at] == known.times[same]:
        what = "categories"
        for name in FIELDS:
            one, other = getattr(known, name)[same], wide[name][at]
            differs = (one != other) & ~(np.isnan(one) & np.isnan(other))
            if differs.any():
                what = f"{name} of {known.symbols[int(differs.argmax())]}"
                break
    raise DataError(
        f"bars must begin with those of the run, {began}; not as then: {what} at {new.times[at]}Z. Was the history "
        "revised? quorate predict fits on what is known now"
    )


def _check_bars(known: Bars, new: Bars, wide: dict[str, Floats], since: int) -> None:
    """Hold bars that are not known yet against the rules that those of any source must keep."""
    fields = {name: wide[name][since:] for name in FIELDS}
    present = np.isfinite(fields["close"])
    body = np.maximum(fields["open"], fields["close"]), np.minimum(fields["open"], fields["close"])
    with np.errstate(invalid="ignore"):
        for name in PRICES:
            price = fields[name]
            _refuse(known, new, since, name, price, ~np.isnan(price) & ~present, "must be missing, as its close is")
            _refuse(known, new, since, name, price, present & ~np.isfinite(price), "must be a finite number")
            _refuse(known, new, since, name, price, price <= 0, "must be positive")
            beyond = (price < SMALLEST) | (price > LARGEST)
            _refuse(known, new, since, name, price, beyond, f"must lie between {SMALLEST:g} and {LARGEST:g}")
        high, low, volume = fields["high"], fields["low"], fields["volume"]
        _refuse(known, new, since, "high", high, high < low, "must not be below the low")
        short = body[0] - high > ROUNDING * body[0]
        _refuse(known, new, since, "high", high, short, "must not be below open or close")
        deep = low - body[1] > ROUNDING * body[1]
        _refuse(known, new, since, "low", low, deep, "must not be above open or close")
        bad = (volume < 0) | np.isinf(volume)
        _refuse(known, new, since, "volume", volume, bad, "must be a finite number, not negative")
    if known.has_volume:
        lacks = present & np.isnan(volume)
        _refuse(known, new, since, "volume", volume, lacks, "must be a number, as in all bars before")


def _refuse(known: Bars, new: Bars, since: int, name: str, values: Floats, bad: NDArray[np.bool_], rule: str) -> None:
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{name} {rule}: {known.symbols[column]} at {new.times[since + row]}Z has {values[row, column]:g}"
        )


def _after(before: Floats, values: Floats) -> Floats:
    """Return rows after others, in column order, read-only."""
    found = np.empty((len(before) + len(values), before.shape[1]), order="F")
    found[: len(before)], found[len(before) :] = before, values
    found.flags.writeable = False
    return found


def _texts(bars: Bars, name: str) -> NDArray[np.object_]:
    one = bars.categories.get(name)
    if one is None:
        return np.full(bars.close.shape, None, dtype=object)
    return np.array([*one.levels, None], dtype=object)[one.codes]  # the last is that of the code -1


def _categories(known: Bars, new: Bars, name: str, cut: int) -> Category:
    """Return a category of the known bars up to `cut`, and of the new ones after them."""
    texts = np.full((cut + len(new), len(known.symbols)), None, dtype=object)
    texts[:cut] = _texts(known, name)[:cut]
    texts[cut:, [known.symbols.index(symbol) for symbol in new.symbols]] = _texts(new, name)
    levels = tuple(sorted({str(text) for text in texts.ravel() if text is not None}))
    place = {text: code for code, text in enumerate(levels)}
    codes = np.array([[place.get(text, MISSING) for text in row] for row in texts], dtype=np.int32)
    codes.flags.writeable = False
    return Category(codes, levels)
