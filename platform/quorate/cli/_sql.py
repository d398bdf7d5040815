"""Commands that take numbers out of a home: SQL over all runs, and the tables of one as files."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, printing, show
from quorate.errors import RecipeError, StoreError, plural, visible

if TYPE_CHECKING:
    from quorate.store.sql import Answer

SHOWN = 100  # rows
SECONDS = 60.0
BESIDE = 1 << 30  # bytes for all but the answer
LARGEST = 16 << 30  # bytes of a file that is written


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sql)
    app.command()(export)


@command
def sql(
    statement: Annotated[
        str | None,
        typer.Argument(help="A statement that reads, a file of one that ends in .sql, or - for the standard input."),
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List the views, with their columns.")] = False,
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Write all rows as CSV; - for stdout.")] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all rows as Parquet.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many rows to show; 0 for all.")] = SHOWN,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that it may take; 0 for no end.")] = SECONDS,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Answer a statement of SQL over all runs; it can only read."""
    if (csv is not None) + (parquet is not None) + as_json > 1:
        raise RecipeError("--csv, --parquet and --json exclude each other")
    if tables or statement is None:
        from quorate.report.pager import paged
        from quorate.report.sql_columns import listed
        from quorate.report.views.sql import render_tables

        with paged():
            show(listed(), as_json, render_tables)
        return
    path = Path(csv) if csv not in (None, "-") else parquet
    text = _text_of(statement)
    if csv == "-":
        with tempfile.TemporaryDirectory(prefix="quorate-") as folder, printing():
            whole = Path(folder) / "answer.csv"
            with _asking(text, home, timeout, [whole]) as answer:
                answer.write(whole, "csv")
            with open(whole, encoding="utf-8", newline="") as file:
                shutil.copyfileobj(file, sys.stdout)
    elif path is not None:
        there = _writable(path, home)
        with _asking(text, home, timeout, [path]) as answer:
            answer.write(path, "csv" if csv else "parquet")
        print(visible(f"wrote {path}{', in place of what was there' if there else ''}"), file=sys.stderr)
    else:
        with _asking(text, home, timeout) as answer:
            _show(answer, limit, as_json)


def _show(answer: Answer, limit: int, as_json: bool) -> None:
    from quorate.report.pager import paged
    from quorate.report.views import sql as view

    if as_json:
        rows = answer.rows()
        with printing():
            for piece in view.as_json(answer.columns, rows):
                sys.stdout.write(piece)
        return
    found = list(answer.rows(limit + 1 if limit else 0))
    with printing(), paged():
        view.render([column.name for column in answer.columns], found, limit)


@command
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's or sweep's id, a part of it, or 'latest'.")],
    to: Annotated[
        str, typer.Option(metavar="DIR", help="The folder to write into, made if need be; or s3://BUCKET/FOLDER.")
    ],
    form: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Write all tables of a run, its report and its recipe into a folder, with a page that says what each column is."""
    from quorate.runs.export import export as written
    from quorate.store.places import outgoing

    with outgoing(to) as folder:
        found = written(run, folder, form, home=home)._replace(folder=to)

    def told(document: dict[str, object]) -> None:
        for name in found.files:
            print(visible(name))
        again = f", {len(found.replaced):,} in place of what was there" if found.replaced else ""
        print(visible(f"{found.run}: {plural(len(found.files), 'file')} written to {to}{again}"), file=sys.stderr)

    show(found._asdict(), as_json, told)


@contextmanager
def _asking(text: str, home: Path | None, seconds: float, outputs: list[Path] | None = None) -> Iterator[Answer]:
    """Yield the answer to a statement, which is kept within bounds of its own, and this process within others."""
    from quorate.execution.resources import file_limit, memory_limit
    from quorate.runs.sql import asking
    from quorate.store.sql import MEMORY

    # DuckDB does not count what a function takes for a single value.
    try:
        with (
            memory_limit(MEMORY + BESIDE),
            file_limit(LARGEST),
            asking(text, home, seconds=seconds, outputs=outputs or (), warn=_warn) as answer,
        ):
            yield answer
    except MemoryError:
        raise RecipeError("the answer does not fit into memory: ask for less, or write it with --parquet") from None


def _warn(text: str) -> None:
    print(f"warning: {visible(text)}", file=sys.stderr)


def _text_of(statement: str) -> str:
    """Return the statement itself, which may stand in a file or come from the standard input."""
    if statement != "-" and (not statement.endswith(".sql") or len(statement.split()) > 1):
        return statement
    try:
        return sys.stdin.read() if statement == "-" else Path(statement).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as e:
        raise RecipeError(f"cannot read the statement in {statement}: {e}") from e


def _writable(path: Path, home: Path | None) -> bool:
    """Return whether there is a file already; a folder, a link, a device or what a home keeps is left alone."""
    from quorate.store import Home
    from quorate.store.files import regular

    Home(home).check_outside(path)
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}; make it first"
        raise StoreError(f"cannot write {path}: {what}")
    return regular(path).exists()
