"""Our own cluster of Ray nodes: how to use it, and what its nodes are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quorate.errors import visible
from quorate.report import console


def render_started(cluster: Mapping[str, Any], nodes: int, home: Path | None) -> None:
    """Print where a cluster of so many nodes is, and the commands that use it; `home` is what the user gave."""
    option = f" --home {home}" if home else ""
    address, jobs = cluster["address"], cluster["jobs"]
    print(f"{console.plural(nodes, 'node')} at {address}; only who holds {cluster['token']} can use them\n")
    print(f"  run on it       quorate run nasdaq --address {address}{option}")
    if jobs:
        print(f"  send a job      quorate submit nasdaq --address {jobs}{option}")
    else:
        print("  send a job      needs its job server: pip install 'quorate[cluster]'")
    print(f"  add nodes       quorate cluster up --nodes {nodes + 1}{option}")
    print(f"  look at it      quorate cluster status{option}")
    print(f"  stop it         quorate cluster down{option}")


def render(cluster: Mapping[str, Any]) -> None:
    """Print where a cluster is, and its nodes."""
    print(f"address {visible(cluster['address'])}" + (f", jobs {cluster['jobs']}" if cluster["jobs"] else ""))
    columns = [("node", "left"), ("", "left"), ("", "left"), ("CPUs", "right"), ("GPUs", "right"), ("memory", "right")]
    cells = [
        (
            node["place"],
            "head" if node["head"] else "",
            "alive" if node["alive"] else console.Text("dead", "red"),
            f"{node['cpus']:g}",
            f"{node['gpus']:g}",
            f"{node['memory'] / 2**30:.1f} GiB",
        )
        for node in cluster["nodes"]
    ]
    console.out().print(console.table(columns, [cells]))


def render_none(left: bool) -> None:
    """Print that there is no cluster; `left`: one ended by itself."""
    more = "; one ended by itself: quorate cluster down removes what is left of it" if left else ""
    console.err().print(f"no cluster is up{more}; start one: quorate cluster up", markup=False)
