"""What is noted by hand: splits and dividends, ticker changes and delistings, each added to what is known.

Who notes something is alone in the collection: what it was checked against is what it is added to.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from quorate.errors import DataError, near_misses
from quorate.store.bars.appending import keep
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Brought, Origin
from quorate.store.bars.locks import alone
from quorate.store.bars.noted import COLUMNS, changes_of, noted_changes

if TYPE_CHECKING:
    import pandas as pd


def act(collection: Collection, actions: pd.DataFrame) -> None:
    """Note splits and dividends by hand.

    Parameters
    ----------
    collection : Collection
        Whose symbols they are of.
    actions : DataFrame
        As `quorate.bars.actions.check_actions` gives them.

    Raises
    ------
    DataError
        If a symbol is not there.
    """
    with alone(collection):
        _act(collection, actions)


def rename(collection: Collection, old: str, new: str, date: dt.date) -> None:
    """Note that a company is called `new` from `date` on, its first session under that name; read as one history.

    Raises
    ------
    DataError
        If neither has bars; if the same change is noted for another date; or if their bars cannot be one history.
    """
    if old == new or not new.strip() or new != new.strip():
        raise DataError(f"{old} must get another name on {date}, without spaces around it; it was {new!r}")
    with alone(collection):
        for one in noted_changes(collection):
            if one["kind"] == "rename" and (one["symbol"], one["new"]) == (old, new) and one["session"] != f"{date}":
                raise DataError(
                    f"{old} is noted to become {new} on {one['session']}: take that back first, with quorate data "
                    f"action {collection.name} {old} rename {one['session']} --undo"
                )
        _change(collection, {"symbol": old, "session": date, "kind": "rename", "new": new})


def delist(collection: Collection, symbol: str, date: dt.date, payout: float | None = None) -> None:
    """Note that a symbol was delisted after its last session, `date`.

    Parameters
    ----------
    payout : float, optional
        Cash per share that it paid, in prices of that time; without it, its last price less ``data.haircut``.

    Raises
    ------
    DataError
        If it has no bars, or is delisted on another day already.
    """
    if payout is not None and not (math.isfinite(payout) and payout >= 0):
        raise DataError(f"what {symbol} paid out must be cash per share, 0 or more; it was {payout:g}")
    with alone(collection):
        _change(collection, {"symbol": symbol, "session": date, "kind": "delisting", "payout": payout})


def undo(collection: Collection, symbol: str, kind: str, date: dt.date) -> None:
    """Take back what is noted of a symbol on a date; as of before, it is still known.

    Raises
    ------
    DataError
        If there is none.
    """
    with alone(collection):
        _undo(collection, symbol, kind, date)


def _act(collection: Collection, actions: pd.DataFrame) -> None:
    for symbol in actions["symbol"].unique():
        _keep(collection, {symbol}, actions[actions["symbol"] == symbol], ".actions.parquet")


def _undo(collection: Collection, symbol: str, kind: str, date: dt.date) -> None:
    import pandas as pd

    numbers = kind in ("split", "dividend")
    if numbers:
        rows = [one for one in collection.actions({symbol}).to_dict("records") if one["kind"] == kind]
        noted: dict[str, Any] = {f"{one['session']:%Y-%m-%d}": one for one in rows}
    else:
        known = noted_changes(collection)
        noted = {one["session"]: one for one in known if (one["symbol"], one["kind"]) == (symbol, kind)}
    if f"{date}" not in noted:
        told = f": there is one on {', '.join(noted)}" if noted else near_misses(symbol, collection.symbols())
        raise DataError(f"the collection {collection.name!r} knows no {kind} of {symbol} on {date}{told}")
    if numbers:
        _act(collection, pd.DataFrame([{**noted[f"{date}"], "value": 0.0}]))
    else:
        _change(collection, {**noted[f"{date}"], "undone": True})


def _change(collection: Collection, row: dict[str, Any]) -> None:
    """Note a ticker change or a delisting, if bars can be read with it; warns as reading does."""
    import pandas as pd

    whole: dict[str, Any] = {"new": "", "payout": math.nan, "undone": False, **row}
    if whole["payout"] is None:
        whole["payout"] = math.nan
    if not whole["undone"]:
        _try(collection, row)
    frame = pd.DataFrame([whole])[[*COLUMNS]]
    frame["session"] = pd.to_datetime(frame["session"]).astype("datetime64[us]")
    _keep(collection, {row["symbol"], row.get("new", row["symbol"])}, frame, ".changes.parquet")


def _try(collection: Collection, row: dict[str, Any]) -> None:
    """Make bars of all names that a change is about, as reading them will: errors and warnings come now."""
    from quorate.bars.panel import Bars

    one = {"payout": None, **row, "session": f"{row['session']}"}
    key = ("symbol", "session", "kind")
    rows = [o for o in noted_changes(collection) if any(o[name] != one[name] for name in key)]
    would = changes_of([*rows, one])
    for frequency in collection.frequencies():
        names = would.names([row["symbol"]]) & collection.symbols(frequency)
        if not names:
            continue
        frame = collection.frame(sorted(names), frequency)
        if len(frame):
            would.applied(Bars.from_frame(frame, collection.calendar), collection.name)


def _keep(collection: Collection, symbols: set[str], told: pd.DataFrame, ending: str) -> None:
    """Write what is told of a symbol, or of two names of a company of which one has bars."""
    held = [one for one in collection.frequencies() if symbols & collection.symbols(one)]
    if not held:
        raise DataError(collection.lacks(symbols))
    days = told["session"].dt.strftime("%Y-%m-%d")
    nothing = Brought(days.min(), days.max(), 0)
    keep(collection, [(told, ending)], Origin("", {}), dict.fromkeys(sorted(symbols), nothing), held[0])
