"""Commands about the store of bars: what is imported, looked at, updated and removed."""

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
from quorate.errors import DataWarning, QuorateError, RecipeError, visible

Store = Annotated[Path | None, typer.Option(help="The store's folder (default: QUORATE_STORE, else one of the home).")]
Name = Annotated[str, typer.Argument(metavar="COLLECTION", help="Its name, as quorate data list shows it.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="These symbols only; may be given again.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that read at a time; 0: one per CPU.")]
SHOWN = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, function in (
        ("add", add),
        ("list", list_collections),
        ("show", show_collection),
        ("update", update),
        ("remove", remove),
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
    collection = opened(store, home).collection(to or _name_of(path or reads), new=True)
    with working() as progress:
        found = import_bars(
            collection,
            reads,
            sets or (),
            options=given,
            home=home,
            plugins=[str(one) for one in plugins or ()],
            known_at=moment(known_at, "--known-at"),
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

    kept, several = opened(store, home), list[dict[str, Any]]()
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

    kept = opened(store, home)
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

    collection = opened(store, home).collection(name)
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

    collection = opened(store, home).collection(name)
    if symbols:
        drop(collection, symbols)
        print(f"removed from {name}: {', '.join(symbols)}")
        return
    if not yes and not typer.confirm(f"remove the collection {name} with all that it holds?", err=True):
        raise typer.Abort
    collection.remove()
    print(f"removed {collection.folder}")


@contextmanager
def telling() -> Iterator[None]:
    """Say what is warned of meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for one in caught:
        print(f"warning: {visible(one.message)}", file=sys.stderr)


def opened(store: Path | None, home: Path | None) -> Any:
    """Return the store of bars that options name."""
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


def moment(text: str | None, what: str) -> dt.datetime | None:
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
