"""Commands about runs in one file: written for others, and held against one's own computations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import EXIT, command, show, working

VERIFIED = {"VERIFIED": 0, "DIFFERENT": 1, "INSUFFICIENT": EXIT["INSUFFICIENT"]}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(bundle)
    app.command()(verify)


@command
def bundle(
    run: options.Run = "latest",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write (default: RUN.quorate.zip here).")
    ] = None,
    bars: Annotated[
        bool, typer.Option("--bars/--fingerprint", help="Put the bars themselves into it, or their fingerprint alone.")
    ] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Write a run into one file that others can verify: report, recipe, plugin files, and a hash tree of all fits."""
    from quorate.report.views.bundle import render_bundled
    from quorate.runs.bundle import bundle as written

    show(written(run, out, bars=bars, home=home).to_dict(), as_json, render_bundled)


@command
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle, from anyone.")],
    spot: Annotated[
        int,
        typer.Option(min=0, help="How many fits to compute again, chosen by the bundle's own hash; 0: hashes alone."),
    ] = 20,
    root: Annotated[
        str | None, typer.Option(metavar="HASH", help="The root of its hash tree, as you know it from elsewhere.")
    ] = None,
    word: Annotated[str, typer.Option(help="A word of your own, by which other fits are chosen.")] = "",
    bars: Annotated[
        str | None, typer.Option(metavar="PATH", help="Where the bars are: files of bars, or a home that keeps them.")
    ] = None,
    ask_source: Annotated[
        bool, typer.Option("--ask-source", help="Read the bars from the source that its recipe names.")
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Execute the plugin files of this bundle.")] = False,
    as_json: options.Json = False,
) -> None:
    """Verify a bundle: hashes, figures, and fits computed again; exits 1 if one differs, 11 if some went unchecked."""
    from quorate.report.views.bundle import render_verified
    from quorate.runs.verify import verify as verified

    with working() as progress:
        found = verified(
            file, spot=spot, root=root, word=word, bars=bars, ask_source=ask_source, trusted=trust, progress=progress
        )
    show(found.to_dict(), as_json, render_verified)
    raise typer.Exit(VERIFIED[found.verdict])
