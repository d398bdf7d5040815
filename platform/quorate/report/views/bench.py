"""How fast a network was trained by one process and by several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.report import console


def render_bench(document: Mapping[str, Any]) -> None:
    """Print windows a second, and the loss, a line for each number of processes."""
    target = console.out()
    target.print(
        f"{document['model']}, steps of {document['batch_size']} windows ({document['bars']} bars, "
        f"{document['features']} features), {document['threads']} thread each; {document['cpus']} CPUs: "
        f"{document['cpu']}",
        markup=False,
        highlight=False,
    )
    columns: list[console.Column] = [
        ("processes", "right", 0, lambda run: str(run["workers"])),
        ("device", "left", 76, lambda run: run["device"]),
        ("samples/s", "right", 0, lambda run: f"{run['samples_per_second']:,.0f}"),
        ("range", "right", 62, lambda run: f"{run['slowest']:,.0f} to {run['fastest']:,.0f}"),
        ("efficiency", "right", 0, lambda run: f"{run['efficiency']:.0%}"),
        ("loss", "right", 0, lambda run: f"{run['loss']:.6f}"),
    ]
    target.print(console.listing(columns, [document["runs"]], target.width))
    target.print(
        f"medians over epochs of {document['steps']} steps ({document['repeats']} after one that is not counted); "
        "efficiency: what each process does, as a share of what each does in the first line",
        markup=False,
        highlight=False,
    )
