"""Commands about execution: going on with a run, finished fits, where and when fits ran, clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli._base import (
    AddressOption,
    HomeOption,
    JsonOption,
    PluginOption,
    RecipeArgument,
    RunArgument,
    SetOption,
    command,
    on_cluster,
    printing,
    show_report,
    working,
)

cluster_app = typer.Typer(
    help="Start and stop a Ray cluster of several nodes on this machine.", no_args_is_help=True, rich_markup_mode=None
)
cache_app = typer.Typer(help="Look after finished fits.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (resume, timeline, submit):
        app.command()(function)
    app.add_typer(cache_app, name="cache")
    app.add_typer(cluster_app, name="cluster")


@command
def resume(
    run: RunArgument = "latest",
    sets: SetOption = None,
    address: AddressOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finish an interrupted run; no finished fit is repeated."""
    from quorate.cli import _cluster
    from quorate.runs import run as api

    with working() as progress:
        overrides = on_cluster(sets, address)
        report = _cluster.attach(run, home, progress, overrides)
        report = report or api.resume(run, home=home, overrides=overrides, progress=progress)
    show_report(report, as_json)


@command
def timeline(
    run: RunArgument = "latest",
    chrome: Annotated[Path | None, typer.Option(help="Write a trace for chrome://tracing or Perfetto.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what of a run was computed where and when; unfinished runs too."""
    from quorate.cli import _timeline

    with printing():
        _timeline.show(run, chrome, home, as_json)


@command
def submit(
    recipe: RecipeArgument,
    address: Annotated[str, typer.Option(help="The cluster's job server, e.g. http://127.0.0.1:8265.")],
    python: Annotated[str, typer.Option(help="The Python on the cluster that has quorate.")] = "python",
    sets: SetOption = None,
    plugins: PluginOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a run to a Ray cluster as a job, show its progress, and fetch the finished run."""
    from quorate.cli import _cluster

    with working() as progress:
        report = _cluster.submit(recipe, address, python, sets or (), plugins or (), home, progress)
    show_report(report, as_json)


@cluster_app.command("up")
@command
def cluster_up(
    nodes: Annotated[int, typer.Option(help="How many; more than before adds nodes.")] = 2,
    cpus: Annotated[int, typer.Option("--cpus-per-node", help="CPUs of each new node.")] = 1,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start nodes on this machine, or add some, and say how to use them."""
    from quorate.cli import _cluster

    _cluster.up(nodes, cpus, home, as_json)


@cluster_app.command("status")
@command
def cluster_status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the nodes; exits 1 if there is no cluster."""
    from quorate.cli import _cluster

    raise typer.Exit(0 if _cluster.status(home, as_json) else 1)


@cluster_app.command("down")
@command
def cluster_down(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Stop the nodes; only those that were started here."""
    from quorate.cli import _cluster

    _cluster.down(home, as_json)


@cache_app.command("list")
@command
def cache_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show how many finished fits are kept, per model: their size, and the time that they save."""
    from quorate.cli import _cache

    _cache.show(home, as_json)


@cache_app.command("verify")
@command
def cache_verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check every finished fit against its checksum; exits 1 if one was damaged, which is then removed."""
    from quorate.cli import _cache

    raise typer.Exit(0 if _cache.verify(home, as_json) else 1)


@cache_app.command("prune")
@command
def cache_prune(
    older_than: Annotated[str | None, typer.Option(help="Remove what was not used for so long: 30d, 12h, 45m.")] = None,
    max_size: Annotated[
        str | None, typer.Option(help="Then remove the longest unused, down to this size: 2GB, 500MB.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove finished fits; runs keep their own predictions."""
    from quorate.cli import _cache

    _cache.prune(older_than, max_size, home, as_json)
