"""Commands about one model: tuning it, training it, evaluating it on days that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quorate.cli import _bench, _presets, options
from quorate.cli._base import command, printing, show, working
from quorate.cli._pipeline_options import (
    Architecture,
    Asset,
    Checkpoints,
    Config,
    Covariates,
    Data,
    Database,
    Decay,
    Dropout,
    Epochs,
    Hidden,
    Layers,
    Npz,
    Output,
    Patience,
    Preset,
    Rate,
    Resume,
    Rows,
    Seed,
    ShowRecipe,
    Steps,
    Target,
    Tokens,
    Trained,
    TrainEnd,
    TrainStart,
    Workers,
)
from quorate.errors import RecipeError

if TYPE_CHECKING:
    from quorate.pipeline.request import Command, Request


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (tune, train, evaluate):
        app.command()(function)
    _presets.register(app)
    _bench.register(app)


@command
def tune(
    architecture: Architecture = None,
    preset: Preset = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of every trial, of a model that has them.")] = None,
    target: Target = None,
    asset_id: Asset = None,
    covariates: Covariates = None,
    steps: Steps = None,
    n_trials: Annotated[int | None, typer.Option(min=1, help="Trials (default: 50).")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds after which no more trials are fitted.")] = None,
    n_jobs: Annotated[int | None, typer.Option(min=-1, help="Fits at a time (default: one per CPU).")] = None,
    train_start: TrainStart = None,
    train_end: TrainEnd = None,
    val_start: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day of validation (default: after training).")
    ] = None,
    val_end: Annotated[
        str | None, typer.Option("--val-end", "--end-date", metavar="DAY", help="Last day of validation.")
    ] = None,
    data: Data = None,
    db_url: Database = None,
    config: Config = None,
    seed: Seed = None,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    output: Output = None,
    show_recipe: ShowRecipe = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Tune a model on the training period, judge it on the validation period, and write best_params.json."""
    from quorate.pipeline import tune as room
    from quorate.report.views.pipeline import render_tuned

    given = {
        **_common(architecture, target, asset_id, covariates, data, db_url, seed, sets, plugins, output),
        "steps": steps,
        "trials": n_trials,
        "timeout": timeout,
        "jobs": None if n_jobs is None else max(n_jobs, 0),
        "loop": _said(epochs=epochs),
        **_days(train_start=train_start, train_end=train_end, val_start=val_start, val_end=val_end),
    }
    request = _request("tune", given, config, preset)
    if show_recipe:
        _show_recipe(room.show_recipe(request, home), request)
        return
    with working() as progress:
        _tell(request.told, progress)
        done = room.tune(request, home=home, progress=progress)
        _tell(done.told[len(request.told) :], progress)
    document = {
        "sweep": done.sweep.id,
        "params": done.params,
        "path": str(done.path),
        "sentences": done.sweep.document["sentences"],
        "told": done.told,
    }
    show(document, as_json, render_tuned)


@command
def train(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[model SYMBOL]", help="Another way to say --asset-id SYMBOL.")
    ] = None,
    architecture: Trained = None,
    model_type: Annotated[
        str | None, typer.Option(help="The model, or the preset whose network it is; goes before --preset.")
    ] = None,
    preset: Preset = None,
    epochs: Epochs = None,
    batch_size: Rows = None,
    batch_tokens: Tokens = None,
    lr: Rate = None,
    weight_decay: Decay = None,
    patience: Patience = None,
    hidden: Hidden = None,
    layers: Layers = None,
    dropout: Dropout = None,
    params: Annotated[Path | None, typer.Option(help="What tuning found: best_params.json.")] = None,
    target: Target = None,
    asset_id: Asset = None,
    covariates: Covariates = None,
    steps: Steps = None,
    train_start: TrainStart = None,
    train_end: TrainEnd = None,
    data: Data = None,
    npz: Npz = None,
    db_url: Database = None,
    config: Config = None,
    seed: Seed = None,
    checkpoints: Checkpoints = None,
    resume: Resume = False,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    output: Output = None,
    workers: Workers = None,
    address: options.Address = None,
    show_recipe: ShowRecipe = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Train a model on the training period and write model.safetensors, scaler.json and model.json."""
    asset_id = asset_id or _symbol(what)
    architecture, preset = _presets.of_type(architecture, model_type, preset)
    if what and architecture is None and preset is None and params is None and config is None:
        preset = _presets.default()
    loop = {"epochs": epochs, "batch_size": batch_size, "batch_tokens": batch_tokens, "learning_rate": lr}
    given = {
        **_common(architecture, target, asset_id, covariates, data, db_url, seed, sets, plugins, output),
        "params_file": params,
        "steps": steps,
        "workers": workers,
        "address": address,
        "checkpoints": checkpoints,
        "resume": resume,
        "loop": _said(**loop, weight_decay=weight_decay, early_stopping_patience=patience),
        "model": _said(hidden=hidden, layers=layers, dropout=dropout),
        **_days(train_start=train_start, train_end=train_end),
    }
    _train(given, config, preset, npz, home, show_recipe, as_json)


def _symbol(what: list[str] | None) -> str | None:
    """Return the symbol of ``model SYMBOL``."""
    if what and (len(what) != 2 or what[0] != "model"):
        raise RecipeError(f"train takes options, or `model SYMBOL`; it was {' '.join(what)!r}")
    return what[1] if what else None


def _train(
    given: dict[str, Any],
    config: Path | None,
    preset: str | None,
    npz: Path | None,
    home: Path | None,
    show_recipe: bool,
    as_json: bool,
) -> None:
    from quorate.pipeline import train as room
    from quorate.pipeline.config import read_config
    from quorate.report.views.pipeline import render_trained, render_windows

    request = _request("train", given, config, preset)
    file = read_config(config, npz is None and request.data is None) if config is not None else None
    if npz is None and request.data is None and file is not None and file.data is not None and file.data.npz_path:
        npz = Path(file.data.npz_path)
    if request.address and (request.workers or 1) == 1:
        raise RecipeError(f"--address {request.address}: one process trains here: add --workers 2, or leave it out")
    if npz is not None:
        from quorate.pipeline.npz_training import train_npz

        if show_recipe or request.data is not None or request.sets or request.params_file or request.steps:
            raise RecipeError(
                "--npz has windows and no bars: leave out --data, --set, --params, --steps and --show-recipe"
            )
        with working() as progress:
            found = train_npz(request, npz, file, progress, home)
            _tell(found.told, progress)
        show({**found.document, "files": list(map(str, found.files))}, as_json, render_windows)
        return
    if show_recipe:
        _show_recipe(room.show_recipe(request, home), request)
        return
    with working() as progress:
        done = room.train(request, home=home, progress=progress)
        _tell(done.told, progress)
    show(
        {**done.document, "folder": str(done.folder), "told": done.told, "also": list(map(str, done.files))},
        as_json,
        render_trained,
    )


@command
def evaluate(
    model: Annotated[Path, typer.Option(help="A trained model: its folder, model.json or model.safetensors.")],
    scaler: Annotated[Path | None, typer.Option(help="Its scaler.json (default: the one beside it).")] = None,
    test_start: Annotated[str | None, typer.Option(metavar="DAY", help="First day of the test.")] = None,
    test_end: Annotated[str | None, typer.Option(metavar="DAY", help="Last day of the test.")] = None,
    data: Data = None,
    db_url: Database = None,
    config: Config = None,
    sets: options.Sets = None,
    plugins: options.Plugins = None,
    output: Output = None,
    show_recipe: ShowRecipe = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Forecast days that a trained model has not seen, and write metrics.json, forecasts.csv and a picture."""
    from quorate.pipeline import evaluate as room
    from quorate.report.views.pipeline import render_evaluated

    given = {
        **_common(None, None, None, None, data, db_url, None, sets, plugins, output),
        **_days(test_start=test_start, test_end=test_end),
    }
    request = _request("evaluate", given, config)
    if show_recipe:
        _show_recipe(room.show_recipe(request, model, home), request)
        return
    with working() as progress:
        done = room.evaluate(request, model, scaler, home=home, progress=progress)
        _tell(done.told, progress)
    show(done.document, as_json, lambda document: render_evaluated(document, done.files))


def _common(
    architecture: str | None,
    target: str | None,
    asset: str | None,
    covariates: str | None,
    data: str | None,
    database: str | None,
    seed: int | None,
    sets: list[str] | None,
    plugins: list[Path] | None,
    output: Path | None,
) -> dict[str, Any]:
    """Return what all three commands take, by the names of a request."""
    if target is not None and asset is not None and not target.startswith(f"{asset}_"):
        raise RecipeError(f"--target {target} and --asset-id {asset} are not of the same symbol: give one of them")
    return {
        "architecture": architecture,
        "target": target or (f"{asset}_close" if asset is not None else None),
        "covariates": tuple(filter(None, map(str.strip, covariates.split(",")))) if covariates is not None else None,
        "data": _bars(data, database, plugins),
        "seed": seed,
        "sets": tuple(sets or ()),
        "plugins": tuple(plugins or ()),
        "output_dir": output,
    }


def _bars(data: str | None, database: str | None, plugins: list[Path] | None) -> dict[str, Any] | None:
    """Return the recipe's table of what is said of bars; what ``--data`` says comes first."""
    from quorate.pipeline.databases import bars_of_url
    from quorate.pipeline.request import bars_of
    from quorate.plugins.registry import Registry

    if data is not None:
        return bars_of(data, Registry.load(plugins or ()).names("source"))
    return None if database is None else bars_of_url(database)


def _said(**typed: Any) -> dict[str, Any]:
    return {name: value for name, value in typed.items() if value is not None}


def _days(**typed: str | None) -> dict[str, Any]:
    from quorate.pipeline.periods import day

    return {name: None if text is None else day(text, name.replace("_", "-")) for name, text in typed.items()}


def _request(name: Command, given: dict[str, Any], config: Path | None, preset: str | None = None) -> Request:
    from quorate.pipeline.request import gather

    return gather(name, given, config, preset)


def _show_recipe(text: str, request: Request) -> None:
    import sys

    for line in request.told:
        print(f"note: {line}", file=sys.stderr)
    with printing():
        print(text, end="")


def _tell(lines: Any, progress: Any) -> None:
    for line in lines:
        progress.warn(line)
