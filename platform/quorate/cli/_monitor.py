"""The command that holds what is at work against what it was promoted for."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import EXIT, command, show, trusting, working


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(monitor)


@command
def monitor(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="An ensemble, or NAME@3 alone (default: all with a record).")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A file, a folder, or a collection of the store, instead of the recipe's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change, note and tell nothing.")] = False,
    no_demote: Annotated[bool, typer.Option("--no-demote", help="Retire no champion.")] = False,
    revised: Annotated[
        bool, typer.Option("--revised", help="Score forecasts on prices that are others now, too.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Score recorded forecasts on what came; exits 0 keep or too early, 12 integrity, 13 doubt, 14 withdraw."""
    from quorate.report.views.monitor import render
    from quorate.serving.monitor import monitor as look
    from quorate.serving.monitor import worst

    trusting(home, trust)
    with working() as progress:
        found = look(
            name, data=data, home=home, dry_run=dry_run, demote=not no_demote, revised=revised, progress=progress
        )
    show([one.to_dict() for one in found], as_json, render)
    raise typer.Exit(EXIT[worst(found)])
