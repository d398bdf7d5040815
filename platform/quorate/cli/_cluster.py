"""Commands about clusters: sending a run or a sweep to one, and one of our own on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from quorate.cli import options
from quorate.cli._base import command, show, show_report, working
from quorate.errors import RecipeError

if TYPE_CHECKING:
    from quorate.execution.progress import Progress
    from quorate.execution.ray.jobs import NodeState
    from quorate.execution.ray.own_cluster import Cluster
    from quorate.report.report import Report
    from quorate.runs.swept import Sweep

cluster_app = typer.Typer(
    help="Start and stop a Ray cluster of several nodes on this machine.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(submit)
    app.add_typer(cluster_app, name="cluster")


@command
def submit(
    recipe: options.Recipe,
    address: Annotated[str, typer.Option(help="The cluster's job server, e.g. http://127.0.0.1:8265.")],
    python: Annotated[str, typer.Option(help="The Python on the cluster that has quorate.")] = "python",
    sweep: Annotated[bool, typer.Option("--sweep", help="Tune the models, as quorate sweep does.")] = False,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Send a run, or a sweep, to a Ray cluster as a job, show its progress, and fetch what is finished."""
    from quorate.report.views.sweep import render
    from quorate.runs import submit as jobs

    with working() as progress:
        found = jobs.submit(
            recipe,
            address,
            python=python,
            home=home,
            plugins=plugins or (),
            overrides=sets or (),
            progress=progress,
            tell=_tell,
            sweep=sweep,
        )
    if sweep:
        show(found.document, as_json, render)
    else:
        show_report(found, as_json)


def attach(
    run: str,
    home: Path | None,
    progress: Progress,
    sets: Sequence[str] = (),
    address: str | None = None,
    kind: Literal["run", "sweep"] = "run",
) -> Report | Sweep | None:
    """Return what came of a run or sweep that was sent as a job, once it is finished; None, if this one was not."""
    from quorate.runs import submit as jobs
    from quorate.store import Home

    stored = Home(home).find(run, unfinished=True, kind=kind)
    if not jobs.is_job(stored):
        return None
    insecure = "execution.allow_insecure=true"
    if others := [item for item in sets if item != insecure]:
        raise RecipeError(
            f"cannot change how {kind} {stored.id} is computed: it was sent to a cluster as a job, which began with "
            f"the settings it was sent with; asked was {', '.join(others)}. Leave out --set to fetch it"
        )
    progress.close()
    return jobs.attach(stored, _tell, address=address, insecure=insecure in sets)


def _tell(line: str) -> None:
    from quorate.report import console

    console.err().print(line, markup=False, soft_wrap=True)


@cluster_app.command("up")
@command
def up(
    nodes: Annotated[int, typer.Option(help="How many; more than before adds nodes.")] = 2,
    cpus: Annotated[int, typer.Option("--cpus-per-node", help="CPUs of each new node.")] = 1,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Start nodes on this machine, or add some, and say how to use them."""
    from quorate.execution.ray import own_cluster
    from quorate.report import console
    from quorate.report.views.cluster import render_started
    from quorate.store import Home

    place = _home(home)
    Home(place).check_writable()
    Home(place).claim()
    with console.counting(f"starting {console.plural(nodes, 'node')}"):
        started = own_cluster.up(place, nodes, cpus, lambda address: sum(node.alive for node in _nodes(address, place)))
    show(_plain(started), as_json, lambda own: render_started(own, nodes, home))


@cluster_app.command("status")
@command
def status(home: options.Home = None, as_json: options.Json = False) -> None:
    """Show the nodes; exits 1 if there is no cluster."""
    from quorate.execution.ray.own_cluster import known_cluster
    from quorate.report.views.cluster import render, render_none

    place = _home(home)
    own = known_cluster(place)
    if own is None or not own.up:
        show(None, as_json, lambda _: render_none(left=own is not None))
        raise typer.Exit(1)
    nodes = [asdict(node) for node in _nodes(own.address, place)]
    show({**_plain(own), "nodes": nodes}, as_json, render)


@cluster_app.command("down")
@command
def down(home: options.Home = None, as_json: options.Json = False) -> None:
    """Stop the nodes; only those that were started here."""
    from quorate.execution.ray import own_cluster
    from quorate.report import console

    with console.counting("stopping"):
        there = own_cluster.down(_home(home))
    show({"stopped": there}, as_json, lambda _: print("stopped" if there else "no cluster was up"))


def _home(home: Path | None) -> Path:
    from quorate.store import Home

    return Home(home).path


def _nodes(address: str, home: Path) -> list[NodeState]:
    from quorate.execution.ray import jobs, tokens

    os.environ.update(tokens.authentication(address, home, allow_insecure=False))
    return jobs.nodes(address)


def _plain(own: Cluster) -> dict[str, Any]:
    return {"address": own.address, "jobs": own.jobs, "token": str(own.token), "nodes": len(own.nodes)}
