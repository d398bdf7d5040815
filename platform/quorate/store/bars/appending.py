"""What new bars bring to a collection, kept: all of it, or, if that ends before it is written, nothing."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quorate.errors import DataError, StoreError
from quorate.store.bars.collection import DOCUMENT, IMPORTS, Collection
from quorate.store.bars.imports import Brought, Import, Origin, new_id
from quorate.store.bars.locks import alone, holding
from quorate.store.bars.parts import sha256_of
from quorate.store.documents import seal_of
from quorate.store.files import TEMPORARY, write_json
from quorate.store.parquet import write_parquet

if TYPE_CHECKING:
    import pandas as pd

    from quorate.bars.calendar import Calendar
    from quorate.bars.panel import Bars


def append(
    collection: Collection,
    bars: Bars,
    origin: Origin,
    *,
    read: Mapping[str, str] = MappingProxyType({}),
    files: Sequence[Mapping[str, Any]] = (),
    known_at: dt.datetime | None = None,
    frequency: str | None = None,
    actions: pd.DataFrame | None = None,
    again: Container[str] = (),
    apart: pd.DataFrame | None = None,
    born: str | None = None,
) -> Import:
    """Keep what is new or otherwise in bars: all of them, or, if this ends before it is written, nothing.

    Parameters
    ----------
    collection : Collection
        Where; it begins with its first bars.
    bars : Bars
        As a source gave them.
    origin : Origin
        Where they come from.
    read : mapping
        Digests of the parts that were read, and of their files.
    files : sequence of mapping
        Facts of the files that were read.
    known_at : datetime, optional
        From when on they count as known; now, if not given.
    frequency : str, optional
        Theirs, where they are too few to show it.
    actions : DataFrame, optional
        Splits and dividends: ``symbol``, ``session``, ``kind``, ``value``.
    again : collection of str
        Ids of imports of which all is read again: a bar of theirs that is not among these is gone.
    apart : DataFrame, optional
        Bars that were set apart, as `quorate.bars.quarantine` gives them.
    born : str, optional
        What `Collection.born` gave when reading began: it must be the same still.

    Raises
    ------
    DataError
        If their calendar is another than the collection's; if another part of the same source has a bar otherwise; if
        `known_at` has not come yet, or lies before what is known of the same symbols.
    StoreError
        If they cannot be written, or the collection was removed meanwhile; what was stored is untouched.
    """
    with holding(collection.folder):
        if born is not None and collection.born() != born:
            raise StoreError(
                f"the collection {collection.name!r} was removed while bars for it were read: nothing more is kept; "
                "give the command again to fill one of this name"
            )
        return _append(collection, bars, origin, read, files, known_at, frequency, actions, again, apart)


def _append(
    collection: Collection,
    bars: Bars,
    origin: Origin,
    read: Mapping[str, str],
    files: Sequence[Mapping[str, Any]],
    known_at: dt.datetime | None,
    frequency: str | None,
    actions: pd.DataFrame | None,
    again: Container[str],
    apart: pd.DataFrame | None,
) -> Import:
    from quorate.store.bars.versions import Conflict, compare

    _begin(collection, bars.calendar)
    imports = collection.imports()
    _check_known_at(collection, known_at, [one for one in imports if one.symbols.keys() & {*bars.symbols}])
    frequency = frequency or bars.frequency
    paths = {one.id: str(collection.folder / IMPORTS / one.bars) for one in imports if one.bars}
    own = frozenset(path for key, path in paths.items() if key in again)
    same = {one.id for one in imports if one.origin == origin.digest}
    others = frozenset(path for key, path in paths.items() if key in same and key not in again)
    compared = compare(bars.to_frame(), _known(collection, bars, frequency), bars.calendar, own, others)
    if isinstance(compared, Conflict):
        there = next(one for one in imports if paths.get(one.id) == compared.file)
        raise DataError(
            f"{compared.symbol} at {compared.time:%Y-%m-%d %H:%M} UTC has the {compared.field} {compared.here} here "
            f"and {compared.there} in {there.what}: a bar comes from one of them; leave one out, or give each a "
            "collection"
        )
    nothing = Brought(str(bars.sessions[0]), str(bars.sessions[-1]), 0)
    brought = {symbol: compared.symbols.get(symbol, nothing) for symbol in bars.symbols}
    frames = [(compared.rows, ".parquet"), (_new(collection, actions), ".actions.parquet")]
    frames.append((apart, ".quarantine.parquet"))
    told = {"files": [dict(one) for one in files], "rewritten": compared.rewritten}
    return keep(collection, frames, origin, brought, frequency, known_at, read, told)


def _check_known_at(collection: Collection, known_at: dt.datetime | None, earlier: list[Import]) -> None:
    """Refuse what would come to be known in the future, or before what is known: later imports say nothing of it."""
    if known_at is None:
        return
    if known_at > dt.datetime.now(dt.UTC):
        raise DataError(f"bars cannot be known at {known_at:%Y-%m-%d %H:%M} UTC: that is still to come")
    if earlier and known_at < (last := max(one.known_at for one in earlier)):
        raise DataError(
            f"the collection {collection.name!r} knows of these symbols since {last:%Y-%m-%d %H:%M} UTC, and what came "
            f"at {known_at:%Y-%m-%d %H:%M} must be added before: fill a new collection, the oldest first"
        )


def keep(
    collection: Collection,
    frames: Sequence[tuple[pd.DataFrame | None, str]],
    origin: Origin,
    symbols: Mapping[str, Brought],
    frequency: str,
    known_at: dt.datetime | None = None,
    read: Mapping[str, str] = MappingProxyType({}),
    told: Mapping[str, Any] = MappingProxyType({}),
) -> Import:
    """Write an import's files, and then what lists them.

    Parameters
    ----------
    frames : sequence of (DataFrame or None, str)
        Each with the ending of its file; what is empty is not written.
    told : mapping
        Further facts of the import.
    """
    now = dt.datetime.now(dt.UTC)
    import_id, written = new_id(now), []
    for frame, ending in frames:
        if frame is not None and len(frame):
            write_parquet(frame, path := collection.folder / IMPORTS / f"{import_id}{ending}")
            written.append(path)
    made = Import(
        id=import_id,
        known_at=known_at or now,
        loaded_at=now,
        source=origin.source,
        options=dict(origin.options),
        part=dict(origin.part),
        origin=origin.digest,
        read=dict(read),
        frequency=frequency,
        symbols=symbols,
        version=version("quorate"),
        sha256=sha256_of(written),
        **told,
    )
    made.write(collection.folder / IMPORTS)
    return made


def drop(collection: Collection, symbols: Sequence[str]) -> None:
    """Have symbols no more; what was known before is still read as of then.

    Raises
    ------
    DataError
        If one is not there.
    """
    with alone(collection):
        _drop(collection, symbols)


def _drop(collection: Collection, symbols: Sequence[str]) -> None:
    import numpy as np

    from quorate.bars.panel import FIELDS

    if missing := {*symbols} - {one.symbol for one in collection.holdings()}:
        raise DataError(collection.lacks(missing))
    for frequency in collection.frequencies():
        frame = collection.frame(sorted({*symbols} & collection.symbols(frequency)), frequency)
        if not len(frame):
            continue
        rows = frame[["symbol", "time"]].astype({"symbol": str})
        rows = rows.assign(**{name: np.nan for name in FIELDS if name in frame})
        brought = {
            str(symbol): Brought(*_span(collection.calendar, one), 0, 0, len(one))
            for symbol, one in rows.groupby("symbol")
        }
        keep(collection, [(rows, ".parquet")], Origin("", {}), brought, frequency)


def _begin(collection: Collection, calendar: Calendar) -> None:
    if not collection.exists:
        told = {"schema_version": 1, "name": collection.name, "calendar": asdict(calendar)}
        (collection.folder / IMPORTS).mkdir(parents=True, exist_ok=True)
        mine = collection.folder / f".{DOCUMENT}.{new_id(dt.datetime.now(dt.UTC))}{TEMPORARY}"
        write_json(mine, {**told, "seal": seal_of(told)})
        try:
            os.link(mine, collection.folder / DOCUMENT)  # of two that begin at once, one does
        except FileExistsError:
            pass
        except OSError:  # not all file systems have links
            os.replace(mine, collection.folder / DOCUMENT)
        finally:
            mine.unlink(missing_ok=True)
    if collection.calendar != calendar:
        raise DataError(
            f"the collection {collection.name!r} keeps the calendar {collection.calendar.name!r}, and these bars have "
            f"{calendar.name!r}: give them a collection of their own, or set calendar={collection.calendar.name}"
        )


def _known(collection: Collection, bars: Bars, frequency: str) -> pd.DataFrame:
    """Return what is held of the symbols and the span of new bars."""
    import pandas as pd

    held = collection.symbols(frequency) & {*bars.symbols}
    if not held:
        return pd.DataFrame()
    frame = collection.frame(sorted(held), frequency, columns=("*", "filename"))
    first, last = pd.DatetimeIndex(bars.times[[0, -1]]).tz_localize("UTC")
    return frame[frame["time"].between(first, last)]


def _new(collection: Collection, actions: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the splits and dividends that are not known as they are."""
    if actions is None or actions.empty:
        return None
    known = collection.actions(actions["symbol"].unique().tolist(), undone=True)
    both = actions.merge(known, on=["symbol", "session", "kind"], how="left", suffixes=("", "|was"))
    return actions[(both["value"] != both["value|was"]).to_numpy()]


def _span(calendar: Calendar, rows: pd.DataFrame) -> tuple[str, str]:
    """Return the first and the last session of rows."""
    days = calendar.sessions(rows["time"].dt.tz_convert(None).to_numpy())
    return str(days.min()), str(days.max())
