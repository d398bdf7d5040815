"""Commands about what was promoted, at work."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import _mcp, _mlflow, _monitor, _orders, _portfolio, _registry, _serve, options
from quorate.cli._base import command, show, trusting, working
from quorate.cli._serve import TokenFile, read_token
from quorate.errors import RecipeError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(replay)
    _monitor.register(app)
    _serve.register(app)
    _registry.register(app)
    _orders.register(app)
    _portfolio.register(app)
    _mcp.register(app)
    _mlflow.register(app)


@command
def replay(
    run: options.Run = "latest",
    every: Annotated[bool, typer.Option("--all", help="All folds; fits again the models that are not kept.")] = False,
    url: Annotated[str | None, typer.Option(help="Ask a server that serves this run, HTTP://HOST:PORT.")] = None,
    token_file: TokenFile = None,
    insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Send the token over http to another machine.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Give a run's bars to its models one by one, and compare with the backtest; exits 1 if anything differs."""
    from quorate.report.views.replay import render
    from quorate.serving.remote import Server
    from quorate.serving.replay import replay as again

    for option, given in (("--token-file", token_file), ("--allow-insecure", insecure)):
        if given and url is None:
            raise RecipeError(f"{option} is about a server: give --url, too")
    if every and url is not None:
        raise RecipeError("a server has the last fold alone: leave out --all, or --url")
    trusting(home, trust)
    server = Server(url, read_token(token_file), insecure=insecure) if url is not None else None
    with working() as progress:
        found = again(run, every=every, server=server, home=home, progress=progress)
    show(found.to_dict(), as_json, render)
    raise typer.Exit(0 if found.identical else 1)
