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
