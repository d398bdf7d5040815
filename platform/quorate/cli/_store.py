"""Commands about the store of bars: what is imported, looked at, updated, removed and exported."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working
from quorate.errors import DataWarning, QuorateError, RecipeError, one_of, visible

Store = Annotated[Path | None, typer.Option(help="The store's folder (default: QUORATE_STORE, else one of the home).")]
Name = Annotated[str, typer.Argument(metavar="COLLECTION", help="Its name, as quorate data list shows it.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="These symbols only; may be given again.")]
AsOf = Annotated[str | None, typer.Option(help="As it was known then: a date, or a time in UTC.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that read at a time; 0: one per CPU.")]
Format = Annotated[str, typer.Option("--format", help="csv or parquet.")]
Formats = Annotated[str, typer.Option("--format", help="csv, parquet, or npz.")]
Frequency = Annotated[str | None, typer.Option(help="Of the bars; longer ones than there are are made of them.")]
Adjusted = Annotated[str, typer.Option(help="none, splits, or total (with dividends).")]
TestRows = Annotated[int, typer.Option(min=1, help="Of train-test: the last rows of each symbol.")]
SHOWN = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, function in (
        ("add", add),
        ("list", list_collections),
        ("show", show_collection),
        ("update", update),
        ("remove", remove),
        ("summary", summary),
        ("export", export),
    ):
        app.command(name)(function)


@command
def add(
    path: Annotated[str | None, typer.Argument(help="Files of bars: one, a folder, or a pattern.")] = None,
    to: Annotated[str | None, typer.Option(help="The collection (default: called as PATH, or the source, is).")] = None,
    source: Annotated[str | None, typer.Option(help="The source (default: the one that reads PATH).")] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the source: calendar=24x7; may be given again.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="When these bars came, if it was earlier: a date, or a time in UTC.")
    ] = None,
    workers: Workers = 0,
    plugins: options.Plugins = None,
    store: Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Bring bars into the store. What was read before is not read again: after a stop, give the command again."""
    from quorate.recipe.bar_files import named_by_date, not_read, source_of
    from quorate.report.views.store import render_imported
    from quorate.runs.imports import import_bars

    if path is None and source is None:
        raise RecipeError("say what to bring: quorate data add PATH, or --source with its options by --set")
    reads = source or source_of(Path(path or ""))
    given = {} if path is None else {"path": path}
    collection = _store(store, home).collection(to or _name_of(path or reads), new=True)
    with working() as progress:
        found = import_bars(
            collection,
            reads,
            sets or (),
            options=given,
            home=home,
            plugins=[str(one) for one in plugins or ()],
            known_at=_moment(known_at, "--known-at"),
            workers=workers,
            progress=progress,
        )
    if path:
        found.warnings += not_read(Path(path), reads)
        if named := named_by_date(Path(path), collection.symbols()):
            found.warnings.append(_called(collection, *named, path))
    show(found.to_dict(), as_json, render_imported)
    raise typer.Exit(1 if found.failed else 0)


@command
def update(
    name: Annotated[str | None, typer.Argument(metavar="[COLLECTION]", help="Which (default: all).")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Ask for the whole history, not for the last weeks.")] = False,
    workers: Workers = 0,
    plugins: options.Plugins = None,
    store: Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Bring what is new from where a collection was filled, and say what the source has rewritten."""
    from quorate.report.views.store import render_imported
    from quorate.runs.imports import update_bars

    kept, several = _store(store, home), list[dict[str, Any]]()
    wrong: QuorateError | None = None
    for collection in [kept.collection(name)] if name else kept.collections():
        try:
            with working() as progress:
                found = update_bars(
                    collection,
                    home=home,
                    plugins=[str(one) for one in plugins or ()],
                    whole=whole,
                    workers=workers,
                    progress=progress,
                )
            several.append(found.to_dict())
        except QuorateError as e:  # the others are updated all the same
            if name:
                raise
            wrong = e
            print(f"error: {collection.name}: {visible(e)}", file=sys.stderr)

    def render(found: list[dict[str, Any]] | dict[str, Any]) -> None:
        for one in found if isinstance(found, list) else [found]:
            render_imported(one)

    show(several[0] if name else several, as_json, render)
    raise typer.Exit(1 if wrong or any(one["failed"] for one in several) else 0)


@command
def list_collections(store: Store = None, home: options.Home = None, as_json: options.Json = False) -> None:
    """List the collections of the store."""
    from quorate.report.views.store import render_list, summary

    kept = _store(store, home)
    show([summary(one) for one in kept.collections()], as_json, lambda rows: render_list(rows, kept.path))


@command
def show_collection(
    name: Name,
    symbols: Symbols = None,
    imports: Annotated[bool, typer.Option("--imports", help="Each import: when, from where, what it brought.")] = False,
    store: Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show what a collection holds, by symbol, or how it came there."""
    from quorate.report.views.store import holdings, lineage, render_holdings, render_lineage

    collection = _store(store, home).collection(name)
    if imports:
        show(lineage(collection, symbols or ()), as_json, render_lineage)
    else:
        show(holdings(collection, symbols or ()), as_json, render_holdings)


@command
def remove(
    name: Name,
    symbols: Symbols = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: Store = None,
    home: options.Home = None,
) -> None:
    """Remove a collection for good, or symbols of it, which are still read as of before."""
    from quorate.store.bars.appending import drop

    collection = _store(store, home).collection(name)
    if symbols:
        drop(collection, symbols)
        print(f"removed from {name}: {', '.join(symbols)}")
        return
    if not yes and not typer.confirm(f"remove the collection {name} with all that it holds?", err=True):
        raise typer.Abort
    collection.remove()
    print(f"removed {collection.folder}")


@command
def export(
    name: Name,
    out: Annotated[Path, typer.Option(help="The folder to write; must be empty, or not there.")],
    layout: Annotated[
        str, typer.Option(help="symbols: a file each; splits: train, val, test; train-test: both of each symbol.")
    ] = "symbols",
    file_format: Formats = "parquet",
    test_rows: TestRows = 30,
    symbols: Symbols = None,
    frequency: Frequency = None,
    as_of: AsOf = None,
    adjust: Adjusted = "none",
    window: Annotated[int, typer.Option(min=1, help="Bars of each window, with --format npz.")] = 60,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    store: Store = None,
    home: options.Home = None,
) -> None:
    """Write bars to files, with symbol, time (of the close, UTC), prices and volume; or the rows of a recipe.

    --format npz writes windows of features, and their labels. With a recipe's file in place of the collection, its rows
    are written: so, or as train, val and test with features and label. How they were made is told in
    features/feature_engineering.log.
    """
    from quorate.runs.export_bars import export_bars

    kept = name in [one.name for one in _store(store, home).collections()]
    if file_format == "npz" or (not kept and name.endswith(".toml")):
        from quorate.runs.export_rows import export_rows, of_collection

        asked = {"symbols": symbols, "frequency": frequency, "as_of": as_of, "adjust": adjust, "path": store}
        recipe = of_collection(name, asked, sets or ()) if kept else name
        done = export_rows(
            recipe, out, file_format, window, home=home, plugins=plugins or (), overrides=() if kept else sets or ()
        )
        for line in done.warnings:
            print(f"warning: {visible(line)}", file=sys.stderr)
        rows = ", ".join(f"{count:,} rows to {part}" for part, count in done.rows.items())
        print(f"wrote {len(done.files):,} files to {out}: {rows}")
        return
    bars = _read(_store(store, home).collection(name), symbols, frequency, as_of, adjust)
    written = export_bars(bars, out, layout, file_format, test_rows)
    print(f"wrote {len(written):,} files to {out}")


@command
def summary(
    name: Name,
    test_rows: TestRows = 30,
    symbols: Symbols = None,
    frequency: Frequency = None,
    as_of: AsOf = None,
    store: Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show of each symbol how many rows there are, and how many are trained and tested on."""
    from quorate.report.views.store import render_summary
    from quorate.runs.export_bars import summary as summed

    bars = _read(_store(store, home).collection(name), symbols, frequency, as_of, "none")
    show(summed(bars, test_rows), as_json, render_summary)


def _read(collection: Any, symbols: list[str] | None, frequency: str | None, as_of: str | None, adjust: str) -> Any:
    """Return bars of a collection, and say what was warned of."""
    from quorate.bars.actions import HOW

    how = next((one for one in HOW if one == adjust), None)
    if how is None:
        raise RecipeError(f"--adjust must be one of {one_of(HOW)}; it was {adjust!r}")
    with telling():
        return collection.read(symbols, frequency, as_of=_moment(as_of, "--as-of"), adjust=how)


@contextmanager
def telling() -> Iterator[None]:
    """Say what is warned of meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for one in caught:
        print(f"warning: {visible(one.message)}", file=sys.stderr)


def _store(store: Path | None, home: Path | None) -> Any:
    from quorate.store.bars.store import BarStore

    return BarStore(store, home)


def _name_of(path: str) -> str:
    """Return what a collection is called that is filled from there."""
    where = Path(path)
    bare = where.parent if any(sign in where.name for sign in "*?[") else where
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", bare.absolute().name.split(".")[0]).strip("-._")
    return name or "bars"


def _called(collection: Any, name: str, bare: str, path: str) -> str:
    """Return what is told of a symbol that is called after a file with a date in its name."""
    there = ", which is there already," if bare in collection.symbols() else ""
    again = f"quorate data add {shlex.quote(path)} --to {collection.name} --set symbol={shlex.quote(bare)}"
    return (
        f"the symbol is called {name}, as its file is: to have it as {bare}{there} quorate data remove "
        f"{collection.name} --symbol {shlex.quote(name)}, and then {again}"
    )


def _moment(text: str | None, what: str) -> dt.datetime | None:
    """Return a time in UTC; of a date, its end."""
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RecipeError(f"{what} must be a date, YYYY-MM-DD, or a time, YYYY-MM-DDThh:mm; it was {text!r}") from None
    if len(text) <= len("YYYY-MM-DD"):
        found += dt.timedelta(days=1, microseconds=-1)
    return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)
