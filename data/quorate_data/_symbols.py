"""Whose the bars of files are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

import quorate
from quorate_data._names import IDENTIFIERS, plain
from quorate_data._opened import PACKED
from quorate_data._paths import symbol_of, undated_names
from quorate_data._stamps import Stamps
from quorate_data._tables import Table
from quorate_data._text import near

ENDINGS = (".csv", *(f".csv{packed}" for packed in PACKED), ".parquet", ".pq")
SAME = 0.01  # of bars, that may stand twice where clocks go back


def where(tables: list[Table]) -> str:
    """Return the first file, and how many more there are."""
    return str(tables[0].path) if len(tables) == 1 else f"{tables[0].path} and {len(tables) - 1} more"


def name_symbols(tables: list[Table], symbol: str | None) -> list[Table]:
    """Return the tables, each with a symbol column: its own, the given name, or the file's name.

    Files whose names differ by a date alone, one after the other, are of one symbol.
    """
    bare = [i for i, table in enumerate(tables) if "symbol" not in table.frame]
    for table in tables:
        if "symbol" not in table.frame:
            continue
        if symbol is not None:
            raise quorate.DataError(
                f"{table.path}: data.symbol = {symbol!r} is for files without a symbol column, "
                "but this file has one; choose from it with data.symbols = [...]"
            )
        check_symbols(table)
    owner: dict[str, Path] = {}
    names = [symbol or symbol_of(tables[i].path, ENDINGS) for i in bare]
    for i, name, short in zip(bare, names, names if symbol else undated_names(names), strict=True):
        table = tables[i]
        if symbol is None and name in owner:
            raise quorate.DataError(
                f"{owner[name]} and {table.path} would both be the symbol {name!r}; rename one of them, or, if all "
                "files are of one symbol, set data.symbol"
            )
        owner[name] = table.path
        table.frame["symbol"] = short
        tables[i] = replace(table, undated=short if short != name else "")
    return tables


def keep_apart(tables: list[Table], stamps: list[Stamps]) -> None:
    """Give files their whole names back, where those that seemed to be parts of one symbol run side by side."""
    parts: dict[str, list[int]] = {}
    for i, table in enumerate(tables):
        if table.undated:
            parts.setdefault(table.undated, []).append(i)
    for places in parts.values():
        spans = sorted((stamps[i].utc.min(), stamps[i].utc.max()) for i in places)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            for i in places:
                tables[i].frame["symbol"] = symbol_of(tables[i].path, ENDINGS)


def check_symbols(table: Table) -> None:
    """Raise `DataError` where bars name no symbol, and take the spaces from around the names."""
    column = table.frame["symbol"]
    missing = (column.isna() | (column.astype("str") == "")).to_numpy()
    if missing.any():
        raise quorate.DataError(
            f"{table.at(column.index[int(missing.argmax())])}: there is no symbol",
            *table.wrong(missing, "symbol", "there must be a symbol"),
        )
    table.frame["symbol"] = column.astype("str").str.strip()


def choose(tables: list[Table], symbols: list[str]) -> list[Table]:
    """Return the bars of these symbols; `DataError` if there are none of one."""
    if not symbols:
        return tables
    known = {name for table in tables for name in table.frame["symbol"].unique()}
    for name in symbols:
        if name not in known:
            raise quorate.DataError(f"{where(tables)}: there are no bars of the symbol {name!r}{near(name, known)}")
    chosen = [replace(t, frame=t.frame[t.frame["symbol"].isin(symbols)].copy()) for t in tables]
    return [t for t in chosen if len(t.frame)]


def identified(table: Table) -> Table:
    """Return a table whose symbol is in a column of another name, where that tells bars of one stamp apart."""
    known = [name for word in IDENTIFIERS for name in table.others if plain(name) == word]
    varying = [name for name in known if table.others[name].nunique() > 1 and table.others[name].notna().all()]
    if not varying or "symbol" in table.frame:
        return table
    for name in varying:
        if _tells_apart(table, name):
            return replace(table, frame=table.frame.assign(symbol=table.others[name].astype("str").str.strip()))
    name, values = varying[0], table.others[varying[0]]
    first, other = values.iloc[0], values[values != values.iloc[0]].iloc[0]
    line = (
        f"{table.path}: {name!r} changes from {first!r} to {other!r}, and the "
        f'bars are read as those of one symbol; if they are not, data.columns = {{ symbol = "{name}" }}'
    )
    return replace(table, told=(*table.told, line))


def _tells_apart(table: Table, name: str) -> bool:
    """Whether stamps repeat, but hardly for one value of a column."""
    time = table.frame["time"]
    both = pd.DataFrame({"time": time, "name": table.others[name]})
    return bool(time.duplicated().mean() > SAME >= both.duplicated().mean())


def what_tells_apart(table: Table) -> str | None:
    """Return the column that has another value for each bar of one stamp; None, if there is none."""
    for name, values in table.others.items():
        repeated = values.dtype.kind != "f" and 1 < values.nunique() <= len(values) / 2
        if repeated and _tells_apart(table, name):
            return name
    return None
