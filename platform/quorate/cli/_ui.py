"""The interactive window on a home."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command
from quorate.errors import QuorateError, RecipeError, near_misses, one_of

if TYPE_CHECKING:
    from quorate.report.browser import Doors
    from quorate.report.sections.model import Section
    from quorate.store import Home


ELSEWHERE = "quorate runs, report, compare and watch print the same"
GARBAGE = (20_000, 50, 100)  # how much is made between two looks for garbage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ui)


@command
def ui(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The run to begin with: its id, a part of it, or 'latest'.")
    ] = "",
    theme: Annotated[
        str | None, typer.Option(help="dark or light; default: as the terminal says of itself, else dark.")
    ] = None,
    home: options.Home = None,
) -> None:
    """Look at runs, sweeps and the ledger in an interactive window, and begin commands from there."""
    from quorate.report.browser import THEMES, Browser, theme_of_terminal
    from quorate.store import Home

    if theme is not None and theme not in THEMES:
        raise RecipeError(f"--theme must be {one_of(THEMES)}; it was {theme!r}{near_misses(theme, THEMES)}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise QuorateError(f"quorate ui needs a terminal; {ELSEWHERE} into a pipe")
    if (kind := os.environ.get("TERM", "")) in ("dumb", "unknown"):
        raise QuorateError(f"quorate ui needs a terminal that places text; TERM is {kind!r}; {ELSEWHERE} line by line")
    place = Home(home)
    first = place.find(run).id if run else ""

    # What is loaded stays: to look through it for garbage takes longer than a key may.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    Browser(place, doors_of(place), first, theme or theme_of_terminal()).run()


def doors_of(place: Home) -> Doors:
    """Return what the window asks of the rooms above it, on a home."""
    from quorate.report.browser import Doors
    from quorate.runs.loaded import load_report

    def sweep(name: str) -> Mapping[str, Any]:
        from quorate.runs.swept import load_sweep

        return load_sweep(name, home=place.path).document

    def compare(names: Sequence[str]) -> list[Section]:
        from quorate.report.views.compare import sections
        from quorate.runs.compare import compare as beside

        found = beside(*names, home=place.path)
        return sections(found.document, found.growth())

    def recipes() -> Sequence[str]:
        from quorate.plugins.registry import Registry

        return Registry.load().names("recipe")

    return Doors(lambda name: load_report(name, home=place.path), sweep, compare, recipes)
