"""Commands about the mirror on a tracking server: what is there, and sending what is not."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working

mlflow_app = typer.Typer(
    help="Runs, sweeps and versions on the MLflow server that MLFLOW_TRACKING_URI names.", rich_markup_mode=None
)

Runs = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs and sweeps; default: all that are finished.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(mlflow_app, name="mlflow")


@mlflow_app.command("sync")
@command
def mlflow_sync(runs: Runs = None, home: options.Home = None, as_json: options.Json = False) -> None:
    """Send what the server lacks: runs, sweeps, versions and their stages; exits 1 if one is damaged, and left out."""
    from quorate.report.views.mlflow import render_sync
    from quorate.serving.mlflow_mirror import sync

    with working() as progress:
        found = sync(runs or (), home=home, progress=progress)
    show([one.to_dict() for one in found], as_json, render_sync)
    raise typer.Exit(1 if any(one.state == "damaged" for one in found) else 0)


@mlflow_app.command("status")
@command
def mlflow_status(runs: Runs = None, home: options.Home = None, as_json: options.Json = False) -> None:
    """Say of each run, sweep and version whether the server has it as it is now; exits 1 if one is missing."""
    from quorate.report.views.mlflow import render_status
    from quorate.serving.mlflow_mirror import status

    with working() as progress:
        found = status(runs or (), home=home, progress=progress)
    show([one.to_dict() for one in found], as_json, render_status)
    raise typer.Exit(0 if all(one.state == "there" for one in found) else 1)
