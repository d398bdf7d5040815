"""Commands about training presets: what there are, what each sets, and how they do on some bars."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, show

presets_app = typer.Typer(
    help="Training presets: networks and how they are trained.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="PRESET", help="A name of `quorate training-preset list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(presets_app, name="training-preset")


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


def default() -> str:
    """Return the preset of `train model` without any."""
    from quorate.pipeline.presets import DEFAULT

    return DEFAULT
