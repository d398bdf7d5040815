"""What ``quorate cluster`` and ``quorate submit`` do and print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.cli._listing import print_json
from quorate.errors import RecipeError
from quorate.execution.ray import own_cluster as nodes_of_ours
from quorate.execution.ray import tokens as clusters
from quorate.execution.ray.tokens import Cluster
from quorate.report import console

if TYPE_CHECKING:
    from quorate.execution.progress import Progress
    from quorate.execution.ray.jobs import NodeState
    from quorate.report.report import Report


def up(nodes: int, cpus: int, home: Path | None, as_json: bool) -> None:
    """Start a cluster on this machine, or add nodes to it, and say how to use it."""
    place = _home(home)
    with console.counting(f"starting {console.plural(nodes, 'node')}"):
        started = nodes_of_ours.up(
            place, nodes, cpus, lambda address: sum(node.alive for node in _nodes(address, place))
        )
    if as_json:
        print_json(_plain(started))
        return
    option = f" --home {home}" if home else ""
    print(f"{console.plural(nodes, 'node')} at {started.address}; only who holds {started.token} can use them\n")
    print(f"  run on it       quorate run nasdaq --address {started.address}{option}")
    if started.jobs:
        print(f"  send a job      quorate submit nasdaq --address {started.jobs}{option}")
    else:
        print("  send a job      needs its job server: pip install 'quorate[cluster]'")
    print(f"  add nodes       quorate cluster up --nodes {nodes + 1}{option}")
    print(f"  look at it      quorate cluster status{option}")
    print(f"  stop it         quorate cluster down{option}")


def status(home: Path | None, as_json: bool) -> bool:
    """Print the nodes of our own cluster; return whether it is up."""
    place = _home(home)
    own = clusters.known_cluster(place)
    if own is None or not own.up:
        if as_json:
            print_json(None)
        else:
            left = "" if own is None else "; one ended by itself: quorate cluster down removes what is left of it"
            console.err().print(f"no cluster is up{left}; start one: quorate cluster up", markup=False)
        return False
    nodes = _nodes(own.address, place)
    if as_json:
        print_json({**_plain(own), "nodes": [asdict(node) for node in nodes]})
        return True
    print(f"address {own.address}" + (f", jobs {own.jobs}" if own.jobs else ""))
    columns = [("node", "left"), ("", "left"), ("", "left"), ("CPUs", "right"), ("GPUs", "right"), ("memory", "right")]
    cells = [
        (
            node.place,
            "head" if node.head else "",
            "alive" if node.alive else console.styled("dead", "red"),
            f"{node.cpus:g}",
            f"{node.gpus:g}",
            f"{node.memory / 2**30:.1f} GiB",
        )
        for node in nodes
    ]
    console.out().print(console.table(columns, [cells]))
    return True


def down(home: Path | None, as_json: bool) -> None:
    """Stop our own cluster."""
    with console.counting("stopping"):
        there = nodes_of_ours.down(_home(home))
    if as_json:
        print_json({"stopped": there})
    else:
        print("stopped" if there else "no cluster was up")


def submit(
    recipe: str,
    address: str,
    python: str,
    sets: Sequence[str],
    plugins: Sequence[Path],
    home: Path | None,
    progress: Progress,
) -> Report:
    """Send a run to a cluster, show what it says, and return its report."""
    from quorate.runs import submit as jobs

    return jobs.submit(
        recipe, address, python=python, home=home, plugins=plugins, overrides=sets, progress=progress, tell=_tell
    )


def attach(run: str, home: Path | None, progress: Progress, overrides: Sequence[str] = ()) -> Report | None:
    """Return the report of a run that was sent as a job, once it is finished; None, if this one was not."""
    from quorate.store import Home

    stored = Home(home).find(run, unfinished=True)
    if not (stored.path / "job.json").exists():
        return None
    from quorate.runs import submit as jobs

    if not jobs.is_job(stored):
        return None
    if overrides:
        raise RecipeError(
            f"cannot change how run {stored.id} is computed: it was sent to a cluster as a job, which began with the "
            f"settings it was sent with; asked was {', '.join(overrides)}. Leave out --set and --address to fetch it"
        )
    progress.close()
    return jobs.attach(stored, _tell)


def _tell(line: str) -> None:
    console.err().print(line, markup=False, soft_wrap=True)


def _home(home: Path | None) -> Path:
    from quorate.store import Home

    return Home(home).path


def _nodes(address: str, home: Path) -> list[NodeState]:
    from quorate.execution.ray import jobs as _ray_jobs

    os.environ.update(clusters.authentication(address, home, allow_insecure=False))
    return _ray_jobs.nodes(address)


def _plain(own: Cluster) -> dict[str, Any]:
    return {"address": own.address, "jobs": own.jobs, "token": str(own.token), "nodes": len(own.nodes)}
