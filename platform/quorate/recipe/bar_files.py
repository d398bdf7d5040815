"""Files of bars, by what their names end with."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

# Which source reads them.
ENDINGS = {
    "csv": (".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zst", ".csv.zip"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".feather", ".arrow"),
    "excel": (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
}
_DATE = re.compile(r"[-_. ]+(?:19|20)\d{2}(?:[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?)?$")
EVERY = tuple(ending for endings in ENDINGS.values() for ending in endings)


def source_of(path: Path) -> str:
    """Return the source that reads a file, a pattern, or the files of a folder; ``csv``, where no name tells."""
    names = [p.name.lower() for p in path.iterdir()] if path.is_dir() else [path.name.lower()]
    found = [source for source, endings in ENDINGS.items() if any(name.endswith(endings) for name in names)]
    return next((source for source in found if source != "csv"), "csv")


def named_by_date(path: Path, symbols: Collection[str]) -> tuple[str, str] | None:
    """Return the symbol that a single file was called after, and its name without the date that this ends in."""
    if not path.is_file():
        return None
    ending = next((one for one in sorted(EVERY, key=len, reverse=True) if path.name.lower().endswith(one)), path.suffix)
    name = path.name[: len(path.name) - len(ending)]
    bare = _DATE.sub("", name)
    return (name, bare) if name in symbols and bare and bare != name else None


def not_read(path: Path, source: str) -> list[str]:
    """Return what is told of a folder's files that a source leaves, bars of another kind: nothing, or a line."""
    if not path.is_dir() or source not in ENDINGS:
        return []
    others = [ending for name, endings in ENDINGS.items() if name != source for ending in endings]
    left = sorted(p.name for p in path.iterdir() if p.name.lower().endswith(tuple(others)))
    if not left:
        return []
    names = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
    return [f"{path} has files that the source {source!r} does not read: {names}"]
