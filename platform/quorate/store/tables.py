"""Small tables that a recipe holds, or names a file of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import DataError, near_misses, one_of
from quorate.store.parquet import read_parquet


def read_table(
    given: str | Sequence[Mapping[str, Any]], key: str, columns: Sequence[str], needed: Sequence[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the rows of a table, each with where it stands, for errors; an empty field is None.

    Parameters
    ----------
    given : str or sequence of mapping
        A CSV or Parquet file, or the rows.
    key : str
        Of the recipe, in ``[data]``.
    columns, needed : sequence of str
        All that there may be, and those that must be there.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks a column or has another.
    """
    if not isinstance(given, str):
        return [(f"data.{key}, row {n}", row) for n, row in enumerate(given, 1)]
    import pandas as pd

    where = f"data.{key}: {given}"
    path = Path(given).expanduser()
    try:
        if path.suffix in (".parquet", ".pq"):
            frame, line = read_parquet(path), "row"
        else:
            frame, line = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True), "line"
    except (OSError, ValueError) as e:
        raise DataError(f"{where}: cannot be read: {getattr(e, 'strerror', None) or e}") from e
    frame.columns = [str(name).strip().casefold() for name in frame.columns]
    for name in frame.columns:
        if name not in columns:
            near = near_misses(name, columns)
            raise DataError(f"{where}: unknown column {name!r}: a column must be one of {one_of(columns)}{near}")
    for name in needed:
        if name not in frame:
            raise DataError(f"{where}: there must be a column {name!r}; there are {', '.join(frame.columns)}")
    frame = frame.astype(object).where(frame.notna() & (frame != ""), None)
    first = 2 if line == "line" else 1  # the header is a line, too
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    return [(f"{where}, {line} {n}", row) for n, row in enumerate(rows, first)]
