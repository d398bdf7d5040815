"""Several markets in one panel, aligned by the time at which a close is known: at the closes of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.fills import Fills
from quorate.bars.panel import PRICES, Bars
from quorate.bars.renames import in_turn
from quorate.bars.universe import Spell, Universe, in_order
from quorate.errors import DataError, near_misses, one_of

Times = NDArray[np.datetime64]
Places = NDArray[np.int64]


def align(parts: Sequence[Bars], clock: str | None = None) -> Bars:
    """Return one panel of several markets, with a row at each close of one of them.

    A row has of each symbol what its market did since the row before, as far as its bars were over by then: the open
    of the first of these bars, the close of the last, high and low of all, and the sum of their volumes. A symbol whose
    market has closed no bar since has none there. An order is filled at the first open of the symbol's own market that
    comes after the row that decided it.

    Parameters
    ----------
    parts : sequence of Bars
        A panel of each market, daily or of less, of other symbols each.
    clock : str, optional
        The calendar of the market whose closes are the rows; without it that of the first.

    Returns
    -------
    Bars
        With the clock's calendar, sessions and bars a year.

    Raises
    ------
    DataError
        If two panels share a symbol, one has weekly or monthly bars, or none has the clock's calendar.
    """
    _check(parts)
    named = dict.fromkeys(part.calendar.name for part in parts)
    clock = clock or next(iter(named))
    rows = [part for part in parts if part.calendar.name == clock]
    if not rows:
        raise DataError(
            f"the clock {clock!r} is the calendar of none of the markets: it must be one of {one_of(named)}"
            f"{near_misses(clock, named)}"
        )
    times = np.unique(np.concatenate([part.times for part in rows]))
    frames, fills = zip(*(_on(part, times) for part in parts), strict=True)
    frame = pd.concat([one for one in frames if len(one)], ignore_index=True)
    categories = sorted({name for part in parts for name in part.categories})
    bars = Bars.from_frame(frame, rows[0].calendar, categories)
    order = np.argsort([name for part in parts for name in part.symbols])
    names = tuple(sorted(name for part in parts for name in part.symbols))
    beside = Fills(times, names, *(np.asfortranarray(np.hstack(some)[:, order]) for some in zip(*fills, strict=True)))
    beside.check()
    read = tuple(one for part in parts for one in part.read)
    renames = in_turn(one for part in parts for one in part.renames)
    return replace(bars, fills=beside, read=read, universe=_universe(parts), renames=renames)


def _universe(parts: Sequence[Bars]) -> Universe | None:
    """Return the universes of all parts as one; symbols of a part that has none belong always."""
    own = [part.universe for part in parts if part.universe is not None]
    if not own:
        return None
    if len({one.haircut for one in own}) > 1:
        told = ", ".join(f"{one.haircut:g}" for one in own)
        raise DataError(f"markets in one panel have one haircut for all that is delisted; theirs are {told}")
    always = (
        Spell(name) for part in parts for name in part.symbols if part.universe is None or not part.universe.spells
    )
    return Universe(in_order([*always, *(spell for one in own for spell in one.spells)]), own[0].haircut)


def _check(parts: Sequence[Bars]) -> None:
    if not parts:
        raise DataError("there must be a panel of one market at least; there is none")
    found: dict[str, str] = {}
    for part in parts:
        market = part.calendar.name
        if part.frequency != "1d" and not part.frequency.endswith("min"):
            raise DataError(
                f"the bars of market {market!r} are {part.frequency}: markets are aligned by daily bars or shorter ones"
            )
        for name in part.symbols:
            if name in found:
                raise DataError(f"both {found[name]!r} and {market!r} have bars of {name}: a symbol has one market")
            found[name] = market


class _Beside(NamedTuple):
    """What `Fills` has of one market."""

    price: NDArray[np.float64]
    filled: Times
    mark: NDArray[np.float64]
    opened: Times
    known: Times
    session: Places
    closing: NDArray[np.bool_]


def _on(part: Bars, times: Times) -> tuple[pd.DataFrame, _Beside]:
    """Return a market's bars at the rows of another, as a long frame, and what orders are filled at there."""
    shape = len(times), len(part.symbols)
    price, mark = (np.full(shape, np.nan) for _ in range(2))
    filled, opened, known = (np.full(shape, "NaT", dtype="datetime64[us]") for _ in range(3))
    table = part.to_frame().sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    closes, opens = table["time"].dt.tz_convert(None).to_numpy(), table["open"].to_numpy()
    begins = _opens(part)[np.searchsorted(part.times, closes)]
    found = _together(table.assign(begins=begins, row=np.searchsorted(times, closes)), len(times))
    at, columns = found["row"].to_numpy(), np.searchsorted(part.symbols, found["symbol"].to_numpy().astype(str))
    opened[at, columns] = found["begins"].to_numpy()
    known[at, columns] = found["time"].dt.tz_convert(None).to_numpy()
    mark[at, columns] = found["close"].to_numpy()
    days, number = np.unique(part.sessions, return_inverse=True)
    of, last = number[np.searchsorted(part.times, closes)], part.calendar.close_times(days)
    session, closing = np.full(shape, -1), np.zeros(shape, dtype=bool)
    edges = np.searchsorted(table["symbol"].to_numpy().astype(str), [*part.symbols, "\U0010ffff"])
    for column, (start, stop) in enumerate(pairwise(edges)):
        fill = _next_open(begins[start:stop], times)
        some = np.flatnonzero((fill >= 0) & ~np.isnat(known[:, column]))
        taken = start + fill[some]
        price[some, column], filled[some, column], session[some, column] = opens[taken], begins[taken], of[taken]
        closing[some, column] = closes[taken] >= last[of[taken]]
    later = filled > known
    frame = found.assign(time=pd.DatetimeIndex(times[at]).tz_localize("UTC")).drop(columns=["row", "begins"])
    return frame, _Beside(price, filled, np.where(later, price, mark), opened, known, session, closing)


def _opens(part: Bars) -> Times:
    """Return when each bar begins, or a time before that."""
    if part.frequency == "1d":
        return part.calendar.open_times(part.sessions)
    begins: Times = part.times - pd.Timedelta(part.frequency).to_timedelta64().astype("timedelta64[us]")
    return begins


def _together(table: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return the bars of each symbol with those of one row made one, the time being that of the last.

    Those after the last row are left out. Of those before the first only the last is used: how far a first bar reaches
    would depend on where the data begin.
    """
    last = ~table.duplicated(["symbol", "row"], keep="last")
    groups = table[(table["row"] < rows) & (last | (table["row"] > 0))].groupby(["symbol", "row"], sort=True)
    rule = dict.fromkeys(table.columns.drop(["symbol", "row", "volume"], errors="ignore"), "last")
    found = groups.agg(rule | dict(zip(PRICES, ("first", "max", "min", "last"), strict=True)))
    if "volume" in table:
        found["volume"] = groups["volume"].sum(min_count=1)
    return found.reset_index()


def _next_open(begins: Times, times: Times) -> Places:
    """Return, of each row, which bar opens first after the row before, and before this one; -1, where none does."""
    found = np.full(len(times), -1)
    place = np.searchsorted(begins, times[:-1])
    there = place < len(begins)
    there[there] = begins[place[there]] < times[1:][there]
    found[1:][there] = place[there]
    return found
