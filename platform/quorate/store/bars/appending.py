"""What new bars bring to a collection, kept: all of it, or, if that ends before it is written, nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quorate.errors import DataError
from quorate.store.bars.collection import DOCUMENT, IMPORTS, Collection
from quorate.store.bars.imports import Brought, Import, Origin, new_id
from quorate.store.bars.parts import sha256_of
from quorate.store.documents import seal_of
from quorate.store.files import write_json
from quorate.store.parquet import write_parquet

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quorate.bars.calendar import Calendar
    from quorate.bars.panel import Bars


def append(
    collection: Collection,
    bars: Bars,
    origin: Origin,
    *,
    read: Sequence[str] = (),
    files: Sequence[Mapping[str, Any]] = (),
    known_at: dt.datetime | None = None,
    frequency: str | None = None,
    actions: pd.DataFrame | None = None,
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
    read : sequence of str
        Digests of the parts that were read.
    files : sequence of mapping
        Facts of the files that were read.
    known_at : datetime, optional
        From when on they count as known; now, if not given.
    frequency : str, optional
        Theirs, where they are too few to show it.
    actions : DataFrame, optional
        Splits and dividends: ``symbol``, ``session``, ``kind``, ``value``.

    Raises
    ------
    DataError
        If their calendar is another than the collection's.
    StoreError
        If they cannot be written; what was stored is untouched.
    """
    from quorate.store.bars.versions import compare

    _begin(collection, bars.calendar)
    new = bars.to_frame()
    frequency = frequency or bars.frequency
    compared = compare(new, _sessions(bars), _known(collection, bars, frequency))
    nothing = Brought(str(bars.sessions[0]), str(bars.sessions[-1]), 0)
    brought = {symbol: compared.symbols.get(symbol, nothing) for symbol in bars.symbols}
    frames = [(compared.rows, ".parquet"), (_new(collection, actions), ".actions.parquet")]
    told = {"files": [dict(one) for one in files], "rewritten": compared.rewritten}
    return _keep(collection, frames, origin, brought, frequency, known_at, read, told)


def _keep(
    collection: Collection,
    frames: Sequence[tuple[pd.DataFrame | None, str]],
    origin: Origin,
    symbols: Mapping[str, Brought],
    frequency: str,
    known_at: dt.datetime | None = None,
    read: Sequence[str] = (),
    told: Mapping[str, Any] = MappingProxyType({}),
) -> Import:
    """Write an import's files, and then what lists them."""
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
        read=list(read),
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
    import numpy as np

    from quorate.bars.panel import FIELDS

    holdings = collection.holdings()
    if missing := {*symbols} - {one.symbol for one in holdings}:
        collection.frame(sorted(missing))  # says so
    for frequency in sorted({one.frequency for one in holdings if one.symbol in symbols}):
        held = [one for one in holdings if one.symbol in symbols and one.frequency == frequency]
        frame = collection.frame([one.symbol for one in held], frequency)
        fields = [name for name in FIELDS if name in frame]
        rows = frame[["symbol", "time"]].assign(**dict.fromkeys(fields, np.nan)).astype({"symbol": str})
        gone = {one.symbol: Brought(one.first, one.last, 0, 0, one.bars) for one in held}
        _keep(collection, [(rows, ".parquet")], Origin("", {}), gone, frequency)


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
    held = {one.symbol: one for one in collection.holdings()}
    for symbol in actions["symbol"].unique():
        if symbol not in held:
            collection.frame([symbol])  # says so
        one = held[symbol]
        told = actions[actions["symbol"] == symbol]
        nothing = {symbol: Brought(one.first, one.last, 0)}
        _keep(collection, [(told, ".actions.parquet")], Origin("", {}), nothing, one.frequency)


def _begin(collection: Collection, calendar: Calendar) -> None:
    if not collection.exists:
        told = {"schema_version": 1, "name": collection.name, "calendar": asdict(calendar)}
        (collection.folder / IMPORTS).mkdir(parents=True, exist_ok=True)
        write_json(collection.folder / DOCUMENT, {**told, "seal": seal_of(told)})
    if collection.calendar != calendar:
        raise DataError(
            f"the collection {collection.name!r} keeps the calendar {collection.calendar.name!r}, and these bars have "
            f"{calendar.name!r}: give them a collection of their own, or set calendar={collection.calendar.name}"
        )


def _known(collection: Collection, bars: Bars, frequency: str) -> pd.DataFrame:
    """Return what is held of the symbols and the span of new bars."""
    import pandas as pd

    held = {one.symbol for one in collection.holdings() if one.frequency == frequency} & {*bars.symbols}
    if not held:
        return pd.DataFrame()
    frame = collection.frame(sorted(held), frequency)
    first, last = pd.DatetimeIndex(bars.times[[0, -1]]).tz_localize("UTC")
    return frame[frame["time"].between(first, last)]


def _new(collection: Collection, actions: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the splits and dividends that are not known as they are."""
    if actions is None or actions.empty:
        return None
    known = collection.actions(actions["symbol"].unique().tolist())
    both = actions.merge(known, on=["symbol", "session", "kind"], how="left", suffixes=("", "|was"))
    return actions[(both["value"] != both["value|was"]).to_numpy()]


def _sessions(bars: Bars) -> NDArray[np.datetime64]:
    """Return the session of each row of the bars' long frame."""
    return bars.sessions[bars.present.nonzero()[0]]
