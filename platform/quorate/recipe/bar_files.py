"""Files of bars, by what their names end with."""

from __future__ import annotations

from pathlib import Path

# Which source reads them.
ENDINGS = {
    "csv": (".csv", ".csv.gz"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".feather", ".arrow"),
    "excel": (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
}
EVERY = tuple(ending for endings in ENDINGS.values() for ending in endings)


def source_of(path: Path) -> str:
    """Return the source that reads a file, a pattern, or the files of a folder; ``csv``, where no name tells."""
    names = [p.name.lower() for p in path.iterdir()] if path.is_dir() else [path.name.lower()]
    found = [source for source, endings in ENDINGS.items() if any(name.endswith(endings) for name in names)]
    return next((source for source in found if source != "csv"), "csv")


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
