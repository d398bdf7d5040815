"""Commands that look at the machine, the home, and what is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import _home, options
from quorate.cli._base import command, show


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (doctor, licences):
        app.command()(function)
    _home.register(app)


@command
def doctor(
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="Also whether this recipe can be run here.")
    ] = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Look at machine, versions and home, and say what mends what is wrong; exits 1 if something is to be mended."""
    from quorate.report.views.doctor import render
    from quorate.runs.doctor import doctor as look

    found = look(home, recipe)
    show(found.to_dict(), as_json, render)
    raise typer.Exit(0 if found.sound else 1)


@command
def licences(as_json: options.Json = False) -> None:
    """List the licences of all that is installed and needed or offered, those that ask for something first."""
    from quorate.report.views.doctor import render_licences
    from quorate.runs.licences import licences as found

    show(found(), as_json, render_licences)
