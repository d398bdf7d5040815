"""Commands about alerts: what was told, and whether it would arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working

alerts_app = typer.Typer(help="What was told when a promotion or a run failed, and to whom.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(alerts_app, name="alerts")


@alerts_app.callback(invoke_without_command=True)
@command
def alerts(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=0, help="How many of the latest; 0 for all.")] = 20,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List alerts, the oldest first: what happened, and which of them could not be delivered."""
    if context.invoked_subcommand is not None:
        return
    from quorate.report.views.alerts import render
    from quorate.store import Home
    from quorate.store.alerts import read_alerts

    place = Home(home)
    every = read_alerts(place.path)
    show(every[-last:], as_json, lambda rows: render(rows, place.path, len(every)))


@alerts_app.command("test")
@command
def send_test(
    recipe: options.Recipe,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Send a test through each alert of a recipe; exits 1 if one was not delivered."""
    from quorate.report.views.alerts import render_test
    from quorate.runs.alerting import try_alerts

    with working() as progress:
        found = try_alerts(recipe, home=home, plugins=plugins or (), overrides=sets or (), progress=progress)
    show(found, as_json, render_test)
    raise typer.Exit(0 if all(one["delivered"] for one in found) else 1)
