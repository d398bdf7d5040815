"""Any other database, asked by SQLAlchemy or by an ADBC driver."""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

import quorate
from quorate_data._statement import Statement
from quorate_data._text import near

CHUNK = 100_000  # rows at a time
ADBC = re.compile(r"adbc\+(?P<driver>\w+):(?P<rest>.*)", re.DOTALL)
FILES = ("sqlite", "duckdb")


class Alchemy:
    """A connection of SQLAlchemy.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Never committed.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @property
    def version(self) -> str:
        """What the server is."""
        told = self.connection.dialect.server_version_info or ()
        return " ".join([self.connection.dialect.name, ".".join(map(str, told))]).strip()

    def quoted(self, name: str) -> str:
        """Return a name as statements have it."""
        quoted: str = self.connection.dialect.identifier_preparer.quote_identifier(name)
        return quoted

    def columns(self, rows: Statement) -> list[str]:
        """Return the names of the columns that something selectable has."""
        answer = self._run(Statement(("SELECT * FROM ",)) + rows + " WHERE 1 = 0")
        return [str(column) for column in answer.keys()]  # noqa: SIM118

    def dated(self, column: str) -> bool:
        """Return False: what a database calls a date may be a text."""
        return False

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Return a few rows."""
        return [tuple(row) for row in self._run(statement)]

    def tables(self) -> list[str]:
        """Return the tables and views that there are."""
        from sqlalchemy import inspect

        found = inspect(self.connection)
        return sorted((*found.get_table_names(), *found.get_view_names()))

    def fetch(self, names: Sequence[str], rows: Statement) -> pd.DataFrame:
        """Return columns of all rows, called by their number; `rows` is what follows ``FROM``."""
        chosen = ", ".join(map(self.quoted, names))
        answer = self._run(Statement((f"SELECT {chosen} FROM ",)) + rows)
        parts: list[list[Any]] = [[] for _ in names]
        with _told():
            for chunk in answer.partitions(CHUNK):
                for part, column in zip(parts, zip(*chunk, strict=True), strict=True):
                    part += column
        return pd.DataFrame({i: plain(pd.Series(part)) for i, part in enumerate(parts)}, copy=False)

    def _run(self, statement: Statement) -> Any:
        from sqlalchemy import text

        told, values = statement.render(lambda i: f":v{i}", lambda text: re.sub(r"(?=[:\\])", r"\\", text))
        with _told():
            return self.connection.execute(text(told), {f"v{i}": value for i, value in enumerate(values)})


class Adbc:
    """A connection of an ADBC driver, which answers in Arrow.

    Parameters
    ----------
    connection : adbc_driver_manager.dbapi.Connection
        Never committed.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @property
    def version(self) -> str:
        """What the server is."""
        told = self.connection.adbc_get_info()
        return f"{told.get('vendor_name', 'ADBC')} {told.get('vendor_version', '')}".strip()

    @staticmethod
    def quoted(name: str) -> str:
        """Return a name as statements have it."""
        return '"' + name.replace('"', '""') + '"'

    def columns(self, rows: Statement) -> list[str]:
        """Return the names of the columns that something selectable has."""
        return list(self._run(Statement(("SELECT * FROM ",)) + rows + " WHERE 1 = 0").column_names)

    def dated(self, column: str) -> bool:
        """Return False: what a database calls a date may be a text."""
        return False

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Return a few rows."""
        return list(zip(*self._run(statement).to_pydict().values(), strict=True))

    def tables(self) -> list[str]:
        """Return the tables and views that there are."""
        found = self.connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        schemas = [schema for catalog in found for schema in catalog["catalog_db_schemas"] or []]
        return sorted(table["table_name"] for schema in schemas for table in schema["db_schema_tables"] or [])

    def fetch(self, names: Sequence[str], rows: Statement) -> pd.DataFrame:
        """Return columns of all rows, called by their number; `rows` is what follows ``FROM``."""
        chosen = ", ".join(map(self.quoted, names))
        table = self._run(Statement((f"SELECT {chosen} FROM ",)) + rows)
        return pd.DataFrame({i: plain(table.column(i).to_pandas()) for i in range(len(names))}, copy=False)

    def _run(self, statement: Statement) -> Any:
        numbered = "postgres" in self.version.lower()
        told, values = statement.render(lambda i: f"${i + 1}" if numbered else "?")
        with _told(), closing(self.connection.cursor()) as cursor:
            cursor.execute(told, values or None)
            return cursor.fetch_arrow_table()


@contextmanager
def connected(url: str) -> Iterator[Alchemy | Adbc]:
    """Yield a connection to what a URL names: SQLAlchemy's, or ``adbc+DRIVER:`` and the driver's own.

    Raises
    ------
    DataError
        If the address is none, the library for it is missing, or there is no such database.
    """
    if found := ADBC.fullmatch(url):
        with _adbc(found["driver"], found["rest"]) as adbc:
            yield adbc
        return
    from sqlalchemy import create_engine, make_url, pool
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    told = ""
    try:
        address = make_url(url)
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address, poolclass=pool.NullPool)
    except NoSuchModuleError:
        told = f"SQLAlchemy has no dialect {url.partition('://')[0]!r}; install the package that brings it"
    except ImportError as e:
        told = f"the driver of {url.partition('://')[0]!r} is missing: pip install {e.name}"
    except ArgumentError:
        told = 'it must be the address of a database, e.g. "sqlite:///bars.db" or "adbc+sqlite:///bars.db"'
    if told:
        raise quorate.DataError(f"data.url: {told}")
    if engine.dialect.name == "sqlite":
        _check_there(address.database or "")
    with _told("cannot connect: "):
        connection = engine.connect().execution_options(stream_results=True)
    with closing(connection):
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        elif engine.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        yield Alchemy(connection)


@contextmanager
def _adbc(driver: str, rest: str) -> Iterator[Adbc]:
    try:
        importlib.import_module("pyarrow")
        module = importlib.import_module(f"adbc_driver_{driver}.dbapi")
    except ImportError:
        raise quorate.DataError(
            f"data.url: the ADBC driver {driver!r} is missing: pip install adbc-driver-{driver} pyarrow"
        ) from None
    if driver in FILES:
        rest = rest.removeprefix("///")
        _check_there(rest)
    else:
        rest = f"{driver}:{rest}"
    with _told("cannot connect: "):
        connection = module.connect(rest)
    with closing(connection):
        yield Adbc(connection)


def _check_there(database: str) -> None:
    """Refuse a file that is not there: opening it would make an empty one."""
    path = Path(database)
    if not database or database == ":memory:":
        raise quorate.DataError("data.url must name the file of a database; it names one in memory, which is empty")
    if not database.startswith("file:") and not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise quorate.DataError(f"data.url: there is no file {database}{near(path.name, beside)}")


@contextmanager
def _told(what: str = "") -> Iterator[None]:
    """Tell in one line what a database says; the errors of its driver also tell the statement's values."""
    reason = ""
    try:
        yield
    except quorate.QuorateError:
        raise
    except Exception as e:  # each driver has errors of its own
        reason = next(iter(str(getattr(e, "orig", None) or e).strip().splitlines()), "") or type(e).__name__
    if reason:
        raise quorate.DataError(f"the database: {what}{reason}") from None


def plain(column: pd.Series) -> pd.Series:
    """Return a column of Python's own values as numbers, stamps or texts."""
    if column.dtype != object:
        return column
    first = column[column.first_valid_index()] if column.notna().any() else None
    if isinstance(first, Decimal):
        return column.astype("float64")
    if isinstance(first, dt.date):
        try:
            return pd.Series(pd.to_datetime(column, utc=getattr(first, "tzinfo", None) is not None))
        except (ValueError, TypeError, OverflowError):
            return column.astype("str")
    return column
