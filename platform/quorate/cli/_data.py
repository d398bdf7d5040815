"""Commands about bars: looking at them, and a recipe that fits them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import _exports, _noted, _store, options
from quorate.cli._base import command, show, working
from quorate.errors import DataError, RecipeError

data_app = typer.Typer(
    help="Look at bars before they are traded, and keep them in a store.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    _store.register(data_app)
    data_app.command("action")(_noted.action)
    _exports.register(data_app)
    app.add_typer(data_app, name="data")


def on_bars(path: str, sets: Sequence[str]) -> list[str]:
    """Return the changes by which a recipe is on bars of one's own, and say what they are."""
    from quorate.report import console
    from quorate.runs.suggest import suggest

    with working():
        found = suggest(path, [item for item in sets if item.startswith("data.")])
    told = ", ".join(dict.fromkeys(f"[{change.partition('.')[0]}]" for change in found.overrides))
    console.err().print(
        f"{path}: {found.found}; {told} of the recipe are made to fit; quorate init {shlex.quote(str(path))} writes "
        f"them, with reasons, to {found.name}.toml",
        markup=False,
    )
    for line in found.lacks:
        console.err().print(f"missing: {line}", markup=False)
    return found.overrides


@data_app.callback()
def _data() -> None:
    """Look at bars before they are traded, and keep them in a store."""


@data_app.command("check")
@command
def check(
    path: Annotated[
        str | None, typer.Argument(help="Bars: a file, a folder, s3://... or https://...; a collection; or a recipe.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key of [data]: checks.stale=off; of a recipe any key; may be given again."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="What a run found in its bars, in place of PATH.")] = None,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Show each bar that is set apart.")] = False,
    store: _store.Store = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Say how bars are read, and what is to be asked about them; exits 1 if there is something."""
    from quorate.report.views.data import render
    from quorate.runs.doubts import check_collection, check_data, check_recipe, check_run
    from quorate.store.bars.store import BarStore

    if (path is None) == (run is None):
        raise RecipeError("say what to look at: quorate data check PATH, or --run RUN")
    if run is not None and sets:
        raise RecipeError("--run shows what was found when the run began: --set changes nothing of it")
    if path is None:
        found = check_run(run or "latest", home=home, quarantine=quarantine)
    else:
        with working() as progress:
            # A bare name is a collection's first; "./NAME" or "NAME/" is a path.
            kept = [one for one in BarStore(store, home).collections() if one.name == path]
            if kept:
                where = [
                    part
                    for name, value in (("--store", store), ("--home", home))
                    if value
                    for part in (name, str(value))
                ]
                found = check_collection(kept[0], sets or (), where=where, quarantine=quarantine, progress=progress)
            elif _is_recipe(path):
                found = check_recipe(path, sets or (), home=home, quarantine=quarantine, progress=progress)
            else:
                found = check_data(path, sets or (), quarantine=quarantine, progress=progress)
    show(found, as_json, render)
    if "refused" in found:
        raise DataError(found["refused"])
    raise typer.Exit(1 if found["doubts"] else 0)


def _is_recipe(path: str) -> bool:
    """Whether this names a recipe, and no bars."""
    from quorate.plugins.registry import Registry

    if Path(path).suffix in (".toml", ".yaml", ".yml"):
        return True
    return not Path(path).exists() and path in Registry.load(()).names("recipe")


@command
def init(
    path: Annotated[str, typer.Argument(help="A file of bars, a folder of them, or an address, s3:// or https://.")],
    out: Annotated[Path | None, typer.Option(help="The recipe to write (default: called as PATH is, here).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file, if it is there.")] = False,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Write this as it is: an option of the source, timezone=UTC, or any key, costs.fees=0.001."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Write a recipe that fits bars of your own, with the reason for each of its values."""
    from quorate.report.views.suggestion import render
    from quorate.runs.suggest import suggest
    from quorate.store.files import write_text

    with working():
        found = suggest(path, sets or ())
    file = out or Path(f"{found.name}.toml")
    if not overwrite and (file.exists() or file.is_symlink()):
        raise RecipeError(f"{file} is there already, and is left as it is: give another --out, or --overwrite")
    write_text(file, found.text)
    name = shlex.quote(str(file if len(file.parts) > 1 else f"./{file}"))
    following = [f"quorate run {name} --dry-run", f"quorate run {name}", "quorate promote"]
    show({**found.to_dict(), "file": str(file), "next": following}, as_json, render)
