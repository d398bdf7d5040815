"""The command about several registered ensembles as one portfolio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show, trusting, working
from quorate.errors import RecipeError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(portfolio)


@command
def portfolio(
    names: Annotated[
        list[str], typer.Argument(metavar="VERSION...", help="NAME@3, NAME@latest, NAME@champion, or NAME alone.")
    ],
    weights: Annotated[
        str, typer.Option(metavar="equal|inverse-vol|risk-parity", help="How the capital is shared.")
    ] = "equal",
    risk_budget: Annotated[
        float | None, typer.Option(help="Volatility per year that the whole may have at most, e.g. 0.10.")
    ] = None,
    predict: Annotated[bool, typer.Option("--predict", help="Also net their weights for the next bar.")] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="[VERSION=]PATH", help="With --predict: bars to read, of all or of one; again for more."),
    ] = None,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Look at several registered ensembles as one: correlation, risk, drawdown, and the netted weights."""
    from quorate.report.views.portfolio import render
    from quorate.runs.portfolio import portfolio as together

    trusting(home, trust)
    with working() as progress:
        found = together(
            names,
            weights=weights,  # type: ignore[arg-type]  # what else was said is refused there
            risk_budget=risk_budget,
            predict=predict,
            data=_data(data or []),
            home=home,
            progress=progress,
        )
    show(found.to_dict(), as_json, render)


def _data(given: list[str]) -> str | dict[str, str | Path] | None:
    """Return one path for all, or paths by version."""
    named = {name: path for name, is_named, path in (one.partition("=") for one in given) if is_named}
    if not given or len(named) == len(given):
        return dict(named) or None
    if len(given) > 1:
        raise RecipeError(
            f"--data is one PATH for all, or VERSION=PATH for each; it was {' and '.join(map(repr, given))}"
        )
    return given[0]
