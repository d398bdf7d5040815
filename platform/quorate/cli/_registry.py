"""Commands about registered versions: what was promoted, and the stage that it is in."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import _schedule, options
from quorate.cli._base import EXIT, INTEGRITY, command, show, trusting, working

registry_app = typer.Typer(help="Versions of what was promoted, and which one is served.", rich_markup_mode=None)

Which = Annotated[
    str, typer.Argument(metavar="VERSION", help="NAME@3, NAME@latest, NAME@champion, or NAME alone.")
]  # fmt: skip
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
AsOf = Annotated[str | None, typer.Option(metavar="DATE", help="What was registered by then, and in which stage.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(registry_app, name="registry")
    app.command()(update)
    _schedule.register(app)


@command
def update(
    version: Which,
    data: Annotated[str | None, typer.Option(help="A file or folder to read instead of the recipe's.")] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Also open the holdout; what passes is registered as the next version.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Run a version's own recipe again on the bars until now; it stays as it is. With --promote exits like gate."""
    from quorate.report.views.registry import render_updated
    from quorate.runs.updating import update as bring

    trusting(home, trust)
    with working() as progress:
        found = bring(version, data=data, promote=promote, home=home, progress=progress)
    show(found.to_dict(), as_json, render_updated)
    raise typer.Exit(EXIT[found.report.verdict] if promote and found.report else 0)


@registry_app.callback(invoke_without_command=True)
@command
def registry(
    context: typer.Context, as_of: AsOf = None, home: options.Home = None, as_json: options.Json = False
) -> None:
    """List all versions, the champion of each name first."""
    if context.invoked_subcommand is None:
        _listed(None, as_of, home, as_json)


@registry_app.command("list")
@command
def registry_list(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only versions of this ensemble.")] = None,
    as_of: AsOf = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List versions with the stage that each is in."""
    _listed(name, as_of, home, as_json)


def _listed(name: str | None, as_of: str | None, home: options.Home, as_json: bool) -> None:
    from quorate.report.views.registry import render_list
    from quorate.runs.registering import ModelRegistry

    show(ModelRegistry(home).versions(name, as_of).to_dict("records"), as_json, render_list)


@registry_app.command("show")
@command
def registry_show(version: Which, as_of: AsOf = None, home: options.Home = None, as_json: options.Json = False) -> None:
    """Show what a version is: its run, models, weights, data and evidence."""
    from quorate.report.views.registry import render
    from quorate.runs.registering import ModelRegistry

    show(ModelRegistry(home).get(version, as_of).to_dict(), as_json, render)


@registry_app.command("add")
@command
def registry_add(
    run: options.Run = "latest",
    name: Annotated[str | None, typer.Option(help="What the ensemble is called (default: the recipe's name).")] = None,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Register a run that was promoted earlier, or whose verdict was overridden."""
    from quorate.report.views.registry import render
    from quorate.runs.registering import register as add

    trusting(home, trust)
    with working() as progress:
        version = add(run, label=name, home=home, progress=progress)
    show(version.to_dict(), as_json, render)


@registry_app.command("stage")
@command
def registry_stage(
    version: Which,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="candidate, shadow, champion or retired.")],
    reason: Reason = "",
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Move a version to a stage; a new champion retires the one before it."""
    from quorate.report.views.registry import render_moved
    from quorate.runs.registering import ModelRegistry

    with working() as progress:
        moved = ModelRegistry(home, progress).stage(version, stage, reason)
    show(moved.to_dict(), as_json, render_moved)


@registry_app.command("rollback")
@command
def registry_rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The ensemble.")],
    reason: Reason = "",
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Make the champion before the present one champion again."""
    from quorate.report.views.registry import render_moved
    from quorate.runs.registering import ModelRegistry

    with working() as progress:
        moved = ModelRegistry(home, progress).rollback(name, reason)
    show(moved.to_dict(), as_json, render_moved)


@registry_app.command("diff")
@command
def registry_diff(before: Which, now: Which, home: options.Home = None, as_json: options.Json = False) -> None:
    """Show how two versions differ: recipe, data, weights, evidence, code of plugins."""
    from quorate.report.views.registry import render_diff
    from quorate.runs.registering import ModelRegistry

    show(ModelRegistry(home).diff(before, now), as_json, render_diff)


@registry_app.command("check")
@command
def registry_check(version: Which, home: options.Home = None, as_json: options.Json = False) -> None:
    """Hold all files of a version against their hashes; exits 12 if one differs."""
    from quorate.report.views.registry import render_checked
    from quorate.runs.registering import ModelRegistry

    found = ModelRegistry(home).check(version)
    show({"version": version, "differing": found}, as_json, render_checked)
    raise typer.Exit(INTEGRITY if found else 0)
