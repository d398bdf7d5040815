"""Commands about what was promoted, at work."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import _mcp, _mlflow, _monitor, _orders, _portfolio, _registry, options
from quorate.cli._base import command, show, trusting, working


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(replay)
    _monitor.register(app)
    _registry.register(app)
    _orders.register(app)
    _portfolio.register(app)
    _mcp.register(app)
    _mlflow.register(app)


@command
def replay(
    run: options.Run = "latest",
    every: Annotated[bool, typer.Option("--all", help="All folds; fits again the models that are not kept.")] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Give a run's bars to its models one by one, and compare with the backtest; exits 1 if anything differs."""
    from quorate.report.views.replay import render
    from quorate.serving.replay import replay as again

    trusting(home, trust)
    with working() as progress:
        found = again(run, every=every, home=home, progress=progress)
    show(found.to_dict(), as_json, render)
    raise typer.Exit(0 if found.identical else 1)
