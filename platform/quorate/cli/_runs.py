"""Commands about stored runs: what one could prove, their list, what is said of them, their trades and models."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import _bundle, options
from quorate.cli._base import check_page, command, in_browser, show, trusting, working
from quorate.errors import RecipeError

runs_app = typer.Typer(help="List the stored runs, and say what they are.", rich_markup_mode=None)

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(runs_app, name="runs")
    app.command()(plan)
    app.command()(compare)
    app.command()(trades)
    app.command()(predict)
    app.command("export-model")(export_model)
    _bundle.register(app)


@command
def plan(
    recipe: options.Recipe,
    draws: Annotated[int, typer.Option(min=10, max=1000, help="Surrogates of the bars per strength of edge.")] = 60,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Say what a recipe could prove on bars like these, before anything is fitted: the smallest edge its gates see."""
    from quorate.report.views.prove import render
    from quorate.runs.prove import prove

    with working() as progress:
        found = prove(recipe, home=home, plugins=plugins or (), overrides=sets or (), draws=draws, progress=progress)
    show(found.to_dict(), as_json, render)


@runs_app.callback(invoke_without_command=True)
@command
def runs(
    context: typer.Context,
    tag: Annotated[list[str] | None, typer.Option(help="Only runs with this tag; may be given again.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Only runs of the recipe of this name.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Only runs that ended so: PASS, FAIL or INSUFFICIENT.")] = None,
    find: Annotated[
        list[str] | None, typer.Option(help="Only runs with this word in id, name, data, tags or note; again: and.")
    ] = None,
    sort: Annotated[str, typer.Option(help="begun: oldest first; sharpe or verdict: best first.")] = "begun",
    limit: Annotated[int, typer.Option(min=0, help="How many: the newest, or the best; 0 for all.")] = 0,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List the stored runs, oldest first."""
    if context.invoked_subcommand is not None:
        return
    from quorate.report.views.runs import chosen, listed, render
    from quorate.store import Home

    verdict = verdict and verdict.upper()
    place = Home(home)
    every = listed(place.runs())
    rows = chosen(every, tags=tag or (), recipe=recipe, verdict=verdict, find=find or (), sort=sort, limit=limit)
    show(rows, as_json, lambda shown: render(shown, place.path, len(every)))


@runs_app.command("tag")
@command
def tag_run(
    run: options.Run,
    add: Annotated[list[str] | None, typer.Option(help="A tag to add; may be given again.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A tag to take away; may be given again.")] = None,
    note: Annotated[str | None, typer.Option(help="A remark; empty to take it away.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the run; empty for its own name again.")] = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Say what a run is: tags, a note, a name; without options, show what is said. Nothing that is sealed changes."""
    from quorate.report.views.runs import render_label
    from quorate.store import Home
    from quorate.store.label import read_label, write_label

    stored = Home(home).find(run)
    label = read_label(stored)
    changed = label.changed(add or (), remove or (), note, name)
    if changed != label:
        write_label(stored, changed)
    show({"run": stored.id, **asdict(changed)}, as_json, render_label)


@command
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Ids of runs, parts of them, or 'latest'.")],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as a page.")] = None,
    static: Annotated[bool, typer.Option("--static", help="The page without any script, for mail.")] = False,
    opened: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Whole lines without drawings, for screen readers.")] = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Compare runs with the first one: metrics and how sure differences are, gates that flip, recipes."""
    from quorate.report.pager import paged
    from quorate.report.views.compare import as_text, render
    from quorate.report.written import write

    if len(names) < 2:
        raise RecipeError("compare takes two runs or more: quorate runs lists them")
    from quorate.runs.compare import compare as beside

    check_page(html, static, opened)
    found = beside(*names, home=home)
    if html is not None:
        print(f"wrote {write(html, found.to_html(static))}", file=sys.stderr)
        if opened:
            in_browser(html)
        if not as_json:
            return
    if plain and not as_json:
        show(found, False, lambda one: print(as_text(one.document, one.growth()), end=""))
        return
    with paged():
        show(found.to_dict(), as_json, lambda document: render(document, found.growth()))


@command
def trades(
    run: options.Run = "latest",
    series: Annotated[str | None, typer.Option(help="NAME or NAME/STRATEGY; default: the judged series.")] = None,
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Write all trades as CSV; - for stdout.")] = None,
    sort: Annotated[str, typer.Option(help="A column, the smallest first.")] = "entered",
    limit: Annotated[int, typer.Option(min=0, help="How many of the last to show; 0 for all.")] = SHOWN,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List the trades of a run: when, what, at which prices, and what each earned net of costs."""
    from quorate.report.trades import ordered, round_trips, series_of, summary
    from quorate.report.views.trades import as_csv, render
    from quorate.runs.loaded import load_report

    if csv is not None and as_json:
        raise RecipeError("--csv and --json exclude each other")
    report = load_report(run, home=home)
    chosen = series_of(report, series)
    found = ordered(round_trips(report, chosen), sort)
    if csv == "-":
        show(found, False, lambda rows: print(as_csv(rows), end=""))
    elif csv is not None:
        _write(Path(csv), as_csv(found), len(found))
    else:
        document = {"run": report.run_id, "series": chosen, "summary": summary(found), "trades": found}
        show(document, as_json, lambda shown: render(shown, limit))


@command
def predict(
    run: options.Run = "latest",
    data: Annotated[str | None, typer.Option(help="A file or folder to read instead of the recipe's.")] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Refit nothing: use the kept models of the last fold.")] = False,
    version: Annotated[
        str | None, typer.Option(help="Use the models of a registered version: NAME, NAME@3, NAME@champion.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="With --version: as it was registered and staged by then.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="With --version: append what it says to the forward record.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Refit a run's members on all that is known, or use its kept models, and print the weights for the next bar."""
    from quorate.report.views.prediction import render
    from quorate.runs.predict import predict as ahead

    if as_of is not None and version is None:
        raise RecipeError("--as-of says which version: give --version NAME, too")
    if record and version is None:
        raise RecipeError("--record is for what is registered: give --version NAME, too")
    if version is not None and run != "latest":
        raise RecipeError("a version names its run: leave out RUN, or --version")
    trusting(home, trust)
    with working() as progress:
        if version is not None:
            from quorate.runs.registering import ModelRegistry

            chosen = ModelRegistry(home).get(version, as_of)
            result = chosen.predict(data, progress)
            if record:
                from quorate.serving.record import record_prediction

                entry = record_prediction(chosen, result, home)
                late = (
                    f", late: its order was due by {entry['due'][:16]}Z, so it is not scored" if entry["late"] else ""
                )
                progress.note(f"recorded as entry {entry['seq']} of the forward record{late}")
        else:
            result = ahead(run, data=data, kept=kept, home=home, progress=progress)
    show(asdict(result), as_json, render)


@command
def export_model(
    onnx: Annotated[Path, typer.Option("--onnx", metavar="FILE", help="The file to write.")],
    run: options.Run = "latest",
    model: Annotated[str | None, typer.Option(help="The member, where the run has several.")] = None,
    fold: Annotated[int | None, typer.Option(min=0, help="Whose model (default: the last fold's).")] = None,
    seed: Annotated[int | None, typer.Option(min=1, help="Which of its seeds, if it has several.")] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also write a network with weights of 8 bits, and say what that costs.")
    ] = False,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Write a fitted model of a run as ONNX, checked to predict the same there."""
    from quorate.report.views.model import render
    from quorate.runs.export_model import export_model as written

    trusting(home, trust)
    with working() as progress:
        found = written(run, onnx, model=model, fold=fold, seed=seed, int8=int8, home=home, progress=progress)
    show(found.to_dict(), as_json, render)


def _write(path: Path, text: str, count: int) -> None:
    """Write a file, or write it anew: a folder, a link or a device is left alone."""
    import sys

    from quorate.errors import plural, visible
    from quorate.store.files import regular, write_text

    there = path.exists()
    write_text(regular(path, "give another name, or - for stdout"), text)
    again = ", in place of what was there" if there else ""
    print(visible(f"{plural(count, 'trade')} written to {path}{again}"), file=sys.stderr)
