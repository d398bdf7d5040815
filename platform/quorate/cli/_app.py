"""Commands: what each says. The work is done elsewhere, and imported when it is asked for."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import (
    _alerts,
    _cluster,
    _data,
    _doctor,
    _execution,
    _ledger,
    _pipeline,
    _plugins,
    _runs,
    _serving,
    _sql,
    _sweep,
    _ui,
    _watch,
    completion,
    options,
)
from quorate.cli._base import (
    EXIT,
    INTEGRITY,
    check_page,
    command,
    in_browser,
    on_cluster,
    show,
    show_report,
    shown,
    trusting,
    working,
)
from quorate.cli._help import Root
from quorate.errors import RecipeError, near_misses, one_of
from quorate.execution.stream import keep_messages

app = typer.Typer(
    help="Backtest ensembles of models on market data, and see whether the evidence is enough to promote them.",
    cls=Root,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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
    recipe: options.Recipe,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    address: options.Address = None,
    params: Annotated[
        str | None, typer.Option(help="Parameters that a sweep found: its id, 'latest', or its best_params.json.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Bars of your own to run on; the recipe is made to fit them, as init does it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fitted, and stop there.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Run a recipe up to its holdout and give the development verdict."""
    changes = on_cluster(sets, address)
    if data is not None:
        changes = [*_data.on_bars(data, sets or ()), *changes]
    if params is not None:
        from quorate.runs.session import open_session
        from quorate.runs.swept import overrides_of, params_of

        found = params_of(params, home)
        models = open_session(recipe, home=home, plugins=plugins or (), overrides=changes).recipe.models
        changes = [*overrides_of(found, models), *changes]
    if dry_run:
        from quorate.report.views.plan import render
        from quorate.runs.plan import plan

        with working():  # its warnings are part of the answer
            planned = plan(recipe, home=home, plugins=plugins or (), overrides=changes)
        show(planned.to_dict(), as_json, render)
        return
    from quorate.runs import run as api

    with working() as progress:
        report = api.run(recipe, home=home, plugins=plugins or (), overrides=changes, progress=progress)
    show_report(report, as_json)


@app.command()
@command
def promote(
    run: options.Run = "latest",
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Open the holdout of a run and judge it; exits like gate."""
    from quorate.runs import run as api

    trusting(home, trust)
    with working() as progress:
        report = api.promote(run, home=home, progress=progress)
    show_report(report, as_json)
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@command
def gate(run: options.Run = "latest", home: options.Home = None, as_json: options.Json = False) -> None:
    """Print a run's gates; exits 0 pass, 10 fail, 11 insufficient, 12 integrity."""
    from quorate.report.rates import excess_text
    from quorate.report.terminal import render_gates
    from quorate.runs.loaded import load_report

    report = load_report(run, home=home)
    rows = [
        {"part": part, **gate}
        for part in ("development", "holdout")
        if report.results[part]
        for gate in report.results[part]["gates"]
    ]
    cash = {"cash": excess} if (excess := excess_text(report, "development")) else {}
    document = {"run": report.run_id, "verdict": report.verdict, "override": report.override, **cash, "gates": rows}
    show(document, as_json, lambda _: render_gates(report))
    raise typer.Exit(EXIT[report.verdict])


@app.command()
@command
def audit(
    recipe: options.Recipe,
    full: Annotated[bool, typer.Option("--full", help="With the recipe's own folds and parameters.")] = False,
    draws: Annotated[int, typer.Option(min=5, max=1000, help="Markets without anything to find.")] = 20,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Look for leaks in a recipe's pipeline; exits 12 if there is one."""
    from quorate.report.views.audit import render
    from quorate.runs import audit as api

    with working() as progress:
        found = api.audit(
            recipe, home=home, plugins=plugins or (), overrides=sets or (), full=full, draws=draws, progress=progress
        )
    show(found.to_dict(), as_json, render)
    raise typer.Exit(0 if found.clean else INTEGRITY)


@app.command()
@command
def report(
    run: options.Run = "latest",
    section: Annotated[
        str | None, typer.Option(help="Sections, separated by commas, e.g. months,members; 'all' for all of them.")
    ] = None,
    brief: Annotated[bool, typer.Option("--brief", help="What became of it, in some ten lines.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Whole lines without drawings, for screen readers.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write all of it as one page that opens in a browser.")] = None,
    static: Annotated[bool, typer.Option("--static", help="The page without any script, for mail.")] = False,
    opened: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write all of it as Markdown.")] = None,
    png: Annotated[Path | None, typer.Option(help="Draw its curves into this folder.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of --json, and stop.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Print the report of a stored run, or write it to files."""
    if schema:
        from quorate.report.schema import json_schema

        show(json_schema(), True, print)
        return
    from quorate.report import written
    from quorate.report.sections import BRIEF, named
    from quorate.runs.loaded import load_report

    if brief and section:
        raise RecipeError("--brief and --section exclude each other")
    if as_json and (brief or section or plain):
        raise RecipeError("--json has the whole report: leave out --section, --brief and --plain")
    check_page(html, static, opened)
    sections = BRIEF if brief else named(section) if section else ()
    found = load_report(run, home=home)
    files = [written.write(html, written.as_html(found, static))] if html else []
    files += [written.write(markdown, written.as_markdown(found))] if markdown else []
    files += written.draw(found, png) if png else []
    for path in files:
        print(f"wrote {path}", file=sys.stderr)
    if opened and html is not None:
        in_browser(html)
    if not files or as_json or section or brief or plain:
        if plain:
            show(found, False, lambda report: print(written.as_text(report, sections), end=""))
        else:
            show_report(found, as_json, sections, paging=True)


@app.command("explain-term")
@command
def explain_term(
    word: Annotated[
        str | None, typer.Argument(help="A word of the report, e.g. Sharpe; without it all are listed.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Say what a word of the report means, how it is reckoned, and where it comes from."""
    from quorate.report.glossary import GLOSSARY, find
    from quorate.report.views.glossary import render

    found = dict([find(word)]) if word is not None else GLOSSARY
    show({name: term._asdict() for name, term in found.items()}, as_json, render)


@app.command()
@command
def explain(
    run: options.Run = "latest",
    by: Annotated[str, typer.Option(help="feature, or group: the features of a group together.")] = "feature",
    top: Annotated[int, typer.Option(min=1, help="How many of them to show, most important first.")] = 10,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Say which features a run's forecasts rest on, and whether beyond chance; fits its members again."""
    from quorate.report.views.explanation import UNITS, render
    from quorate.runs import explain as api

    if by not in UNITS:
        raise RecipeError(f"--by must be one of {one_of(UNITS)}; it was {by!r}{near_misses(by, UNITS)}")
    trusting(home, trust)
    with working() as progress:
        found = api.explain(run, home=home, progress=progress)
    show(found.to_dict(), as_json, lambda document: render(document, by, top))


@app.command()
@command
def reproduce(
    run: options.Run = "latest",
    sets: options.Sets = None,
    ask_source: Annotated[
        bool, typer.Option("--ask-source", help="Also ask the source for its bars, and say which it has rewritten.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Run a stored run again and say whether every number is identical; exits 1 if one is not."""
    from quorate.report.views.reproduction import render
    from quorate.runs.reproduce import reproduce as again

    trusting(home, trust)
    with working() as progress:
        result = again(run, home=home, overrides=sets or (), ask_source=ask_source, progress=progress)
    show({**asdict(result), "identical": result.identical}, as_json, render)
    raise typer.Exit(0 if result.identical else 1)


for group in (
    _runs,
    _sql,
    _ui,
    _plugins,
    _sweep,
    _pipeline,
    _data,
    _execution,
    _doctor,
    _watch,
    _cluster,
    _ledger,
    _alerts,
    _serving,
    completion,
):
    group.register(app)


def main() -> None:
    """Run the command line."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, e.g. >&-
            setattr(sys, name, io.StringIO())
    keep_messages("stderr")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    if shell := os.environ.pop(completion.ASKED, ""):
        completion.answer(typer.main.get_command(app), shell, sys.argv[1:])
        raise SystemExit(0)
    app()


def entry() -> None:
    """Run the command line as a program of its own, which ends at once.

    Shutting down in order all that was imported takes up to a second, and more after Ctrl-C.
    """
    # Of this process: fits have threads of their own, and what is judged here is too small for several, which only
    # wait for each other. NumPy reads it when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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
