"""Commands: what each says and how it ends. The work is done elsewhere, and imported when it is asked for.

Results go to stdout, all else to stderr. Exit codes: 0 the command did its work, 1 it failed, 2 the
recipe or the command line is wrong, 130 interrupted; `gate` and `promote`: 0 pass, 10 fail,
11 insufficient, 12 integrity.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from quorate.errors import IntegrityError, QuorateError, RecipeError

EXIT = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}
INTEGRITY = 12
JUDGING = ("gate", "promote")

app = typer.Typer(
    help="Backtest ensembles of models on market data, and see whether the evidence is enough to promote them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
recipe_app = typer.Typer(help="Look at recipes.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(recipe_app, name="recipe")

HomeOption = Annotated[Path | None, typer.Option(help="Where runs are kept (default: QUORATE_HOME, else .quorate).")]
PluginOption = Annotated[list[Path] | None, typer.Option("--plugin", help="A single-file plugin; may be given again.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: a.b=value; may be given again.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, a part of it, or 'latest'.")]
RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a built-in recipe, or a .toml file.")]

_show_traceback = False


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error arose.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    global _show_traceback
    _show_traceback = traceback
    if version:
        from quorate import __version__

        print(f"quorate {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@contextmanager
def _printing() -> Iterator[None]:
    """Print results; that nobody reads them to the end, as with `| head`, does not change how the command ends."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as e:
        what = e.filename or "cannot write the result"
        raise QuorateError(f"{what}: {e.strerror or e}") from e


@contextmanager
def _working() -> Iterator[Any]:
    """Show progress; what a plugin prints meanwhile is no result and goes to stderr."""
    from quorate import console

    progress = console.make_progress()
    try:
        with redirect_stdout(sys.stderr):
            yield progress
    finally:
        progress.close()


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn errors into messages and exit codes."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            with _printing():
                function(*args, **kwargs)
        except QuorateError as e:
            if _show_traceback:
                _print_traceback(e)
            print(f"error: {e}", file=sys.stderr)
            raise typer.Exit(_exit_code(e, function.__name__)) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(130) from None

    return guarded


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)


def _exit_code(error: QuorateError, command: str) -> int:
    if isinstance(error, IntegrityError) and command in JUDGING:
        return INTEGRITY
    return 2 if isinstance(error, RecipeError) else 1


@app.command()
@_command
def run(
    recipe: RecipeArgument,
    sets: SetOption = None,
    plugins: PluginOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe up to its holdout and give the development verdict."""
    from quorate import api

    with _working() as progress:
        report = api.run(recipe, home=home, plugins=plugins or (), overrides=sets or (), progress=progress)
    _show_report(report, as_json)


@app.command()
@_command
def promote(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Open the holdout of a run and judge it; exits like gate."""
    from quorate import api

    with _working() as progress:
        report = api.promote(run, home=home, progress=progress)
    with _printing():
        _show_report(report, as_json)
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@_command
def gate(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print a run's gates; exits 0 pass, 10 fail, 11 insufficient, 12 integrity."""
    from quorate import api, console

    report = api.load_report(run, home=home)
    rows = [
        {"part": part, **gate}
        for part in ("development", "holdout")
        if report.results[part]
        for gate in report.results[part]["gates"]
    ]
    with _printing():
        if as_json:
            _print_json({"run": report.run_id, "verdict": report.verdict, "gates": rows})
        else:
            from quorate.report.terminal import render_gates

            render_gates(report, console.out())
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@_command
def report(run: RunArgument = "latest", home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the report of a stored run."""
    from quorate import api

    _show_report(api.load_report(run, home=home), as_json)


@app.command()
@_command
def runs(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the stored runs, oldest first."""
    from quorate.cli import _listing

    _listing.runs(home, as_json)


@app.command()
@_command
def reproduce(
    run: RunArgument = "latest", sets: SetOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Run a stored run again and say whether every number is identical; exits 1 if one is not."""
    from quorate.cli import _listing
    from quorate.reproduce import reproduce as again

    with _working() as progress:
        result = again(run, home=home, overrides=sets or (), progress=progress)
    with _printing():
        _listing.reproduction(result, as_json)
    raise typer.Exit(0 if result.identical else 1)


@app.command()
@_command
def predict(
    run: RunArgument = "latest",
    data: Annotated[str | None, typer.Option(help="A file or folder to read instead of the recipe's.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refit a run's members on all that is known and print the desired weights for the next bar."""
    from quorate.cli import _listing
    from quorate.predict import predict as ahead

    with _working() as progress:
        result = ahead(run, data=data, home=home, progress=progress)
    _listing.prediction(result, as_json)


@app.command()
@_command
def plugins(
    kind: Annotated[str | None, typer.Option(help="Only this kind: model, feature, metric, ...")] = None,
    files: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """List plugins: name, kind, version, origin and state."""
    from quorate.cli import _listing

    _listing.plugins(kind, files or [], as_json)


@app.command()
@_command
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
@_command
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
@_command
def recipe_show(
    recipe: RecipeArgument, sets: SetOption = None, plugins: PluginOption = None, as_json: JsonOption = False
) -> None:
    """Print a recipe with every default written out."""
    from quorate.cli import _listing

    _listing.recipe(recipe, sets or [], plugins or [], as_json)


@recipe_app.command("list")
@_command
def recipe_list(as_json: JsonOption = False) -> None:
    """List the built-in recipes."""
    from quorate.cli import _listing

    _listing.plugins("recipe", [], as_json)


def _show_report(report: Any, as_json: bool) -> None:
    if as_json:
        _print_json(report.document)
        return
    from quorate import console
    from quorate.report.terminal import render

    render(report, console.out())


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=1, allow_nan=False))


def main() -> None:
    """Run the command line."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, e.g. >&-
            setattr(sys, name, io.StringIO())
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    app()


def _interrupt(number: int, frame: object) -> None:
    """End as with Ctrl-C, so that workers and temporary folders do not stay behind."""
    raise KeyboardInterrupt
