"""Records of covariates: checked, put in the order in which they were known, made of other bars, stored and read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.covariates import BESIDE, EVERY, Covariate, Missing, Places, Stale, Times, frozen, value_name
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.periods import Periods
from quorate.errors import DataError, near_misses, one_of
from quorate.statistics import Floats

OWN = ("symbol", "time", "published_at")  # columns that are no values


def covariate_of(
    frame: pd.DataFrame,
    lag: dt.timedelta | None = None,
    missing: Missing = "drop",
    max_age: dt.timedelta | None = None,
    stale: Stale = "missing",
    over: Periods | None = None,
) -> Covariate:
    """Check records, and put them in the order in which they were known.

    Parameters
    ----------
    frame : DataFrame
        Columns ``time``, the reference time, and ``published_at``, both time-zone aware; ``symbol``, if records are of
        one, empty where they hold for all; every other column is a value.
    lag : timedelta, optional
        How long after its publication a record was known; without a column ``published_at``, after its reference time.
    missing, max_age, stale, over
        As of `Covariate`.

    Raises
    ------
    DataError
        If nothing tells when records were known, or two of one symbol and time, known at once, differ.
    """
    for name in OWN[1:]:
        if name in frame and (not isinstance(frame[name].dtype, pd.DatetimeTZDtype) or frame[name].isna().any()):
            raise DataError(f"the column {name!r} must hold time-zone aware stamps, one for each record")
    if "time" not in frame:
        raise DataError(f"records need a column 'time', what each is of; there are {', '.join(map(str, frame))}")
    if lag is None and "published_at" not in frame:
        raise DataError(
            "nothing says when the values were known. The time that a value is of is not the time at which it was "
            "known, and to use it from then on would be to look ahead: give a column published_at, or say how long "
            'after its time each was known, e.g. lag = "15d"'
        )
    names = {str(name): value_name(str(name)) for name in frame if name not in OWN}
    _check_values(frame, names)
    frame = frame[frame[[*names]].notna().any(axis=1).to_numpy()]
    time, known = _plain(frame["time"]), _plain(frame["published_at" if "published_at" in frame else "time"])
    if lag is not None:
        known = known + np.timedelta64(lag)
    symbols, code = _coded(frame.get("symbol"), len(frame))
    values = {word: frame[name].to_numpy(dtype=np.float64) for name, word in sorted(names.items())}
    order = np.lexsort((code, time, known))
    order = order[~_repeated(order, time, known, code, symbols, values)]
    return Covariate(
        frozen(time[order]),
        frozen(known[order]),
        frozen(code[order]),
        symbols,
        {name: frozen(column[order]) for name, column in values.items()},
        missing if isinstance(missing, str) else float(missing),
        None if max_age is None else np.timedelta64(max_age),
        stale,
        over=over,
    )


def records_of_bars(bars: Bars, fields: Sequence[str] = ("close",)) -> pd.DataFrame:
    """Return other bars as records, which are known at their closes; those of a single symbol hold for all.

    Raises
    ------
    DataError
        For a field that bars do not have.
    """
    for name in fields:
        if name not in FIELDS:
            raise DataError(
                f"bars have no field {name!r}: it must be one of {one_of(FIELDS)}{near_misses(name, FIELDS)}"
            )
    row, column = np.nonzero(bars.present)
    time = pd.DatetimeIndex(bars.times[row]).tz_localize("UTC")
    frame = pd.DataFrame({"time": time, "published_at": time})
    if len(bars.symbols) > 1:
        frame["symbol"] = np.asarray(bars.symbols)[column]
    return frame.assign(**{name: getattr(bars, name)[row, column] for name in fields})


def to_frame(covariate: Covariate) -> pd.DataFrame:
    """Return records as they are stored, which `restored` reads."""
    names = np.array([*covariate.symbols, ""], dtype=object)
    frame = pd.DataFrame({"symbol": pd.Series(names[covariate.code], dtype="str")})
    for name in ("time", "known"):
        frame[name] = pd.DatetimeIndex(getattr(covariate, name)).tz_localize("UTC")
    return frame.assign(**{f"value.{name}": column for name, column in covariate.values.items()})


def restored(
    frame: pd.DataFrame, missing: Missing, max_age: float | None, stale: Stale, over: Periods | None = None
) -> Covariate:
    """Return a covariate from records, as `to_frame` gives them, and how it is joined; `max_age` in microseconds."""
    symbols, code = _coded(frame["symbol"], len(frame))
    values = {
        str(name).removeprefix("value."): frozen(frame[name].to_numpy(dtype=np.float64))
        for name in frame
        if str(name).startswith("value.")
    }
    time, known = (frozen(_plain(frame[name])) for name in ("time", "known"))
    oldest = None if max_age is None else np.timedelta64(int(max_age), "us")
    return Covariate(time, known, frozen(code), symbols, values, missing, oldest, stale, over=over)


def _check_values(frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    if not names:
        raise DataError(f"records need a value beside {', '.join(map(str, frame))}")
    for name, word in names.items():
        if not word or word in BESIDE or list(names.values()).count(word) > 1:
            raise DataError(
                f"the value {name!r} would be called {word!r}: that must be a word of its own, other than "
                f"{one_of(BESIDE)}; call the column otherwise"
            )
        if frame[name].dtype.kind not in "fiub":
            raise DataError(f"the value {name!r} must be numbers; its type is {frame[name].dtype}")
        if np.isinf(frame[name].to_numpy(dtype=np.float64)).any():
            raise DataError(f"the value {name!r} must not be infinite")


def _repeated(
    order: Places,
    time: Times,
    known: Times,
    code: NDArray[np.int32],
    symbols: tuple[str, ...],
    values: Mapping[str, Floats],
) -> NDArray[np.bool_]:
    """Return which records, in an order, say again what the one before them says; an error, where they differ."""
    again = np.zeros(len(order), dtype=bool)
    again[1:] = np.logical_and.reduce([array[order][1:] == array[order][:-1] for array in (time, known, code)])
    for name, column in values.items():
        now, before = column[order][1:], column[order][:-1]
        other = again[1:] & (now != before) & ~(np.isnan(now) & np.isnan(before))
        if other.any():
            at = int(other.argmax())
            row = order[at]
            whose = symbols[code[row]] if code[row] != EVERY else "all symbols"
            raise DataError(
                f"two records of {whose} are of {time[row]} and known from {known[row]} on, with other values of "
                f"{name!r}, {before[at]:g} and {now[at]:g} ({int(other.sum())} such pairs): one of them was known later"
            )
    return again


def _coded(symbols: pd.Series | None, n: int) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return symbols, sorted, and the code of each record's."""
    if symbols is None:
        return (), np.full(n, EVERY, dtype=np.int32)
    empty = (symbols.isna() | (symbols.astype("str").str.strip() == "")).to_numpy()
    names, found = np.unique(symbols[~empty].astype("str").str.strip().to_numpy(dtype=str), return_inverse=True)
    code = np.full(n, EVERY, dtype=np.int32)
    code[~empty] = found
    return tuple(names.tolist()), code


def _plain(stamps: pd.Series) -> Times:
    times: Times = stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return times
