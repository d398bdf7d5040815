"""Commands: what each says. The work is done elsewhere, and imported when it is asked for."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import _execution, _ledger
from quorate.cli._base import (
    EXIT,
    INTEGRITY,
    AddressOption,
    HomeOption,
    JsonOption,
    PluginOption,
    RecipeArgument,
    RunArgument,
    SetOption,
    command,
    on_cluster,
    print_json,
    printing,
    show_report,
    shown,
    working,
)
from quorate.errors import RecipeError

app = typer.Typer(
    help="Backtest ensembles of models on market data, and see whether the evidence is enough to promote them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
recipe_app = typer.Typer(help="Look at recipes.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(recipe_app, name="recipe")


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error arose.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    shown["traceback"] = traceback
    if version:
        from quorate import __version__

        print(f"quorate {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@app.command()
@command
def run(
    recipe: RecipeArgument,
    sets: SetOption = None,
    plugins: PluginOption = None,
    address: AddressOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe up to its holdout and give the development verdict."""
    from quorate.runs import run as api

    changes = on_cluster(sets, address)
    with working() as progress:
        report = api.run(recipe, home=home, plugins=plugins or (), overrides=changes, progress=progress)
    show_report(report, as_json)


@app.command()
@command
def promote(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Open the holdout of a run and judge it; exits like gate."""
    from quorate.runs import run as api

    with working() as progress:
        report = api.promote(run, home=home, progress=progress)
    with printing():
        show_report(report, as_json)
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@command
def gate(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print a run's gates; exits 0 pass, 10 fail, 11 insufficient, 12 integrity."""
    from quorate.report import console
    from quorate.runs.stored import load_report

    report = load_report(run, home=home)
    rows = [
        {"part": part, **gate}
        for part in ("development", "holdout")
        if report.results[part]
        for gate in report.results[part]["gates"]
    ]
    with printing():
        if as_json:
            print_json({"run": report.run_id, "verdict": report.verdict, "override": report.override, "gates": rows})
        else:
            from quorate.report.terminal import render_gates

            render_gates(report, console.out())
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@command
def audit(
    recipe: RecipeArgument,
    full: Annotated[bool, typer.Option("--full", help="With the recipe's own folds and parameters.")] = False,
    draws: Annotated[int, typer.Option(min=5, max=1000, help="Markets without anything to find.")] = 20,
    sets: SetOption = None,
    plugins: PluginOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for leaks in a recipe's pipeline; exits 12 if there is one."""
    from quorate.cli import _audit

    clean = _audit.show(recipe, sets or (), plugins or (), full, draws, home, as_json)
    raise typer.Exit(0 if clean else INTEGRITY)


@app.command()
@command
def report(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the report of a stored run."""
    from quorate.runs.stored import load_report

    show_report(load_report(run, home=home), as_json)


@app.command()
@command
def explain(
    run: RunArgument = "latest",
    by: Annotated[str, typer.Option(help="feature, or group: the features of a group together.")] = "feature",
    top: Annotated[int, typer.Option(min=1, help="How many of them to show, most important first.")] = 10,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which features a run's forecasts rest on, and whether beyond chance; fits its members again."""
    from quorate.cli import _explain

    _explain.show(run, by, top, home, as_json)


@app.command()
@command
def runs(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the stored runs, oldest first."""
    from quorate.cli import _listing

    _listing.runs(home, as_json)


@app.command()
@command
def reproduce(
    run: RunArgument = "latest", sets: SetOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Run a stored run again and say whether every number is identical; exits 1 if one is not."""
    from quorate.cli import _listing
    from quorate.runs.reproduce import reproduce as again

    with working() as progress:
        result = again(run, home=home, overrides=sets or (), progress=progress)
    with printing():
        _listing.reproduction(result, as_json)
    raise typer.Exit(0 if result.identical else 1)


@app.command()
@command
def predict(
    run: RunArgument = "latest",
    data: Annotated[str | None, typer.Option(help="A file or folder to read instead of the recipe's.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refit a run's members on all that is known and print the desired weights for the next bar."""
    from quorate.cli import _listing
    from quorate.runs.predict import predict as ahead

    with working() as progress:
        result = ahead(run, data=data, home=home, progress=progress)
    _listing.prediction(result, as_json)


@app.command()
@command
def plugins(
    kind: Annotated[str | None, typer.Option(help="Only this kind: model, feature, metric, ...")] = None,
    files: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """List plugins: name, kind, version, origin and state."""
    from quorate.cli import _listing

    _listing.plugins(kind, files or [], as_json)


@app.command()
@command
def new(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="model, feature, label, splitter, ensembler, strategy, ...")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What recipes call it, e.g. my-model.")],
    package: Annotated[bool, typer.Option("--package", help="A package with tests, to install and publish.")] = False,
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write a working plugin to start from: one commented file, or a package."""
    from quorate.cli import _new

    _new.new(kind, name, folder, package, as_json)


@app.command()
@command
def check(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="A .py file, a plugin, a package.")
    ] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An option of the plugin: name=value.")] = None,
    seconds: Annotated[float, typer.Option(help="Longest time for one rule.")] = 60.0,
    every: Annotated[bool, typer.Option("--all", help="Show every rule of every plugin.")] = False,
    list_rules: Annotated[bool, typer.Option("--rules", help="List the rules instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put plugins through the rules of their kind; exits 1 unless all hold."""
    from quorate.cli import _check

    if list_rules:
        _check.rules(as_json)
        return
    if not targets:
        raise RecipeError("check takes at least one TARGET: a plugin file, the name of a plugin, or a distribution")
    sound = _check.check(targets, sets or (), seconds, every, as_json)
    raise typer.Exit(0 if sound else 1)


@recipe_app.command("show")
@command
def recipe_show(
    recipe: RecipeArgument, sets: SetOption = None, plugins: PluginOption = None, as_json: JsonOption = False
) -> None:
    """Print a recipe with every default written out."""
    from quorate.cli import _listing

    _listing.recipe(recipe, sets or [], plugins or [], as_json)


@recipe_app.command("list")
@command
def recipe_list(as_json: JsonOption = False) -> None:
    """List the built-in recipes."""
    from quorate.cli import _listing

    _listing.plugins("recipe", [], as_json)


_execution.register(app)
_ledger.register(app)


def main() -> None:
    """Run the command line."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, e.g. >&-
            setattr(sys, name, io.StringIO())
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    app()


def entry() -> None:
    """Run the command line as a program of its own, which ends at once.

    Shutting down in order all that was imported takes up to a second, and more after Ctrl-C.
    """
    try:
        main()
    except SystemExit as e:
        if isinstance(e.code, int):
            with suppress(OSError, ValueError):  # nobody reads it
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(e.code)
        raise


def _interrupt(number: int, frame: object) -> None:
    """End as with Ctrl-C, so that workers and temporary folders do not stay behind."""
    raise KeyboardInterrupt
