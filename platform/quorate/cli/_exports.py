"""Commands that count bars, and write them, or the rows of a recipe, to files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show
from quorate.cli._store import Store, Symbols, moment, opened, telling
from quorate.errors import DataError, RecipeError, one_of, visible

What = Annotated[
    str, typer.Argument(metavar="COLLECTION|BARS", help="A collection of the store; a file or a folder of bars.")
]
Exported = Annotated[
    str,
    typer.Argument(
        metavar="COLLECTION|BARS|RECIPE", help="A collection of the store; a file or folder of bars; a recipe's file."
    ),
]
AsOf = Annotated[str | None, typer.Option(help="As it was known then: a date, or a time in UTC.")]
Formats = Annotated[str, typer.Option("--format", help="csv, parquet, or npz.")]
Frequency = Annotated[str | None, typer.Option(help="Of the bars; longer ones than there are are made of them.")]
Adjusted = Annotated[str, typer.Option(help="none, splits, or total (with dividends).")]
TestRows = Annotated[int, typer.Option(min=1, help="Of train-test: the last rows of each symbol.")]
OfSource = Annotated[
    list[str] | None, typer.Option("--set", help="Of files: a key of [data], calendar=24x7; may be given again.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change the recipe: a.b=value; of files a key of [data]; may be given again."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (summary, export):
        app.command()(function)


@command
def export(
    name: Exported,
    out: Annotated[str, typer.Option(help="The folder to write, or s3://...; must be empty, or not there.")],
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
    sets: Sets = None,
    plugins: options.Plugins = None,
    store: Store = None,
    home: options.Home = None,
) -> None:
    """Write bars to files, with symbol, time (of the close, UTC), prices and volume; or the rows of a recipe.

    --format npz writes windows of features, and their labels. With a recipe's file in place of the collection, its rows
    are written: so, or as train, val and test with features and label. How they were made is told in
    features/feature_engineering.log.
    """
    from quorate.store.places import outgoing

    kept = name in [one.name for one in opened(store, home).collections()]
    recipe = not kept and name.endswith((".toml", ".yaml", ".yml"))
    with outgoing(out) as folder:
        if recipe or file_format == "npz":
            from quorate.runs.export_rows import export_rows, of_bars

            asked = {"symbols": symbols, "frequency": frequency, "as_of": as_of, "adjust": adjust, "path": store}
            whole = name if recipe else of_bars(name, asked if kept else None, symbols, sets or ())
            changes = (sets or ()) if recipe else ()
            done = export_rows(whole, folder, file_format, window, home=home, plugins=plugins or (), overrides=changes)
            for line in done.warnings:
                print(f"warning: {visible(line)}", file=sys.stderr)
            count = len(done.files)
            more = ": " + ", ".join(f"{rows:,} rows to {part}" for part, rows in done.rows.items())
        else:
            from quorate.runs.export_bars import export_bars

            bars = _bars(name, kept, symbols, frequency, as_of, adjust, sets or (), store, home)
            count, more = len(export_bars(bars, folder, layout, file_format, test_rows)), ""
    print(f"wrote {count:,} files to {visible(out)}{more}")


@command
def summary(
    name: What,
    test_rows: TestRows = 30,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write data_summary.csv into this folder.")
    ] = None,
    symbols: Symbols = None,
    frequency: Frequency = None,
    as_of: AsOf = None,
    sets: OfSource = None,
    store: Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show of each symbol how many rows there are, how many are trained and tested on, and in which files.

    They are the rows and the files of quorate data export --layout train-test, which writes data_summary.csv too.
    """
    from quorate.report.views.store import render_summary
    from quorate.runs.export_bars import SUMMARY, write_summary
    from quorate.runs.export_bars import summary as summed

    kept = name in [one.name for one in opened(store, home).collections()]
    every: dict[str | None, list[str] | None] = {frequency: symbols}
    if kept and frequency is None:  # of bars of several lengths each symbol has a row for each
        collection = opened(store, home).collection(name)
        held = collection.holdings()
        if missing := {*(symbols or ())} - {one.symbol for one in held}:
            raise DataError(collection.lacks(missing))
        lengths = sorted({one.frequency for one in held if not symbols or one.symbol in symbols})
        if lengths:
            wanted = [one for one in held if not symbols or one.symbol in symbols]
            every = {length: [one.symbol for one in wanted if one.frequency == length] for length in lengths}
    rows = []
    for length, there in every.items():
        rows += summed(_bars(name, kept, there, length, as_of, "none", sets or (), store, home), test_rows)
    if out is not None:
        write_summary(rows, out / SUMMARY)
        print(visible(f"wrote {out / SUMMARY}"), file=sys.stderr)
    show(rows, as_json, render_summary)


def _bars(
    name: str,
    kept: bool,
    symbols: list[str] | None,
    frequency: str | None,
    as_of: str | None,
    adjust: str,
    sets: Sequence[str],
    store: Path | None,
    home: Path | None,
) -> Any:
    """Return bars of a collection, or of files, and say what was warned of."""
    from quorate.bars.actions import HOW

    how = next((one for one in HOW if one == adjust), None)
    if how is None:
        raise RecipeError(f"--adjust must be one of {one_of(HOW)}; it was {adjust!r}")
    files = not kept and ("/" in name or "*" in name or Path(name).exists())
    with telling():
        if files:
            from quorate.runs.export_bars import bars_of_files

            if frequency or as_of or adjust != "none":
                raise RecipeError(
                    "--frequency, --as-of and --adjust are of collections; of files --set resample=1w, "
                    "--set adjusted=true"
                )
            return bars_of_files(name, sets, symbols)
        if sets and kept:
            raise RecipeError("--set is of files and recipes; a collection takes --symbol, --frequency, --as-of")
        try:
            collection = opened(store, home).collection(name)
        except DataError as e:
            raise DataError(f"{e}; nor is there a file {name!r}") from None
        return collection.read(symbols, frequency, as_of=moment(as_of, "--as-of"), adjust=how)
