"""New bars beside those that are known: which are new, which were otherwise, and which are gone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import FIELDS
from quorate.store.bars.imports import TOLD, Brought

SAME = 1e-12  # of a value: less is how it was written, not what it is


class Compared(NamedTuple):
    """Rows that a collection does not hold yet, what they bring by symbol, and some that were otherwise before."""

    rows: pd.DataFrame
    symbols: dict[str, Brought]
    rewritten: list[dict[str, Any]]


def compare(new: pd.DataFrame, sessions: NDArray[np.datetime64], known: pd.DataFrame) -> Compared:
    """Return what of new bars is not known yet.

    A bar that is known, and lies between the first and the last new one of its symbol without being among them, is
    gone.

    Parameters
    ----------
    new : DataFrame
        Long: ``symbol``, ``time``, prices, volume, categories; by symbol and time.
    sessions : ndarray of datetime64[D], (n_rows,)
        Of each new row.
    known : DataFrame
        What the collection holds of these symbols, as it is read; may be empty.
    """
    names = [name for name in new.columns if name not in ("symbol", "time")]
    new = new.assign(symbol=new["symbol"].astype(str), session=sessions)
    if not len(known):
        return Compared(new.drop(columns="session"), _brought(new, ["new"] * len(new)), [])
    known = known.assign(symbol=known["symbol"].astype(str))
    both = new.merge(known, on=["symbol", "time"], how="outer", suffixes=("", "|was"), indicator="side")
    span = new.groupby("symbol")["time"].agg(["min", "max"]).reindex(both["symbol"])
    inside = ((both["time"] >= span["min"].to_numpy()) & (both["time"] <= span["max"].to_numpy())).to_numpy()
    side = both["side"].to_numpy(dtype=str)
    differs = np.zeros(len(both), dtype=bool)
    for name in names:
        if f"{name}|was" in both:
            differs |= _differs(both[name], both[f"{name}|was"])
    kind = np.full(len(both), "same", dtype=object)
    kind[side == "left_only"] = "new"
    kind[(side == "both") & differs] = "rewritten"
    kind[(side == "right_only") & inside] = "gone"
    told = kind != "same"
    rows = both.loc[told, ["symbol", "time", *names, "session"]].assign(kind=kind[told])
    gone = rows["kind"] == "gone"
    rows.loc[gone, names] = np.nan if not gone.all() else None
    rows = rows.sort_values(["symbol", "time"], kind="stable")
    examples = _examples(both[(kind == "rewritten") | (kind == "gone")], names)
    rows["session"] = rows["session"].fillna(rows["time"].dt.tz_convert(None).dt.normalize())
    brought = _brought(rows, rows["kind"].tolist())
    numbers = {name: float for name in names if name in FIELDS}
    return Compared(rows.drop(columns=["session", "kind"]).astype(numbers), brought, examples)


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


def _brought(rows: pd.DataFrame, kinds: list[str]) -> dict[str, Brought]:
    days = rows["session"].to_numpy().astype("datetime64[D]")
    table = pd.DataFrame({"symbol": rows["symbol"].to_numpy(), "day": days.astype(np.int64), "kind": kinds})
    told = {}
    for symbol, part in table.groupby("symbol", sort=True):
        counts = part["kind"].value_counts()
        first, last = (str(np.datetime64(int(day), "D")) for day in (part["day"].min(), part["day"].max()))
        told[str(symbol)] = Brought(first, last, *(int(counts.get(kind, 0)) for kind in ("new", "rewritten", "gone")))
    return told


def _examples(rows: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Return some bars that were otherwise: of each the value that changed most."""
    told = []
    for at, row in rows.head(TOLD).iterrows():
        bar: dict[str, Any] = {"symbol": str(row["symbol"]), "time": row["time"].isoformat()}
        if row["side"] == "right_only":
            told.append({**bar, "field": "bar", "was": "there", "is": "gone"})
            continue
        one = rows.loc[[at]]
        name = next(name for name in names if _differs(one[name], one[f"{name}|was"]).any())
        told.append({**bar, "field": name, "was": _plain(row[f"{name}|was"]), "is": _plain(row[name])})
    return told


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else float(value) if isinstance(value, float) else str(value)
