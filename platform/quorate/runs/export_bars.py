"""Bars of the store written to files, one per symbol."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from quorate.bars.actions import Adjust
from quorate.errors import RecipeError, StoreError, one_of
from quorate.store.bars.collection import Collection
from quorate.store.files import replacing
from quorate.store.parquet import write_parquet

LONGEST = 200  # bytes of a file's name
FORMATS = ("csv", "parquet")
ADJUST: tuple[Adjust, ...] = ("none", "splits", "total")


def export_bars(
    collection: Collection,
    out: Path,
    file_format: str = "parquet",
    symbols: Sequence[str] | None = None,
    frequency: str | None = None,
    as_of: dt.datetime | None = None,
    adjust: str = "none",
) -> list[Path]:
    """Write a collection's bars, a file per symbol, and return the files.

    Raises
    ------
    RecipeError
        For a format or an adjustment that there is not.
    StoreError
        If the folder holds something already.
    """
    if file_format not in FORMATS:
        raise RecipeError(f"--format must be one of {one_of(FORMATS)}; it was {file_format!r}")
    how = next((one for one in ADJUST if one == adjust), None)
    if how is None:
        raise RecipeError(f"--adjust must be one of {one_of(ADJUST)}; it was {adjust!r}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"cannot write to {out}: it holds something already; name an empty folder")
    bars = collection.read(symbols, frequency, as_of=as_of, adjust=how)
    names: dict[str, str] = {}
    for symbol in bars.symbols:
        name = f"{symbol.replace('/', '-')}.{file_format}"
        if len(name.encode()) > LONGEST:
            raise StoreError(f"cannot write {name[:40]}...: the name of a file must have at most {LONGEST} bytes")
        if name.lower() in names:
            raise StoreError(
                f"{names[name.lower()]} and {symbol} would both be the file {name}: export one of them by --symbol"
            )
        names[name.lower()] = symbol
    written = []
    for key, frame in bars.to_frame().groupby("symbol", sort=True):
        path = out / f"{str(key).replace('/', '-')}.{file_format}"
        if file_format == "csv":
            with replacing(path) as temporary:
                frame.to_csv(temporary, index=False)
        else:
            write_parquet(frame, path)
        written.append(path)
    return written
