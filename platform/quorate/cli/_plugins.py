"""Commands about plugins: listing, starting, checking and trying them, and looking at recipes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working
from quorate.errors import RecipeError, near_misses, one_of

if TYPE_CHECKING:
    from quorate.testing import Outcome

recipe_app = typer.Typer(help="Look at recipes.", no_args_is_help=True, rich_markup_mode=None)
plugins_app = typer.Typer(help="List plugins, or show one.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (new, check, audition):
        app.command()(function)
    app.add_typer(plugins_app, name="plugins")
    app.add_typer(recipe_app, name="recipe")


@plugins_app.callback(invoke_without_command=True)
@command
def plugins(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only this kind: model, feature, metric, ...")] = None,
    files: options.Plugins = None,
    as_json: options.Json = False,
) -> None:
    """List plugins, or show one: name, kind, version, origin and state."""
    if context.invoked_subcommand is None:
        _list(kind, files or (), as_json)


@plugins_app.command("show")
@command
def plugins_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As quorate plugins lists it.")],
    kind: Annotated[str | None, typer.Option(help="Its kind, where several have that name.")] = None,
    files: options.Plugins = None,
    as_json: options.Json = False,
) -> None:
    """Show all that a plugin tells of itself: what it is, where from, parameters, search space, how to use it."""
    from quorate.plugins.described import described, the_one
    from quorate.plugins.registry import Registry
    from quorate.report.views.plugins import render_one

    show(described(the_one(Registry.load(files or ()), name, kind)), as_json, render_one)


def _list(kind: str | None, files: Sequence[Path], as_json: bool) -> None:
    """List the plugins of a kind, and the broken ones, which may be of it."""
    from quorate.plugins.registry import Registry
    from quorate.plugins.specs import KINDS
    from quorate.report.views.plugins import listed, render

    if kind is not None and kind not in KINDS:
        raise RecipeError(f"--kind must be one of {one_of(KINDS)}; it was {kind!r}{near_misses(kind, KINDS)}")
    found = [plugin for plugin in Registry.load(files) if kind in (None, plugin.kind) or plugin.state == "broken"]
    show(listed(found), as_json, render)


@command
def new(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="model, feature, label, splitter, ensembler, strategy, ...")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What recipes call it, e.g. my-model.")],
    package: Annotated[bool, typer.Option("--package", help="A package with tests, to install and publish.")] = False,
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path(),
    as_json: options.Json = False,
) -> None:
    """Write a working plugin to start from: one commented file, or a package."""
    from quorate.cli import scaffold

    files = scaffold.new(kind, name, folder, package)
    after = scaffold.commands(kind, name, folder / name if package else files[0], package)
    lines = [*(f"wrote {path}" for path in files), "\nnext:\n", *(f"  {line}" for line in after)]
    show({"files": [str(path) for path in files]}, as_json, lambda _: print("\n".join(lines)))


@command
def check(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="A .py file, a plugin, a package.")
    ] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An option of the plugin: name=value.")] = None,
    seconds: Annotated[float, typer.Option(help="Longest time for one rule.")] = 60.0,
    every: Annotated[bool, typer.Option("--all", help="Show every rule of every plugin.")] = False,
    list_rules: Annotated[bool, typer.Option("--rules", help="List the rules instead.")] = False,
    as_json: options.Json = False,
) -> None:
    """Put plugins through the rules of their kind; exits 1 unless all hold."""
    from quorate.report.views import rules as view

    if list_rules:
        show(_rules(), as_json, view.render_rules)
        return
    if not targets:
        raise RecipeError("check takes at least one TARGET: a plugin file, the name of a plugin, or a distribution")
    found = list(_outcomes(targets, sets or (), seconds))
    sound = all(outcome.state in ("passed", "not-applicable", "excused") for outcome in found)
    document = {"sound": sound, "rules": [asdict(outcome) for outcome in found]}
    show(document, as_json, lambda checked: view.render(checked["rules"], sound, every))
    raise typer.Exit(0 if sound else 1)


@command
def audition(
    plugin: Annotated[str, typer.Argument(metavar="PLUGIN", help="Name of a model, or a .py file that offers one.")],
    recipes: Annotated[
        list[str] | None, typer.Option("--recipe", help="A recipe whose ensemble it may join; may be given again.")
    ] = None,
    params: Annotated[
        list[str] | None, typer.Option("--params", help="A parameter of the model: name=value; may be given again.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated/--no-simulated", help="Also on a planted market and on noise.")
    ] = True,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Say what a new model would add to a recipe's ensemble; fits nothing else that was fitted before."""
    from quorate.report.views.audition import render
    from quorate.runs.audition import audition as api

    markets: dict[str, Any] = {} if simulated else {"planted": None, "noise": None}
    with working() as progress:
        found = api(
            plugin,
            recipes or (),
            params=_given(params or (), "--params"),
            home=home,
            plugins=plugins or (),
            overrides=sets or (),
            progress=progress,
            **markets,
        )
    show(found.to_dict(), as_json, render)


def _given(settings: Sequence[str], option: str) -> dict[str, Any]:
    """Return options that are given as ``name=value``."""
    from quorate.recipe.load import nested_override

    given: dict[str, Any] = {}
    for item in settings:
        if not item.partition("=")[1]:
            raise RecipeError(f"{option} takes name=value, e.g. {option} alpha=0.5; it was {item!r}")
        given.update(nested_override(item))
    return given


def _rules() -> list[dict[str, Any]]:
    from quorate.plugins.specs import KINDS
    from quorate.testing import rules

    return [
        {"kind": kind, "rule": rule.name, "causal": rule.causal, "what": rule.summary}
        for kind in KINDS
        for rule in rules(kind)
    ]


def _outcomes(targets: Sequence[str], settings: Sequence[str], seconds: float) -> Iterator[Outcome]:
    """Check the targets, and say on a terminal where it is."""
    from quorate.report import console
    from quorate.testing.runner import outcomes

    given = _given(settings, "--set")
    for target in _expanded(targets):
        with console.counting(f"checking {target}") as tell:
            for outcome in outcomes(target, options=given, seconds=seconds):
                yield outcome
                tell(f"{outcome.kind} {outcome.plugin}: {outcome.rule}")


def _expanded(targets: Sequence[str]) -> Iterator[str]:
    """Yield the targets; for a folder its plugin files, as where folders are given to a run."""
    from quorate.plugins.local import plugin_files

    for target in targets:
        path = Path(target)
        if path.suffix == ".toml":
            raise RecipeError(f"{target} is a recipe: quorate recipe show {target} checks it; check takes plugins")
        if not path.is_dir():
            yield target
            continue
        files = plugin_files(path)
        if not files:
            raise RecipeError(f"the folder {target} holds no plugin file (*.py)")
        yield from map(str, files)


@recipe_app.command("show")
@command
def recipe_show(
    recipe: options.Recipe,
    explained: Annotated[
        bool, typer.Option("--explain", help="With a comment above each key that says what it means.")
    ] = False,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    as_json: options.Json = False,
) -> None:
    """Print a recipe with every default written out."""
    from quorate.execution.progress import Progress
    from quorate.recipe.explained import explain
    from quorate.recipe.resolve import to_plain, to_toml
    from quorate.report import console
    from quorate.runs.session import open_session

    class Told(Progress):
        def warn(self, message: str) -> None:
            console.err().print(f"warning: {message}", markup=False)

    if explained and as_json:
        raise RecipeError("--explain and --json exclude each other: JSON has no comments")
    session = open_session(recipe, plugins=plugins or (), overrides=sets or (), progress=Told())
    found, registry = session.recipe, session.registry
    show(
        to_plain(found),
        as_json,
        lambda _: print(
            explain(found, registry, get_terminal_size((100, 24)).columns) if explained else to_toml(found, registry),
            end="",
        ),
    )


@recipe_app.command("list")
@command
def recipe_list(as_json: options.Json = False) -> None:
    """List the built-in recipes."""
    _list("recipe", (), as_json)
