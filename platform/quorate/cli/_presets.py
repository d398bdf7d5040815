"""Commands about training presets: what there are, what each sets, and how they do on some bars."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show, working

presets_app = typer.Typer(
    help="Training presets: networks and how they are trained.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="PRESET", help="A name of `quorate training-preset list`.")]


dev_app = typer.Typer(help="Whether what is installed works here.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(presets_app, name="training-preset")
    app.add_typer(dev_app, name="dev")


@presets_app.command("list")
@command
def list_presets(as_json: options.Json = False) -> None:
    """List the training presets."""
    from quorate.pipeline.presets import DEFAULT, presets
    from quorate.report.views.presets import render_list

    rows = [{**one._asdict(), "default": name == DEFAULT} for name, one in presets().items()]
    show(rows, as_json, render_list)


@presets_app.command("show")
@command
def show_preset(preset: Name, plugins: options.Plugins = None, as_json: options.Json = False) -> None:
    """Show every setting of a training preset: those that it sets, and those that its network has."""
    from quorate.pipeline.presets import resolved
    from quorate.plugins.registry import Registry
    from quorate.report.views.presets import render_one

    document: dict[str, Any] = resolved(preset, Registry.load(plugins or ()))
    show(document, as_json, render_one)


@presets_app.command("compare")
@command
def compare_presets(
    what: Annotated[str, typer.Argument(metavar="RECIPE|DATA", help="A recipe, or bars: a file, a folder, a source.")],
    preset: Annotated[
        list[str] | None, typer.Option(help="A preset (default: fast, balanced, quality); may be given again.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many for each preset.")] = None,
    target: Annotated[str | None, typer.Option(help="Of bars of several symbols, which: SYMBOL_close.")] = None,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Train presets on the same bars, and say which are as good as legacy: within 5 %."""
    from quorate.pipeline.compared import compare_presets as compare
    from quorate.pipeline.presets import COMPARED
    from quorate.report.views.presets import render_compared

    with working() as progress:
        found = compare(
            what,
            preset or COMPARED,
            epochs=epochs,
            target=target,
            sets=sets or (),
            plugins=plugins or (),
            home=home,
            progress=progress,
        )
    show(found, as_json, render_compared)


@dev_app.command("quality")
@command
def quality(
    data: Annotated[str | None, typer.Option(help="Bars (default: a small simulated market).")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An option of the bars: data.NAME=VALUE.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At most so many for each network.")] = 5,
    as_json: options.Json = False,
) -> None:
    """Train, read again, export and trade each preset on little data; exits 1 if a check fails."""
    from quorate.pipeline.quality import check_quality, data_of
    from quorate.report.views.presets import render_quality

    with working() as progress:
        found = check_quality(data_of(data, sets or ()), epochs=epochs, progress=progress)
    show(found, as_json, render_quality)
    raise typer.Exit(0 if found["passed"] else 1)


def default() -> str:
    """Return the preset of `train model` without any."""
    from quorate.pipeline.presets import DEFAULT

    return DEFAULT


def of_type(architecture: str | None, model_type: str | None, preset: str | None) -> tuple[str | None, str | None]:
    """Return the model and the preset: a type that is a preset's name stands for its network, alone for all of it."""
    from quorate.pipeline.presets import ALIASES, presets
    from quorate.pipeline.presets import preset as preset_of

    if model_type is None or model_type not in (*presets(), *ALIASES):
        return architecture or model_type, preset
    if preset is None and architecture is None:
        return None, model_type
    return architecture or preset_of(model_type).model, preset
