"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[Path | None, typer.Option(help="Where runs are kept (default: QUORATE_HOME, else .quorate).")]
Plugins = Annotated[list[Path] | None, typer.Option("--plugin", help="A single-file plugin; may be given again.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: a.b=value; may be given again.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, a part of it, or 'latest'.")]
Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a built-in recipe, or a .toml file.")]
Address = Annotated[str | None, typer.Option(help="A Ray cluster to run on, HOST:PORT.")]
Rejoin = Annotated[
    str | None,
    typer.Option("--address", help="A Ray cluster to run on, HOST:PORT; of what was sent as a job, its server's URL."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Trust what is in this home from now on: its plugin files run.")]
