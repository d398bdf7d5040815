"""Commands that bring a home to another place, and back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show, trusting, working
from quorate.errors import plural


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (backup, restore):
        app.command()(function)


@command
def backup(
    to: Annotated[str, typer.Argument(metavar="PLACE", help="A folder, or s3://BUCKET/FOLDER (gs://, az://).")],
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Bring a home to another place; what an earlier backup has there is not brought again.

    Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and the like.
    """
    from quorate.store import Home
    from quorate.store.backup import backup as bring

    with working() as progress:
        done = bring(Home(home), to, _telling(progress, "brought"))
    show({**done._asdict(), "place": to}, as_json, _render)


@command
def restore(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Where backups are: a folder, or s3://...")],
    name: Annotated[str, typer.Option("--backup", metavar="ID", help="Which.")] = "latest",
    ids: Annotated[bool, typer.Option("--list", help="List the backups that there are, and stop.")] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Write a home anew from a backup, each file checked against its hash."""
    from quorate.store import Home
    from quorate.store.backup import backups
    from quorate.store.backup import restore as write

    if ids:
        show(backups(place), as_json, lambda names: print("\n".join(names) or f"no backup at {place}"))
        return
    to = Home(home)
    with working() as progress:
        done = write(to, place, name, _telling(progress, "restored"))
    trusting(home, trust)
    show({**done._asdict(), "home": str(to.path), "trusted": trust}, as_json, _render)


def _telling(progress: Any, what: str) -> Any:
    def told(done: int, of: int) -> None:
        if done and done % 500 == 0:
            progress.note(f"{done:,} of {of:,} files {what}")

    return told


def _render(done: dict[str, Any]) -> None:
    held = f"backup {done['id']}: {plural(done['files'], 'file')}, {done['size'] / 1e6:,.1f} MB"
    if "place" in done:
        new = f"{done['brought']:,} of them new there, {done['brought_size'] / 1e6:,.1f} MB"
        print(f"{held}; {new}\nquorate restore {done['place']} --home DIR writes it anew")
        return
    asked = "" if done["trusted"] else "; it comes from elsewhere: where a command needs that, say --trust once"
    print(f"{held}, written to {done['home']}{asked}")
