"""Commands about a home as a whole: what of it can go, its layout, and who shares it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show
from quorate.cli._execution import size_of, span_of

home_app = typer.Typer(
    help="A home as a whole: its layout, and who shares it.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(prune)
    app.add_typer(home_app, name="home")


@command
def prune(
    budget: Annotated[
        str | None, typer.Option(help="What the home may take, such as 20GB: the longest unused goes first.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(help="Also what can be had again and was not used for so long: 30d, 12h.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; nothing is changed.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Remove of a home what nothing needs, and what a budget or an age asks for; exits 1 if the budget cannot hold.

    Never what a version, the ledger or a report needs.
    """
    from quorate.report.views.home import render_pruned
    from quorate.runs.retention import prune as take
    from quorate.store import Home

    found = take(Home(home), older_than=span_of(older_than), budget=size_of(budget, "--budget"), dry_run=dry_run)
    show({**found.to_dict(), "dry_run": dry_run}, as_json, render_pruned)
    raise typer.Exit(0 if found.holds else 1)


@home_app.command("upgrade")
@command
def home_upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, and stop there.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Bring a home that an earlier version made to today's layout; runs and their numbers stay what they are."""
    from quorate.report.views.home import render_upgrade
    from quorate.runs.upgrading import upgrade
    from quorate.store import Home

    show(upgrade(Home(home), dry_run).to_dict(), as_json, render_upgrade)


@home_app.command("share")
@command
def home_share(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="A group of this machine.")],
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Share a home with a group: its members read and write all of it, and the ledger has who decided what."""
    from quorate.store import Home
    from quorate.store.sharing import share

    place = Home(home)
    found = share(place.path, group)

    def render(_: Any) -> None:
        print(
            f"{place.path} is shared with {found.group}: rights of {found.changed:,} of {found.files:,} files and "
            "folders changed; each member gives --trust once to a command that asks for it"
        )

    show({**found._asdict(), "home": str(place.path)}, as_json, render)
