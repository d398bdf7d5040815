"""What is noted of a collection beside its bars: splits and dividends, ticker changes and delistings."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Collection as Names
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quorate.errors import DataWarning
from quorate.store.bars.imports import Import
from quorate.store.bars.moments import as_known, end_of
from quorate.store.bars.parts import check_hashes

if TYPE_CHECKING:
    import pandas as pd

    from quorate.bars.actions import Adjust
    from quorate.bars.changes import Changes
    from quorate.bars.panel import Bars
    from quorate.store.bars.collection import Collection

COLUMNS = ("symbol", "session", "kind", "new", "payout", "undone")
Moment = dt.date | dt.datetime | None


def actions_of(collection: Collection, symbols: Names[str], as_of: Moment, undone: bool) -> pd.DataFrame:
    """Return splits and dividends, as `Collection.actions` does."""
    import pandas as pd

    imports = _in_order(collection, as_of)
    parts = [(one, one.actions) for one in imports if one.actions and {*symbols} & one.symbols.keys()]
    told = _read(collection, parts, as_of)
    if told is None:
        return pd.DataFrame({"symbol": [], "session": [], "kind": [], "value": []})
    told = told[told["symbol"].isin([*symbols])]
    kept = told if undone else told[told["value"] > 0]
    return kept.sort_values(["symbol", "session", "kind"], ignore_index=True)


def noted_changes(collection: Collection, as_of: Moment = None) -> list[dict[str, Any]]:
    """Return ticker changes and delistings as they are known now, or were known at a time, by symbol and date."""
    told = _read(collection, [(one, one.changes) for one in _in_order(collection, as_of) if one.changes], as_of)
    if told is None:
        return []
    kept = told[~told["undone"]].sort_values(["symbol", "session", "kind"])
    found: list[dict[str, Any]] = []
    for symbol, session, kind, new, payout, _ in kept[[*COLUMNS]].itertuples(index=False):
        more = {"new": new} if kind == "rename" else {"payout": None if math.isnan(payout) else payout}
        found.append({"symbol": symbol, "session": f"{session:%Y-%m-%d}", "kind": kind, **more})
    return found


def noted(collection: Collection, symbols: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return splits, dividends, ticker changes and delistings, those of some symbols only, by symbol and date."""
    changes = [one for one in noted_changes(collection) if not symbols or {one["symbol"], one.get("new")} & {*symbols}]
    actions = [
        {"symbol": symbol, "session": f"{session:%Y-%m-%d}", "kind": kind, "value": value}
        for symbol, session, kind, value in collection.actions([*symbols] or collection.symbols()).itertuples(
            index=False
        )
    ]
    return sorted([*actions, *changes], key=lambda one: (one["symbol"], one["session"], one["kind"]))


def changes_of(rows: list[dict[str, Any]]) -> Changes:
    """Return what rows of `noted_changes` say."""
    from quorate.bars.changes import Changes
    from quorate.bars.renames import Rename, in_turn
    from quorate.bars.universe import Spell

    day = dt.date.fromisoformat
    renames = (Rename(one["symbol"], one["new"], day(one["session"])) for one in rows if one["kind"] == "rename")
    ends = tuple(
        Spell(one["symbol"], None, day(one["session"]), True, one["payout"])
        for one in rows
        if one["kind"] == "delisting"
    )
    return Changes(in_turn(renames), ends)


def adjusted_as_known(collection: Collection, bars: Bars, changes: Changes, as_of: Moment, adjust: Adjust) -> Bars:
    """Return bars adjusted for the splits and dividends of companies, by whatever name they are noted."""
    from quorate.bars.actions import adjusted
    from quorate.bars.renames import name_on

    actions = actions_of(collection, changes.names(bars.symbols), as_of, undone=False)
    if actions.empty:
        told = f"the collection {collection.name!r} knows no splits or dividends of these symbols: nothing is adjusted"
        warnings.warn(told, DataWarning, stacklevel=3)
        return bars
    days = actions["session"].dt.date
    last = [name_on(name, day, bars.renames) for name, day in zip(actions["symbol"], days, strict=True)]
    return adjusted(bars, actions.assign(symbol=last), adjust)


def _in_order(collection: Collection, as_of: Moment) -> list[Import]:
    """Return imports in the order in which they count: what is noted by hand counts most."""
    imports = collection.imports()
    if as_of is None:
        return sorted(imports, key=lambda one: not one.source)
    moment = end_of(as_of)
    return sorted(as_known(imports, moment), key=lambda one: one.known_at <= moment and not one.source)


def _read(collection: Collection, parts: list[tuple[Import, str]], as_of: Moment) -> pd.DataFrame | None:
    """Return the last that files say of each symbol, session and kind, up to a time."""
    import pandas as pd

    from quorate.store.bars.collection import IMPORTS
    from quorate.store.parquet import read_parquet

    folder = collection.folder / IMPORTS
    check_hashes(folder, [(name, one.sha256[name]) for one, name in parts])
    if not parts:
        return None
    told = pd.concat([read_parquet(folder / name) for _, name in parts])
    told = told.drop_duplicates(["symbol", "session", "kind"], keep="last")
    if as_of is not None:
        told = told[told["session"] <= pd.Timestamp(end_of(as_of).astimezone(dt.UTC).replace(tzinfo=None))]
    return told
