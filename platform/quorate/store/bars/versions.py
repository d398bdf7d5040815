"""New bars beside those that are known: which are new, which were otherwise, and which are gone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar
from quorate.bars.panel import FIELDS
from quorate.store.bars.imports import TOLD, Brought

_WAS, _SIDE = "|was", "|side"  # no column is called so
SAME = 1e-12  # of a value: less is how it was written, not what it is


class Compared(NamedTuple):
    """Rows that a collection does not hold yet, what they bring by symbol, and some that were otherwise before."""

    rows: pd.DataFrame
    symbols: dict[str, Brought]
    rewritten: list[dict[str, Any]]


class Conflict(NamedTuple):
    """A bar that another part of the same source has otherwise."""

    symbol: str
    time: pd.Timestamp
    field: str
    here: Any
    there: Any
    file: str


def compare(
    new: pd.DataFrame, known: pd.DataFrame, calendar: Calendar, own: frozenset[str], others: frozenset[str]
) -> Compared | Conflict:
    """Return what of new bars is not known yet.

    A bar that is known from what is read again, and lies between the first and the last new one of its symbol without
    being among them, is gone. What the new rows say nothing of, a volume or a category, stays.

    Parameters
    ----------
    new : DataFrame
        Long: ``symbol``, ``time``, prices, volume, categories; by symbol and time.
    known : DataFrame
        What the collection holds of these symbols, as it is read, and as ``filename`` where from; may be empty.
    calendar : Calendar
        Tells the session of a bar.
    own, others : frozenset of str
        Files that hold what is read again now, and files of other parts of the same source: these may not say
        something else of a bar.
    """
    names = [str(name) for name in new.columns if name not in ("symbol", "time")]
    new = new.assign(symbol=new["symbol"].astype(str))
    if not len(known):
        return Compared(new, _brought(new, np.full(len(new), "new"), calendar), [])
    names += [str(name) for name in known if name not in ("symbol", "time", "filename", *names)]
    known = known.assign(symbol=known["symbol"].astype(str))
    both = new.merge(known, on=["symbol", "time"], how="outer", suffixes=("", _WAS), indicator=_SIDE)
    span = new.groupby("symbol")["time"].agg(["min", "max"]).reindex(both["symbol"])
    inside = ((both["time"] >= span["min"].to_numpy()) & (both["time"] <= span["max"].to_numpy())).to_numpy()
    side = both[_SIDE].to_numpy(dtype=str)
    differs = np.zeros(len(both), dtype=bool)
    for name in names:
        if f"{name}{_WAS}" in both:
            differs |= _differs(both[name], both[f"{name}{_WAS}"])
    kind = np.full(len(both), "same", dtype=object)
    kind[side == "left_only"] = "new"
    kind[(side == "both") & differs] = "rewritten"
    kind[(side == "right_only") & inside & both["filename"].isin(own).to_numpy()] = "gone"
    clash = (kind == "rewritten") & both["filename"].isin(others).to_numpy()
    if clash.any():
        return _conflict(both[clash].iloc[[0]], names)
    examples = _examples(both, kind, names, calendar)
    rows = both.loc[kind != "same", ["symbol", "time", *names]]
    kind = kind[kind != "same"]
    rows.loc[kind == "gone", names] = np.nan if (kind != "gone").any() else None
    rows = rows.astype({name: float for name in names if name in FIELDS})
    return Compared(rows, _brought(rows, kind, calendar), examples)


def latest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each symbol and time, by symbol and time, without those that are gone."""
    if not len(frame):
        return frame
    codes = frame["symbol"].cat.codes.to_numpy()
    stamps = frame["time"].dt.tz_convert(None).to_numpy().astype(np.int64)
    if not _in_order(codes, stamps):
        step = np.lexsort((stamps, codes))  # stable: of equal ones the last was read last
        codes, stamps = codes[step], stamps[step]
        last = np.append((codes[1:] != codes[:-1]) | (stamps[1:] != stamps[:-1]), True)
        frame = frame.iloc[step[last]]
    present = frame["close"].notna()
    return frame if present.all() else frame[present]


def on_time(frame: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Return daily bars with half days at their own close: they were kept at the regular one while it was not known."""
    codes, stamps = pd.factorize(frame["time"].dt.tz_convert(None).to_numpy())
    own = calendar.at_own_close(stamps.astype("datetime64[us]"))
    if not len(own) or (own == stamps).all():
        return frame
    return frame.assign(time=pd.DatetimeIndex(own[codes]).tz_localize("UTC"))


def _in_order(codes: NDArray[Any], stamps: NDArray[np.int64]) -> bool:
    """Return whether rows lie by symbol and time, each once."""
    later, other = np.diff(stamps) > 0, np.diff(codes)
    return bool(((other > 0) | ((other == 0) & later)).all())


def _differs(new: pd.Series, was: pd.Series) -> NDArray[np.bool_]:
    """Return where two columns differ; where both have nothing they do not."""
    if new.dtype.kind == "f" and was.dtype.kind == "f":
        one, other = new.to_numpy(), was.to_numpy()
        near = np.abs(one - other) <= SAME * np.maximum(np.abs(one), np.abs(other))
        return np.asarray(~(near | (np.isnan(one) & np.isnan(other))))
    return np.asarray((new != was) & ~(new.isna() & was.isna()))


def _brought(rows: pd.DataFrame, kinds: NDArray[Any], calendar: Calendar) -> dict[str, Brought]:
    days = (
        calendar.sessions(rows["time"].dt.tz_convert(None).to_numpy()) if len(rows) else np.array([], "datetime64[D]")
    )
    table = pd.DataFrame({"symbol": rows["symbol"].to_numpy(), "day": days.astype(np.int64), "kind": kinds})
    told = {}
    for symbol, part in table.groupby("symbol", sort=True):
        counts = part["kind"].value_counts()
        first, last = (str(np.datetime64(int(day), "D")) for day in (part["day"].min(), part["day"].max()))
        told[str(symbol)] = Brought(first, last, *(int(counts.get(kind, 0)) for kind in ("new", "rewritten", "gone")))
    return told


def _examples(both: pd.DataFrame, kind: NDArray[Any], names: list[str], calendar: Calendar) -> list[dict[str, Any]]:
    """Return some bars that were otherwise, each with the first value that changed."""
    rows = both[(kind == "rewritten") | (kind == "gone")].head(TOLD)
    told = []
    for at in rows.index:
        one = rows.loc[[at]]
        time = one["time"].iloc[0]
        session = calendar.sessions(np.array([time.tz_convert(None)], dtype="datetime64[us]"))[0]
        bar = {"symbol": str(one["symbol"].iloc[0]), "session": str(session), "time": time.isoformat()}
        if one[_SIDE].iloc[0] == "right_only":
            told.append({**bar, "field": "bar", "was": "there", "is": "gone"})
        else:
            name = _changed(one, names)
            told.append(
                {**bar, "field": name, "was": _plain(one[f"{name}{_WAS}"].iloc[0]), "is": _plain(one[name].iloc[0])}
            )
    return told


def _conflict(one: pd.DataFrame, names: list[str]) -> Conflict:
    name = _changed(one, names)
    here, there = _plain(one[name].iloc[0]), _plain(one[f"{name}{_WAS}"].iloc[0])
    return Conflict(str(one["symbol"].iloc[0]), one["time"].iloc[0], name, here, there, str(one["filename"].iloc[0]))


def _changed(one: pd.DataFrame, names: list[str]) -> str:
    return next(name for name in names if f"{name}{_WAS}" in one and _differs(one[name], one[f"{name}{_WAS}"]).any())


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else float(value) if isinstance(value, float) else str(value)
