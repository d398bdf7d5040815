"""Bars from databases: PostgreSQL, and whatever SQLAlchemy or ADBC has a driver for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

import quorate
from quorate_data import _postgresql, _sql
from quorate_data._columns import Part, identifiers, split, with_categories
from quorate_data._layout import Layout, make_layout
from quorate_data._options import options_of
from quorate_data._stamps import UNITS
from quorate_data._statement import Statement, Value, joined, parsed, values
from quorate_data._symbols import identified
from quorate_data._tables import Table, tables_of
from quorate_data._text import near
from quorate_data.files import csv, load

BEFORE = dt.timedelta(days=35)  # a stamp may stand before its session: that of a month, with its first day
AFTER = dt.timedelta(days=4)  # or after it, in another zone
KNOWN = 10_000  # symbols that are looked through for one like that which is not there


class Database(Protocol):
    """What the doors ask of a connection."""

    @property
    def version(self) -> str: ...  # noqa: D102
    def quoted(self, name: str) -> str: ...  # noqa: D102
    def columns(self, rows: Statement) -> list[str]: ...  # noqa: D102
    def dated(self, column: str) -> bool: ...  # noqa: D102
    def rows(self, statement: Statement) -> list[tuple[Any, ...]]: ...  # noqa: D102
    def tables(self) -> list[str]: ...  # noqa: D102
    def fetch(self, names: Sequence[str], rows: Statement) -> pd.DataFrame: ...  # noqa: D102


@dataclass(frozen=True)
class Asked:
    """What is wanted of a database; see `postgresql`."""

    table: str
    query: str
    parameters: Mapping[str, Any]
    since: dt.date | None
    until: dt.date | None

    def __post_init__(self) -> None:
        if bool(self.table) == bool(self.query):
            raise quorate.DataError(
                "data.table or data.query must say what is read, one of the two; "
                f"{'both were given' if self.table else 'neither was given'}"
            )
        if self.table and self.parameters:
            raise quorate.DataError("data.parameters are values of data.query, and there is none: leave them out")

    @property
    def path(self) -> Path:
        """What messages call the rows."""
        return Path(f"the table {self.table}" if self.table else "data.query")

    def rows(self, database: Database) -> Statement:
        """Return what follows ``FROM``."""
        if self.table:
            return Statement((".".join(map(database.quoted, self.table.split("."))),))
        return Statement(("(",)) + parsed(self.query, self.parameters) + "\n) AS bars"


_NOT_OF_ROWS = ("path", "sort", "separator", "skip_rows", "wide", "fields", "storage_options", "home")


@options_of(csv, *_NOT_OF_ROWS, endings=("", ""))
def postgresql(
    url: str,
    table: str = "",
    query: str = "",
    parameters: dict[str, Any] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    **options: Any,
) -> quorate.Bars:
    """Read bars from a table, a view or a query of a PostgreSQL server.

    Parameters
    ----------
    url : str
        The server and its database, ``postgresql://USER:${PGPASSWORD}@HOST/DATABASE``; or ``service=NAME``, a section
        of the service file (``~/.pg_service.conf`` or ``PGSERVICEFILE``). What it does not say is taken from the
        variables ``PGHOST``, ``PGUSER``, ... and ``~/.pgpass``.
    table : str
        A table or a view, also ``SCHEMA.TABLE``; or else `query`.
    query : str
        A statement that selects the bars, whose values stand as names: ``... WHERE market = :market``.
    parameters : dict
        The values that `query` names, sent beside its text; a list stands for several, as in ``IN :names``.
    columns : dict, optional
        Our name to the table's, e.g. ``{close = "settle"}``, for columns that are called otherwise.
    symbol : str, optional
        Name of the symbol of rows without a column that says it; the table's name otherwise.
    symbols : list of str, optional
        Ask for these only.

    Raises
    ------
    DataError
        Naming the row by its symbol and stamp, or what the database says.
    """
    asked = Asked(table, query, parameters or {}, since, until)
    return _read(_postgresql.connected(url), asked, options)


@options_of(postgresql, endings=("", ""))
def sql(
    url: str,
    table: str = "",
    query: str = "",
    parameters: dict[str, Any] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    **options: Any,
) -> quorate.Bars:
    """Read bars from a table, a view or a query of any database that SQLAlchemy or ADBC has a driver for.

    Parameters
    ----------
    url : str
        As SQLAlchemy has it, ``sqlite:///bars.db`` or ``mysql+pymysql://USER:${PASSWORD}@HOST/DATABASE``; or, for an
        ADBC driver, ``adbc+sqlite:///bars.db``.
    """
    asked = Asked(table, query, parameters or {}, since, until)
    return _read(_sql.connected(url), asked, options)


def _read(connecting: AbstractContextManager[Database], asked: Asked, options: Mapping[str, Any]) -> quorate.Bars:
    layout = make_layout(**options, sort=True, wide=False, fields=None, storage_options=None)
    with connecting as database:
        rows = asked.rows(database)
        header = _header(database, asked, rows)
        parts = split(asked.path, header, [], layout.columns, layout.adjusted)
        parts = with_categories(asked.path, header, parts, layout.categories)
        known = identifiers(header)
        parts = [replace(part, others=[place for place in part.others if place in known]) for part in parts]
        rows += _where(database, asked, layout, header, parts, rows)
        places = sorted({place for part in parts for place in _places(part)})
        raw = database.fetch([header[place] for place in places], rows).set_axis(places, axis=1)
        _check_some(database, asked, layout, header, parts, raw)
        server = database.version
    raw.index = pd.RangeIndex(1, len(raw) + 1)
    bars = load(
        [asked.path],
        layout,
        lambda path: [_whose(table, asked, layout) for table in tables_of(path, raw, parts, "row", "", header)],
    )
    chosen = ", ".join(header[place] for place in places)
    read = {"server": server, "statement": f"SELECT {chosen} FROM {rows}", "rows": len(raw)}
    return replace(bars, read=(read,))


def _header(database: Database, asked: Asked, rows: Statement) -> list[str]:
    try:
        return database.columns(rows)
    except quorate.DataError:
        if asked.table and asked.table not in (known := database.tables()):
            raise quorate.DataError(
                f"data.table: the database has no table {asked.table!r}{near(asked.table, known)}"
            ) from None
        raise


def _places(part: Part) -> Iterator[int]:
    """Yield the columns that are read."""
    yield from part.places.values()
    yield from part.times
    yield from part.beside_times
    yield from part.beside.values()
    yield from part.others
    yield from part.categories.values()


def _where(
    database: Database, asked: Asked, layout: Layout, header: Sequence[str], parts: Sequence[Part], rows: Statement
) -> Statement:
    """Return which rows are asked for, as far as the database can tell them apart."""
    wanted = []
    place = parts[0].places.get("symbol") if len(parts) == 1 else None
    if layout.symbols and place is not None:
        wanted.append(Statement((f"{database.quoted(header[place])} IN ", *values(layout.symbols))))
    times = {*parts[0].times, *parts[0].beside_times}
    if len(times) == 1 and (asked.since or asked.until):
        name = header[times.pop()]
        column = database.quoted(name)
        first = last = None
        if not database.dated(name):
            first, last = database.rows(Statement((f"SELECT min({column}), max({column}) FROM ",)) + rows)[0]
        for sign, day in ((">=", asked.since and asked.since - BEFORE), ("<", asked.until and asked.until + AFTER)):
            if day and (edge := day if database.dated(name) else edge_of(day, first, last)) is not None:
                wanted.append(Statement((f"{column} {sign} ", Value(edge))))
    return Statement((" WHERE ",)) + joined(wanted, " AND ") if wanted else Statement(())


def edge_of(day: dt.date, first: Any, last: Any) -> Any:
    """Return a day as stamps between two are written; None, if that cannot be told."""
    both = (first, last)
    if all(isinstance(one, dt.datetime) for one in both):
        return dt.datetime.combine(day, dt.time(), first.tzinfo)
    if all(isinstance(one, dt.date) for one in both):
        return day
    if all(isinstance(one, str) for one in both):
        for pattern, form in ((r"\d{4}-\d\d-\d\d(\D.*)?", "%Y-%m-%d"), (r"\d{8}", "%Y%m%d")):
            if all(re.fullmatch(pattern, one) for one in both):
                return day.strftime(form)
    if all(isinstance(one, int | float | Decimal) for one in both):
        if all(19_000_101 <= one < 21_000_101 for one in both):
            return int(day.strftime("%Y%m%d"))
        units = [int(np.searchsorted(UNITS, int(one), side="right")) for one in both]
        if units[0] == units[1] and first >= 10**8:
            return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * 1000 ** units[0]
    return None


def _check_some(
    database: Database, asked: Asked, layout: Layout, header: Sequence[str], parts: Sequence[Part], raw: pd.DataFrame
) -> None:
    """Say whose bars there are none of, and which there are."""
    place = parts[0].places.get("symbol")
    if layout.symbols and place is not None and len(parts) == 1:
        there = {str(name).strip() for name in raw[place].unique()}
        if lacking := [name for name in layout.symbols if name not in there]:
            column = database.quoted(header[place])
            every = Statement((f"SELECT DISTINCT {column} FROM ",)) + asked.rows(database)
            known = [str(row[0]) for row in database.rows(every)[:KNOWN]]
            within = " in that span" if lacking[0] in known else ""
            raise quorate.DataError(
                f"{asked.path}: there are no bars of the symbol {lacking[0]!r}{within}"
                f"{near(lacking[0], known) if not within else ''}"
            )
    if not len(raw):
        span = f" from {asked.since or 'the first'} to {asked.until or 'the last'}"
        raise quorate.DataError(f"{asked.path}: there are no rows{span if asked.since or asked.until else ''}")


def _whose(table: Table, asked: Asked, layout: Layout) -> Table:
    """Return a table whose rows are told by what they hold, and are of some symbol."""
    table = replace(identified(table), keyed=True)
    if "symbol" in table.frame or layout.symbol:
        return table
    if not asked.table:
        raise quorate.DataError(
            "data.query gives no column that says whose the bars are: select one as symbol, or say it with data.symbol"
        )
    return replace(table, frame=table.frame.assign(symbol=asked.table.rpartition(".")[2]))
