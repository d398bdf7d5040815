"""The command that watches what is going on."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, print_json
from quorate.errors import Interrupted, StoreError

if TYPE_CHECKING:
    from quorate.report.console import Console
    from quorate.report.live import Watched
    from quorate.store import Home

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's or sweep's id, a part of it, or 'latest'; without it what is going on now."
    ),
]
RESIZED = 0.2  # seconds after which another size of the terminal is noticed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(watch)


@command
def watch(
    run: Name = None,
    wait: Annotated[bool, typer.Option("--wait", help="If nothing is going on, wait until something is.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Print one picture, and stop.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two pictures.")] = 0.5,
    home: options.Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is known as JSON, and stop.")] = False,
) -> None:
    """Watch a run or a sweep while it goes on; leaving this leaves it alone."""
    from quorate.report import console
    from quorate.report.views.watch import beside, nothing
    from quorate.store import Home

    place, target = Home(home), console.out()
    watched = _chosen(place, run, interval if wait and not (once or as_json) else 0.0)
    if as_json:
        also = {"also": [one.run.id for one in watched[1:]]}
        print_json({**watched[0].to_plain(), **also} if watched else nothing(place))
        return
    if not watched or (run is None and watched[0].over):
        nothing(place, watched, target)
        return
    if not once and target.is_terminal and not target.is_dumb_terminal:
        _follow(watched, target, interval)
    if watched[0].state in ("removed", "damaged"):
        raise StoreError(watched[0].trouble or f"{watched[0].run.kind} {watched[0].run.id} was removed")
    target.print(beside(watched, target.width, sys.maxsize, console.unicode(target)))


def _chosen(place: Home, name: str | None, wait: float) -> list[Watched]:
    """Return what is to be watched, then what else is going on; if nothing is, the last run or sweep that was."""
    from quorate.report.live import Watched, going_on

    if name is not None:
        found = [Watched(place.find_either(name))]
    else:
        found = going_on(place)
        if not found and wait:
            print(f"nothing is going on in {place.path}: waiting until something is; Ctrl-C ends that", file=sys.stderr)
        while not found and wait:
            time.sleep(wait)
            found = going_on(place)
        if not found and (every := place.runs_and_sweeps()):
            found = [Watched(every[-1])]
    for one in found:
        one.update()
    return found


def _follow(watched: Sequence[Watched], target: Console, interval: float) -> None:
    """Show pictures until it is over."""
    from quorate.report.console import unicode
    from quorate.report.screen import Screen
    from quorate.report.views.watch import beside

    first, wide = watched[0], unicode(target)
    try:
        with Screen(target).taken() as screen:
            while True:
                screen.show(beside(watched, *screen.size, wide))
                if first.over:
                    return
                _pause(screen, interval)
                for one in watched:
                    one.update()
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            target.print(first.draw(target.width, sys.maxsize, wide))
        again = f"quorate watch {first.run.id}{first.run.home.option}"
        raise Interrupted(f"no longer watched; the {first.run.kind} itself was left alone: {again}") from None


def _pause(screen: Any, seconds: float) -> None:
    """Wait for the next picture, or for another size of the terminal."""
    until, size = time.monotonic() + seconds, screen.size
    while (left := until - time.monotonic()) > 0 and screen.size == size:
        time.sleep(min(left, RESIZED))
