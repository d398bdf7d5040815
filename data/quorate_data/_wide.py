"""Wide files: a column per symbol, and a file per field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import quorate
from quorate_data._names import PRICES
from quorate_data._numbers import numbers
from quorate_data._paths import find_files
from quorate_data._tables import Table
from quorate_data._text import listed, near

if TYPE_CHECKING:
    from quorate_data.files import Layout

FIELDS = (*PRICES, "volume")


def check_fields(layout: Layout) -> None:
    """Raise `DataError` for what cannot be asked of wide files."""
    if not layout.fields and not layout.each:
        return
    for name in layout.fields:
        if name not in FIELDS:
            raise quorate.DataError(
                f"data.fields: {name!r} is no field of bars; it must be one of {listed(FIELDS)}{near(name, FIELDS)}"
            )
    if layout.fields and "close" not in layout.fields:
        raise quorate.DataError(
            "data.fields must say which file has the closes, e.g. "
            f'data.fields = {{ close = "close.csv" }}; it was {dict(layout.fields)!r}'
        )
    named = {
        "symbol": layout.symbol is not None,
        "adjusted": layout.adjusted,
        "columns": bool({*layout.columns} - {"time"}),
    }
    for option, given in named.items():
        if given:
            raise quorate.DataError(
                f"data.{option} has no use where each column is a symbol (data.{'fields' if layout.fields else 'wide'}"
                f"): leave it out{', but for time' if option == 'columns' else ''}"
            )


def files_of(path: str | list[str], fields: Mapping[str, str], books: bool) -> dict[str, Path]:
    """Return the file of each field, within the folder (or of `books` also the workbook) that `path` names.

    Raises
    ------
    DataError
        If it names none, or there is no such file.
    """
    where = Path(path).expanduser() if isinstance(path, str) else None
    if where is not None and where.is_dir():
        return {field: find_files(where / name, ())[0] for field, name in fields.items()}
    if where is not None and books and where.is_file():
        return {field: where / name for field, name in fields.items()}
    raise quorate.DataError(f"data.fields names files of one folder, which data.path must name; it was {path!r}")


def join_fields(files: Mapping[str, Path], layout: Layout, read: Callable[[Path, Layout], list[Table]]) -> list[Table]:
    """Return a table per symbol of files that have a field each: the rows are those of the closes.

    Raises
    ------
    DataError
        If a file cannot be read, has a stamp twice, or none that the closes have.
    """
    found: dict[str, dict[str, Table]] = {}
    for field, file in files.items():
        tables = read(file, replace(layout, each=field))
        found[field] = {str(table.frame["symbol"].iloc[0]): table for table in tables}
    closes = found.pop("close")
    joined = [_joined(name, table, found, layout) for name, table in closes.items()]
    told = [line for tables in found.values() for table in tables.values() for line in table.told]
    told += [line for line in (_lacking(files, found, list(closes)), _only_closes(files["close"], files)) if line]
    return [replace(joined[0], told=(*joined[0].told, *told)), *joined[1:]]


def with_closes(tables: Sequence[Table]) -> list[Table]:
    """Return tables of closes alone, in which all prices are the close."""
    for table in tables:
        _fill(table.frame)
    told = _only_closes(tables[0].path, ("close",))
    return [replace(tables[0], told=(*tables[0].told, told)), *tables[1:]]


def _fill(frame: pd.DataFrame) -> None:
    for price in PRICES:
        if price not in frame:
            frame[price] = frame["close"]


def _joined(name: str, closes: Table, found: Mapping[str, Mapping[str, Table]], layout: Layout) -> Table:
    """Return the bars of a symbol; of fields without it the price is the close, and the volume is not known."""
    frame = closes.frame.copy()
    for field, tables in found.items():
        if (other := tables.get(name)) is None:
            continue
        values = numbers(other, layout.decimal)[0][field].set_axis(pd.Index(other.frame["time"]))
        if (again := values.index.duplicated()).any():
            raise quorate.DataError(f"{other.at(other.frame.index[int(again.argmax())])}: the stamp stands twice")
        frame[field] = values.reindex(frame["time"]).to_numpy()
        if frame[field].isna().all():
            raise quorate.DataError(
                f"{other.path}: no stamp of {name} is one of {closes.path}: {other.frame['time'].iloc[0]!s} and "
                f"{frame['time'].iloc[0]!s} are the first; write the stamps of all files alike"
            )
    _fill(frame)
    return replace(closes, frame=frame)


def _lacking(files: Mapping[str, Path], found: Mapping[str, Mapping[str, Table]], symbols: Sequence[str]) -> str:
    told = [
        f"{files[field]} has no column for {listed(missing, 3)}"
        for field, tables in found.items()
        if (missing := [name for name in symbols if name not in tables])
    ]
    return "; ".join(told) + ": their closes are read in its place, or no volume" if told else ""


def _only_closes(path: Path, fields: Mapping[str, Path] | Sequence[str]) -> str:
    """Return what is to be said where a price is the close, or there is no volume."""
    prices = [name for name in PRICES if name not in fields]
    if not prices:
        return ""
    volume = "" if "volume" in fields else ", and there is no volume"
    fill = '; trade at closes with backtest.fill = "close"' if "open" in prices else ""
    return f"{path}: {listed(prices)} of all bars are the close{volume}{fill}"
