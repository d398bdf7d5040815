"""Commands about sweeps: tuning a recipe's models, going on with that, and what it found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from quorate.cli import options
from quorate.cli._base import command, on_cluster, show, trusting, working
from quorate.errors import RecipeError

Name = Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's id, a part of it, or 'latest'.")]


class Group(TyperGroup):
    """``sweep RECIPE`` is ``sweep start RECIPE``."""

    implied = "start"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that is left out."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [self.implied, *args]
        return super().parse_args(ctx, args)


sweep_app = typer.Typer(
    help="Tune the models of a recipe: quorate sweep RECIPE.", no_args_is_help=True, rich_markup_mode=None, cls=Group
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(sweep_app, name="sweep")


@sweep_app.command("start")
@command
def start(
    recipe: options.Recipe,
    trials: Annotated[int | None, typer.Option(help="Trials of each model (tuning.trials).")] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Tune this model only (tuning.models); may be given again.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds after which no more trials are fitted (tuning.timeout).")
    ] = None,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    address: options.Address = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Tune a recipe's models on the history before its walk-forward, and judge on that whether it helped."""
    from quorate.plugins.documented import as_toml
    from quorate.report.views.sweep import render
    from quorate.runs.sweep import sweep

    changes = [] if trials is None else [f"tuning.trials={trials}"]
    changes += [f"tuning.models={as_toml(models)}"] if models else []
    changes += [] if timeout is None else [f"tuning.timeout={float(timeout)}"]
    changes += on_cluster(sets, address)
    with working() as progress:
        found = sweep(recipe, home=home, plugins=plugins or (), overrides=changes, progress=progress)
    show(found.document, as_json, render)


@sweep_app.command("resume")
@command
def resume(
    name: Name = "latest",
    sets: options.Sets = None,
    address: options.Rejoin = None,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Finish an interrupted sweep; no decided trial and no finished fit is repeated."""
    from quorate.cli import _cluster
    from quorate.report.views.sweep import render
    from quorate.runs.sweep import resume_sweep

    trusting(home, trust)
    with working() as progress:
        found = _cluster.attach(name, home, progress, sets or (), address, "sweep")
        found = found or resume_sweep(name, home=home, overrides=on_cluster(sets, address), progress=progress)
    show(found.document, as_json, render)


@sweep_app.command("show")
@command
def show_one(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SWEEP]...", help="A sweep's id, a part of it, or 'latest'; several: side by side."),
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw its trials into this folder.")] = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show what a finished sweep found; of several, what was changed in each and what came of it."""
    from quorate.report.views.sweep import render, render_beside
    from quorate.runs.swept import load_sweep

    if len(names or ()) > 1:
        if png is not None:
            raise RecipeError("--png draws the trials of one sweep: name one")
        from quorate.store import Home
        from quorate.store.label import default_name

        documents = [load_sweep(name, home=home).document for name in names or ()]
        every = [Home(home).find(one["sweep"], kind="sweep") for one in documents]
        called = [default_name(run, one["recipe"]["name"]) for run, one in zip(every, documents, strict=True)]
        show(documents, as_json, lambda several: render_beside(several, called))
        return
    found = load_sweep((names or ["latest"])[0], home=home)
    if png is not None:
        from quorate.report.written import draw_sweep

        for path in draw_sweep(found.document, png):
            print(f"wrote {path}", file=sys.stderr)
        if not as_json:
            return
    show(found.document, as_json, render)


@sweep_app.command("validate")
@command
def validate(
    name: Name = "latest", trust: options.Trust = False, home: options.Home = None, as_json: options.Json = False
) -> None:
    """Open the holdout, and judge there what was found beside the recipe's own parameters: one opening."""
    from quorate.report.views.sweep import render
    from quorate.runs.validate import validate_sweep

    trusting(home, trust)
    with working() as progress:
        found = validate_sweep(name, home=home, progress=progress)
    show(found.document, as_json, render)


@sweep_app.command("list")
@command
def list_all(home: options.Home = None, as_json: options.Json = False) -> None:
    """List sweeps, oldest first."""
    from quorate.report.views.sweep import listed, render_list
    from quorate.store import Home

    where = Home(home)
    show(listed(where.runs("sweep")), as_json, lambda rows: render_list(rows, where.path))
