"""Commands about bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working

data_app = typer.Typer(help="Look at bars before they are traded.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(data_app, name="data")


@data_app.callback()
def _data() -> None:
    """Look at bars before they are traded."""


@data_app.command("check")
@command
def check(
    path: Annotated[Path, typer.Argument(help="A file of bars, or a folder of them.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the source: calendar=24x7; may be given again.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Say how bars are read, and what is to be asked about them; exits 1 if there is something."""
    from quorate.report.views.data import render
    from quorate.runs.doubts import check_data

    with working() as progress:
        found = check_data(path, sets or (), progress=progress)
    show(found, as_json, render)
    raise typer.Exit(1 if found["doubts"] else 0)
