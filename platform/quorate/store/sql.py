"""Views over stored rows and Parquet files, and one statement that is asked of them: by DuckDB, and nothing else.

Three doors are shut one behind the other. The statement is read first, and may do nothing but read the views that it
names (`quorate.store.statement`). The views are made, of these alone. Then DuckDB is closed: it reaches no file but
those of the views, loads nothing, sees nothing of Python, keeps nothing on a disk, and takes no setting any more.
"""

from __future__ import annotations

import glob
import json
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from quorate.errors import RecipeError, StoreError
from quorate.store.files import replacing
from quorate.store.statement import refused, views_of

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

T = TypeVar("T")

MEMORY = 2 << 30  # bytes that an answer may take
STEP = 0.1  # seconds between two looks at the clock
GRACE = 1.0  # seconds in which what is interrupted may end by itself
CHUNK = 10_000  # rows that are fetched at once
NUMBERS = {"INT32", "INT64", "FLOAT", "DOUBLE"}


@dataclass(frozen=True)
class View:
    """What a view is made of: rows, or Parquet files.

    Parameters
    ----------
    types : mapping of str to str
        Its columns, in their order, and the type of each; what rows or files have more is DOUBLE.
    rows : sequence of mapping
        Plain data; a key that a row lacks is NULL.
    files : sequence of Path
        ``RUN/PART/NAME.parquet``: the column ``run`` is the name of the folder; a column that a file lacks is NULL.
    change : mapping of str to str
        Expressions for columns that are not as in the file, by column.
    renamed : collection of str
        Columns of files that only such expressions read.
    """

    types: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]] = ()
    files: Sequence[Path] = ()
    change: Mapping[str, str] = field(default_factory=dict)
    renamed: Collection[str] = ()


class Column(NamedTuple):
    """A column of an answer: its name, and its type as DuckDB writes it."""

    name: str
    type: str


class Answer:
    """What a statement came to.

    Parameters
    ----------
    database : Database
        What was asked; once.
    text : str
        The statement.
    """

    def __init__(self, database: Database, text: str) -> None:
        self._database, self._text = database, text
        self.columns: list[Column] = []

    def rows(self, most: int = 0) -> Iterator[tuple[Any, ...]]:
        """Ask, and return the rows one by one, at most so many where `most` is not 0; then `columns` is known."""
        connection = self._database.connection
        self._database.within(lambda: connection.execute(self._text))
        self.columns = [Column(name, str(kind)) for name, kind, *_ in connection.description or ()]
        return self._fetched(most or sys.maxsize)

    def _fetched(self, left: int) -> Iterator[tuple[Any, ...]]:
        connection = self._database.connection
        while left:
            chunk = self._database.within(partial(connection.fetchmany, min(left, CHUNK)))
            if not chunk:
                return
            yield from chunk
            left -= len(chunk)

    def frame(self) -> pd.DataFrame:
        """Return all rows as a DataFrame; times are UTC."""

        def fetched() -> pd.DataFrame:
            with warnings.catch_warnings():
                # DuckDB calls pandas in a way that pandas is about to drop; its users cannot help it.
                warnings.simplefilter("ignore", DeprecationWarning)
                return self._database.connection.execute(self._text).df()

        return self._database.within(fetched)

    def write(self, path: Path, form: str) -> None:
        """Write all rows to a file, as ``parquet`` or ``csv``; it was named when the database was closed."""
        place = str(self._database.outputs[path])

        def written() -> None:
            relation = self._database.connection.query(self._text)
            if form == "parquet":
                relation.write_parquet(place, compression="zstd")
            else:
                relation.write_csv(place)

        self._database.within(written)


class Database:
    """A database in memory that is there for one statement; a context manager.

    Parameters
    ----------
    seconds : float
        After which a statement is given up; 0: never.
    memory : int
        Bytes that it may take.
    """

    def __init__(self, seconds: float = 0, memory: int = MEMORY) -> None:
        self.outputs: dict[Path, Path] = {}
        self._until = time.monotonic() + seconds if seconds else None
        self._seconds, self._memory = seconds, memory
        self._files: list[str] = []
        self._stuck = False

    def __enter__(self) -> Database:
        import duckdb

        self.connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{self._memory >> 20}MiB",
                "temp_directory": "",
                "python_enable_replacements": False,
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "allow_community_extensions": False,
                "allow_persistent_secrets": False,
            },
        )
        self.connection.execute("SET TimeZone = 'UTC'")
        return self

    def __exit__(self, *_: object) -> None:
        if not self._stuck:
            self.connection.close()

    def views_of(self, text: str, known: Sequence[str]) -> list[str]:
        """Return the views that a statement reads; see `quorate.store.statement.views_of`."""
        return views_of(self.connection, text, known)

    def define(self, name: str, view: View) -> list[tuple[Path, str]]:
        """Make a view; return the files that could not be among it, and why."""
        import duckdb

        try:
            if not view.files:
                self._of_rows(name, view)
                return []
            found, left_out = self._readable(view)
            self._of_files(name, view, found)
        except duckdb.Error as e:
            raise StoreError(f"cannot make the view {name}: {str(e).splitlines()[0]}") from e
        return left_out

    def close(self, outputs: Mapping[Path, Path]) -> None:
        """Shut all doors but those to the files of the views, and those that are to be written, to where each says."""
        self.outputs = dict(outputs)
        allowed = [*self._files, *(_plain(path) for path in self._files), *map(str, self.outputs.values())]
        allowed += [_plain(path) for path in self.outputs.values()]
        run = self.connection.execute
        run(f"SET allowed_paths = [{', '.join(map(_quoted, dict.fromkeys(allowed)))}]")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")

    def within(self, work: Callable[[], T]) -> T:
        """Return what some work of DuckDB comes to; Ctrl-C, and the end of its time, are heard meanwhile.

        Raises
        ------
        RecipeError
            If DuckDB refuses it, or its time or memory is not enough.
        """
        import duckdb

        came: list[T] = []
        failed: list[BaseException] = []

        def worked() -> None:
            try:
                came.append(work())
            except BaseException as e:
                failed.append(e)

        # A function may take minutes for a single value, in which DuckDB hears nothing.
        thread = threading.Thread(target=worked, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(STEP)
                if self._until is not None and time.monotonic() > self._until and thread.is_alive():
                    told = f"the statement was given up after {self._seconds:g} s"
                    raise RecipeError(f"{told}: ask for less, or give it a longer timeout")
        except BaseException:
            self.connection.interrupt()
            self._stuck = True  # even where the call ends, what it began may go on
            thread.join(GRACE)
            raise
        for error in failed:
            if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
                raise RecipeError(
                    f"the answer needs more than the {self._memory >> 30} GiB of memory that it may take: ask for "
                    "less; or quorate export, and read the files with DuckDB itself"
                ) from error
            if isinstance(error, duckdb.IOException):
                raise StoreError(refused(error)) from error
            if isinstance(error, duckdb.Error):
                raise RecipeError(refused(error)) from error
            raise error
        return came[0]

    def _of_rows(self, name: str, view: View) -> None:
        types = _with(view.types, (key for row in view.rows for key in row))
        columns = [
            f"unnest(from_json(?, {_quoted(json.dumps([kind]))})) AS {_named(column)}" for column, kind in types.items()
        ]
        texts = (json.dumps([row.get(column) for row in view.rows], ensure_ascii=False) for column in types)
        values = [text.encode(errors="replace").decode() for text in texts]  # no halves of characters
        self.connection.execute(f"CREATE TABLE {_named(name)} AS SELECT {', '.join(columns)}", values)

    def _readable(self, view: View) -> tuple[dict[Path, dict[str, str]], list[tuple[Path, str]]]:
        """Return the columns of each file, and the files that are no Parquet or have columns of other kinds."""
        import duckdb

        ask = "SELECT file_name, name, type FROM parquet_schema([{}]) WHERE num_children IS NULL"
        found: dict[Path, dict[str, str]] = {path: {} for path in view.files}
        left_out: list[tuple[Path, str]] = []
        try:
            told = self.connection.execute(ask.format(", ".join(_quoted(_plain(p)) for p in found))).fetchall()
        except duckdb.Error:
            told = []
            for path in view.files:
                try:
                    told += self.connection.execute(ask.format(_quoted(_plain(path)))).fetchall()
                except duckdb.Error as e:
                    left_out.append((path, str(e).splitlines()[0]))
        for file, name, kind in told:
            found[Path(file)][name] = kind
        for path, columns in found.items():
            for name in view.renamed:
                columns.pop(name, None)
            odd = [name for name, kind in columns.items() if not _fits(kind, view.types.get(name, "DOUBLE"))]
            odd += [name for name in columns if name.lower() == "filename"]  # which DuckDB adds itself
            if odd and name_of(path) not in {name_of(one) for one, _ in left_out}:
                left_out.append((path, f"its column {odd[0]!r} is {columns[odd[0]]}"))
        gone = {path for path, _ in left_out}
        return {path: columns for path, columns in found.items() if path not in gone}, left_out

    def _of_files(self, name: str, view: View, found: Mapping[Path, Mapping[str, str]]) -> None:
        there = dict.fromkeys(column for columns in found.values() for column in columns)
        columns = []
        for column, kind in _with(view.types, there).items():
            if column == "run":
                told = "parse_path(filename)[-3]"
            elif column in view.change and found:
                told = view.change[column]
            else:
                told = _named(column) if column in there else "NULL"
            columns.append(f"CAST({told} AS {kind}) AS {_named(column)}")
        if not found:
            nothing = ", ".join(f"CAST(NULL AS {kind}) AS {_named(column)}" for column, kind in view.types.items())
            self.connection.execute(f"CREATE VIEW {_named(name)} AS SELECT {nothing} WHERE false")
            return
        files = [str(path) for path in found]
        self._files += files
        listed = ", ".join(_quoted(_plain(file)) for file in files)
        read = f"read_parquet([{listed}], union_by_name = true, filename = true, hive_partitioning = false)"
        self.connection.execute(f"CREATE VIEW {_named(name)} AS SELECT {', '.join(columns)} FROM {read}")


@contextmanager
def written(paths: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """Yield where files are written until all of them take their places at once."""
    if not paths:
        yield {}
        return
    first, *rest = paths
    with replacing(first) as temporary, written(rest) as others:
        yield {first: temporary, **others}


def name_of(path: Path) -> str:
    """Return the run that a file is of, its part and its name."""
    return "/".join(path.parts[-3:])


def _with(types: Mapping[str, str], more: Iterable[str]) -> dict[str, str]:
    """Return columns with further ones; of two that differ in capitals alone, which are one to SQL, the first."""
    found, known = dict(types), {name.lower() for name in types}
    for name in more:
        if name not in found and name.lower() not in known:
            found[name] = "DOUBLE"
            known.add(name.lower())
    return found


def _fits(found: str, wanted: str) -> bool:
    if wanted in ("DOUBLE", "BIGINT"):
        return found in NUMBERS
    if wanted.startswith("TIMESTAMP"):
        return found in (*NUMBERS, "INT96")
    return found == ("BOOLEAN" if wanted == "BOOLEAN" else "BYTE_ARRAY")


def _plain(path: str | Path) -> str:
    """Return the path of one file: not a pattern."""
    return glob.escape(str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
