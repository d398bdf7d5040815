"""Wide files: a column per symbol, and a file per field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import quorate
from quorate_data._names import PRICES
from quorate_data._numbers import numbers
from quorate_data._paths import find_files
from quorate_data._stamps import read_once
from quorate_data._tables import Table
from quorate_data._text import listed, near

if TYPE_CHECKING:
    from quorate_data._layout import Layout

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
    """Return the bars of files that have a field each: the rows, and categories, are those of the closes.

    Raises
    ------
    DataError
        If a file cannot be read, has a stamp twice, or none that the closes have.
    """
    tables = {}
    for field, file in files.items():
        own = replace(layout, each=field, categories=layout.categories if field == "close" else [])
        tables[field] = _long(read(file, own), field, layout)
    closes = tables.pop("close")
    frame = closes.frame
    told = [*closes.told, *(line for table in tables.values() for line in table.told)]
    for field, table in tables.items():
        other = numbers(table, layout.decimal)[0].assign(time=table.frame["time"])
        if (again := other.duplicated(["symbol", "time"])).any():
            raise quorate.DataError(f"{table.at(other.index[int(again.argmax())])}: the stamp stands twice")
        if not frame["time"].isin(other["time"].unique()).any():
            raise quorate.DataError(
                f"{table.path}: none of its stamps is one of {closes.path}: {table.frame['time'].iloc[0]!s} and "
                f"{frame['time'].iloc[0]!s} are the first; write the stamps of all files alike"
            )
        frame[field] = frame.merge(other, "left", ["symbol", "time"])[field].to_numpy()
        lacking = ~frame["symbol"].isin(other["symbol"].unique())
        if lacking.any():
            instead = "no volume is known of them" if field == "volume" else "their close is read in its place"
            told.append(
                f"{table.path}: there is no column for {listed(frame['symbol'][lacking].unique(), 3)}: {instead}"
            )
            if field in PRICES:
                frame[field] = frame[field].where(~lacking, frame["close"])
    return [replace(closes, frame=_filled(frame), told=(*told, *_only_closes(files["close"], files)))]


def with_closes(tables: Sequence[Table], layout: Layout) -> list[Table]:
    """Return bars of closes alone, in which all prices are the close."""
    table = _long(tables, "close", layout)
    told = (*table.told, *_only_closes(table.path, ("close",)))
    return [replace(table, frame=_filled(table.frame), told=told)]


def _long(tables: Sequence[Table], field: str, layout: Layout) -> Table:
    """Return a table whose columns are symbols as one with a row per symbol and stamp, where there is a value."""
    table, *_ = tables
    columns = table.frame.columns.drop("time")
    values = table.frame[columns].to_numpy().T
    there = pd.notna(values) & (values != "")
    symbol, row = np.nonzero(there)
    names = columns.to_numpy()[symbol]
    labels = [f"{label}, {name}" for label, name in zip(table.frame.index.take(row), names, strict=True)]
    index = pd.Index(labels, dtype=object)
    frame = pd.DataFrame(
        {"time": read_once(table, layout.date_format).array.take(row), field: values[there], "symbol": names},
        index=index,
    )
    categories = {name: texts.iloc[row].set_axis(index) for name, texts in table.categories.items()}
    return replace(table, frame=frame, others={}, categories=categories)


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{price: frame["close"] for price in PRICES if price not in frame})


def _only_closes(path: Path, fields: Mapping[str, Path] | Sequence[str]) -> tuple[str, ...]:
    """Return what is to be said where a price is the close."""
    prices = [name for name in PRICES if name not in fields]
    if not prices:
        return ()
    volume = "" if "volume" in fields else ", and there is no volume"
    fill = '; trade at closes with backtest.fill = "close"' if "open" in prices else ""
    return (f"{path}: {listed(prices)} of all bars are the close{volume}{fill}",)
