"""A PostgreSQL server, asked by psycopg and answering in binary."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

import quorate
from quorate_data import _copied
from quorate_data._statement import Statement

if TYPE_CHECKING:
    import psycopg

END = 2  # bytes of what stands for a row after the last
CHUNK = 250_000  # rows whose fields are read at once
TRIES = 4  # of connecting, where the server is not ready or has no place left
CONNECT = 15  # seconds
BUSY = ("53300", "57P03")  # too many connections; starting up
HIDDEN = ("pg_catalog", "information_schema")


class PostgreSQL:
    """A connection that reads one state of the data, and can change nothing.

    Parameters
    ----------
    connection : psycopg.Connection
        In a transaction of its own.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._types: dict[str, int] = {}

    @property
    def version(self) -> str:
        """What the server is, e.g. ``PostgreSQL 17.5``."""
        number = self.connection.info.server_version
        return f"PostgreSQL {number // 10_000}.{number % 10_000}"

    @staticmethod
    def quoted(name: str) -> str:
        """Return a name as statements have it."""
        return '"' + name.replace('"', '""') + '"'

    def columns(self, rows: Statement) -> list[str]:
        """Return the names of the columns that something selectable has."""
        text, values = _rendered(Statement(("SELECT * FROM ",)) + rows + " LIMIT 0")
        with _told(), self.connection.cursor() as cursor:
            told = cursor.execute(text, values).description or []
        self._types = {column.name: column.type_code for column in told}
        return [column.name for column in told]

    def dated(self, column: str) -> bool:
        """Whether a column that `columns` told has stamps, so that dates can be compared with it."""
        return self._types[column] in _copied.STAMPS

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Return a few rows."""
        text, values = _rendered(statement)
        with _told(), self.connection.cursor() as cursor:
            return cursor.execute(text, values).fetchall()

    def tables(self) -> list[str]:
        """Return the tables and views that there are."""
        self.connection.rollback()  # what failed before has ended the transaction
        known = (
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
            f"{HIDDEN} ORDER BY 1, 2"
        )
        return [name if schema == "public" else f"{schema}.{name}" for schema, name in self.rows(Statement((known,)))]

    def fetch(self, names: Sequence[str], rows: Statement) -> pd.DataFrame:
        """Return columns of all rows, called by their number; `rows` is what follows ``FROM``."""
        types = [self._types[name] for name in names]
        sent = [(kind, "") if kind in _copied.READERS else _copied.SENT_AS.get(kind, _copied.OTHERS) for kind in types]
        chosen = ", ".join(f"{self.quoted(name)}{cast}" for name, (_, cast) in zip(names, sent, strict=True))
        text, values = _rendered(Statement((f"COPY (SELECT {chosen} FROM ",)) + rows + ") TO STDOUT (FORMAT BINARY)")
        with _told(), self.connection.cursor() as cursor, cursor.copy(text, values) as copy:
            parts = [_copied.columns(chunk, [kind for kind, _ in sent]) for chunk in _chunks(self.connection)]
            copy.read()
        if not parts:
            return pd.DataFrame({i: [] for i in range(len(names))})
        return pd.DataFrame(
            {i: pd.concat([part[i] for part in parts], ignore_index=True) for i in range(len(names))}, copy=False
        )


@contextmanager
def connected(url: str) -> Iterator[PostgreSQL]:
    """Yield a connection; what is not told of it is what libpq takes from its own files and variables.

    Raises
    ------
    DataError
        If psycopg is not installed, the address is none, or the server cannot be reached.
    """
    try:
        import psycopg
    except ImportError as e:
        raise quorate.DataError("data.source = \"postgresql\" needs psycopg: pip install 'quorate[postgresql]'") from e
    address = f"postgresql://{url.partition('://')[2]}" if url.startswith(("postgresql+", "postgres+")) else url
    options = {"application_name": "quorate", "connect_timeout": CONNECT}
    with _told("cannot connect: "):
        connection = _connect(psycopg, address, options)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield PostgreSQL(connection)
    finally:
        connection.close()


def _connect(psycopg: Any, address: str, options: dict[str, Any]) -> Any:
    for left in reversed(range(TRIES)):
        try:
            return psycopg.connect(address, **options)
        except psycopg.OperationalError as e:
            told = str(e)
            busy = e.sqlstate in BUSY or any(word in told for word in ("starting up", "too many clients", "refused"))
            if not left or not busy:
                raise
            time.sleep(0.25 * 2 ** (TRIES - 1 - left))
    raise AssertionError


def _chunks(connection: psycopg.Connection[Any]) -> Iterator[list[bytes]]:
    """Yield the rows of a copy that has begun, in parts."""
    import psycopg

    server, rows, first = connection.pgconn, [], True
    while True:
        size, data = server.get_copy_data(1)
        if size == 0:
            select.select([server.socket], [], [])
            server.consume_input()
            continue
        if size < 0:
            ended = server.get_result()
            assert ended is not None
            raise psycopg.errors.error_from_result(ended)
        if first:
            after = _copied.FLAGS + 4 + int.from_bytes(data[_copied.FLAGS : _copied.FLAGS + 4], "big")
            data, first = data[after:], False
        if len(data) == END:
            break
        rows.append(bytes(data))  # views would be looked through for garbage, again and again
        if len(rows) == CHUNK:
            yield rows
            rows = []
    if rows:
        yield rows


def _rendered(statement: Statement) -> tuple[Any, list[Any] | None]:
    text, values = statement.render(lambda _: "%s", lambda text: text.replace("%", "%%"))
    return (text, values) if values else (str(statement), None)  # without values psycopg takes it as it is


@contextmanager
def _told(what: str = "") -> Iterator[None]:
    """Tell in one line what the server says."""
    import psycopg

    failed = None
    try:
        yield
    except psycopg.Error as e:
        failed = e
    if failed is not None:
        raise quorate.DataError(f"PostgreSQL: {what}{_reason(failed)}") from None


def _reason(error: psycopg.Error) -> str:
    told = error.diag
    if told.message_primary is None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return next((line for line in reversed(lines) if ":" in line), lines[0] if lines else type(error).__name__)
    line = str(error).partition("\nLINE ")[2].partition("\n")[0]
    hint = told.message_hint or told.message_detail
    return told.message_primary + (f" (at line {line})" if line else "") + (f"; {hint}" if hint else "")
