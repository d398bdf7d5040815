"""Commands about the ledger of trials and openings."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli._base import HomeOption, JsonOption, RunArgument, command, printing

ledger_app = typer.Typer(help="Look at what was tried, and check that record.", rich_markup_mode=None)

BROKEN = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")
    app.command()(override)


@ledger_app.callback(invoke_without_command=True)
@command
def ledger(
    context: typer.Context,
    run: Annotated[str | None, typer.Option(help="Only entries of the runs with this in their id.")] = None,
    last: Annotated[int, typer.Option(min=0, help="How many, counted from the newest; 0 for all.")] = 40,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was tried, newest last: candidates, opened holdouts, overrides."""
    if context.invoked_subcommand is None:
        from quorate.cli import _ledger_view

        _ledger_view.show(home, run, last, as_json)


@command
def override(
    run: RunArgument,
    reason: Annotated[str, typer.Option(help="Why the run is used in spite of its verdict.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use a run in spite of its verdict: the reason goes into the ledger and stays there."""
    from quorate.cli import _ledger_view

    _ledger_view.override(run, reason, home, as_json)


@ledger_app.command("verify")
@command
def ledger_verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check the ledger, the files it stands for, and what runs saw of it; exits 3 if something does not hold."""
    from quorate.cli import _ledger_view

    with printing():
        sound = _ledger_view.verify(home, as_json)
    raise typer.Exit(0 if sound else BROKEN)
