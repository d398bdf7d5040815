"""Commands about what is done again and again, and the one that a timer calls."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working
from quorate.errors import RecipeError, StoreError, visible

schedule_app = typer.Typer(
    help="Run recipes again and again: weekly-full, daily-quick, by systemd or cron.", rich_markup_mode=None
)
BUSY = 75  # as sysexits.h has it: try again later

Preset = Annotated[str, typer.Argument(metavar="PRESET", help="weekly-full or daily-quick.")]
Recipe = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="A recipe; or a registered version, nasdaq@champion, to bring up to date."),
]
When = Annotated[
    str | None, typer.Option("--at", help="'Sat 06:00', 'Mon-Fri 18:30', '06:00' (default: the preset's).")
]
Zone = Annotated[str, typer.Option(help="The time zone of --at, such as Europe/Berlin (default: this machine's).")]
Promote = Annotated[
    bool, typer.Option("--promote", help="Also open the holdout, each time; what passes is registered.")
]
Sweep = Annotated[bool, typer.Option("--sweep", help="Tune first, and run what was found (weekly-full).")]
Only = Annotated[list[str] | None, typer.Option("--only", help="This member only; may be given again.")]
Cron = Annotated[bool, typer.Option("--cron", help="A line of the crontab, not a timer of systemd.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; else it is only shown.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(schedule_app, name="schedule")


@schedule_app.callback(invoke_without_command=True)
@command
def schedule(context: typer.Context, home: options.Home = None, as_json: options.Json = False) -> None:
    """List what is installed in a home: when it is due, and what became of it last; and the presets."""
    if context.invoked_subcommand is not None:
        return
    from quorate.report.views.schedules import render_list
    from quorate.serving.schedules import PRESETS, listed
    from quorate.store import Home

    presets = {name: {"at": one.at, "does": one.does} for name, one in PRESETS.items()}
    show({"presets": presets, "installed": listed(Home(home).path)}, as_json, render_list)


@schedule_app.command("show")
@command
def schedule_show(
    preset: Preset,
    recipe: Recipe,
    at: When = None,
    zone: Zone = "",
    promote: Promote = False,
    sweep: Sweep = False,
    only: Only = None,
    cron: Cron = False,
    count: Annotated[int, typer.Option("--next", min=1, max=100, help="How many of the next times to show.")] = 5,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show what would be installed, and the next times; nothing is changed."""
    from quorate.store import Home

    place = Home(home)
    made = _made(place, preset, recipe, at, zone, promote, sweep, only)
    show(_shown(made, place, _kind(cron), count), as_json, _render_shown)


@schedule_app.command("install")
@command
def schedule_install(
    preset: Preset,
    recipe: Recipe,
    at: When = None,
    zone: Zone = "",
    promote: Promote = False,
    sweep: Sweep = False,
    only: Only = None,
    cron: Cron = False,
    yes: Yes = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Have it started at its times from now on, by the user's systemd or crontab; with --yes, else it is shown."""
    from quorate.serving.timers import CRON, install, kind_here
    from quorate.store import Home

    place = Home(home)
    made = _made(place, preset, recipe, at, zone, promote, sweep, only)
    kind = CRON if cron else kind_here()
    if not yes or kind is None:
        show(_shown(made, place, kind or _kind(cron), 5), as_json, _render_shown)
        if kind is None:
            raise StoreError(
                "nothing was installed: neither systemd for users (systemctl --user) nor crontab is here; what was "
                "shown can be put where jobs are started"
            )
        print("nothing was changed: --yes installs it", file=sys.stderr)
        return
    install(made, place, kind)
    show({**_shown(made, place, kind, 1), "installed": True}, as_json, lambda _: print(
        f"installed: {visible(made.what)}, by {kind}, next {_times(made, 1)[0]}; quorate schedule lists it"
    ))  # fmt: skip


@schedule_app.command("remove")
@command
def schedule_remove(
    preset: Preset, recipe: Recipe, yes: Yes = False, home: options.Home = None, as_json: options.Json = False
) -> None:
    """Have it started no more; with --yes, else it is only said whether it is installed."""
    from quorate.serving.schedules import make_schedule
    from quorate.serving.timers import remove
    from quorate.store import Home, schedules

    place, made = Home(home), make_schedule(preset, recipe)
    if schedules.find(place.path, made.key(place.path)) is None:
        raise StoreError(f"{made.what} is not installed in {place.path}: quorate schedule lists what is")
    if yes:
        remove(made, place)
    told = f"removed: {made.what}" if yes else f"{made.what} is installed: --yes removes it"
    show({"what": made.what, "removed": yes}, as_json, lambda _: print(visible(told)))


@schedule_app.command("run")
@command
def schedule_run(
    preset: Preset,
    recipe: Recipe,
    promote: Promote = False,
    sweep: Sweep = False,
    only: Only = None,
    due: Annotated[bool, typer.Option("--due", help="Only if its time has come by the note in the home.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Do it now, as a timer does; exits 75 if another is at it, with --promote as promote."""
    from quorate.report.views.schedules import render_done
    from quorate.serving.scheduled import do, is_due
    from quorate.serving.schedules import make_schedule
    from quorate.store import Home
    from quorate.store.schedules import Busy

    place = Home(home)
    made = make_schedule(preset, recipe, promote=promote, sweep=sweep, only=tuple(only or ()))
    if due and not is_due(made, place):
        return
    try:
        with working() as progress:
            found = do(made, place, progress)
    except Busy as e:
        print(f"error: {visible(e)}", file=sys.stderr)
        raise typer.Exit(BUSY) from None
    show(found.to_dict(), as_json, render_done)
    raise typer.Exit(found.exit)


def _made(
    place: Any,
    preset: str,
    recipe: str,
    at: str | None,
    zone: str,
    promote: bool,
    sweep: bool,
    only: list[str] | None,
) -> Any:
    """Return the schedule that is asked for, its recipe looked at."""
    from quorate.serving.schedules import make_schedule, opened

    made = make_schedule(preset, recipe, at=at, zone=zone, promote=promote, sweep=sweep, only=tuple(only or ()))
    session = opened(made, place)
    if made.version and session.recipe.data.options.get("as_of"):
        raise RecipeError(f"{recipe} reads bars as of a date (data.as_of): there never are new ones; give a recipe")
    return made


def _kind(cron: bool) -> str:
    from quorate.serving.timers import CRON, SYSTEMD

    return CRON if cron else SYSTEMD


def _times(made: Any, count: int) -> list[str]:
    return [f"{one:%a %Y-%m-%d %H:%M %Z}" for one in made.times(dt.datetime.now(dt.UTC), count)]


def _shown(made: Any, place: Any, kind: str, count: int) -> dict[str, Any]:
    from quorate.serving.timers import timer_of
    from quorate.serving.times import At

    gap = At.parse(made.at, made.zone).left_out(dt.datetime.now(dt.UTC))
    return {
        **made.to_dict(),
        "what": made.what,
        "key": made.key(place.path),
        "by": kind,
        "next": _times(made, count),
        "left_out": str(gap) if gap else None,
        "texts": timer_of(made, place, kind).texts,
    }


def _render_shown(found: dict[str, Any]) -> None:
    from quorate.report.views.schedules import render_shown

    render_shown(found)
