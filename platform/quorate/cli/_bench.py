"""The command that measures how fast networks are trained."""

from __future__ import annotations

from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working
from quorate.errors import RecipeError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench-training")(bench_training)


@command
def bench_training(
    workers: Annotated[str, typer.Option(metavar="N,N", help="By how many processes, each time.")] = "1,2",
    model: Annotated[str, typer.Option("--model", "--architecture", help="The network: a name of its plugin.")] = "gru",
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of a step, which the processes share.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Steps of an epoch.")] = 50,
    repeats: Annotated[int, typer.Option(min=1, help="Epochs that are measured, after one that is not.")] = 3,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    address: options.Address = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Measure how fast one process and several train a network, and whether they learn the same."""
    from quorate.pipeline.bench import bench_training as bench
    from quorate.report.views.bench import render_bench

    counts = [int(one) if one.strip().isdecimal() else 0 for one in workers.split(",")]
    if min(counts) < 1:
        raise RecipeError(f"--workers takes numbers from 1 on, as in 1,2; it was {workers!r}")
    with working() as progress:
        found = bench(
            model,
            counts,
            batch_size=batch_size,
            steps=steps,
            repeats=repeats,
            device=device,
            plugins=plugins or (),
            address=address or "",
            home=home,
            progress=progress,
        )
    show(found, as_json, render_bench)
