"""What a command is asked for: the command line over a configuration file over a preset over defaults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from quorate.errors import RecipeError, near_misses, one_of
from quorate.execution.resources import gpu_count
from quorate.pipeline.config import Asked, File, Loop, read_config
from quorate.pipeline.databases import bars_of_database
from quorate.pipeline.presets import preset as preset_of
from quorate.recipe.bar_files import EVERY, source_of

Command = Literal["tune", "train", "evaluate"]
MOST_STEPS = 10_000  # that one number stands for
# What a training loop is told, and under which names files have it.
LOOP = {
    "epochs": ("epochs", "n_epochs", "max_epochs"),
    "batch_size": ("batch_size", "batch"),
    "batch_tokens": ("batch_tokens",),
    "learning_rate": ("learning_rate", "lr"),
    "weight_decay": ("weight_decay",),
    "early_stopping_patience": ("early_stopping_patience", "early_stop_patience", "patience"),
    "early_stop_metric": ("early_stop_metric", "stop_on"),
    "precision": ("precision",),
}


@dataclass(frozen=True)
class Request:
    """What a command is asked for; what is None was not said.

    Parameters
    ----------
    architecture : str
        A model's plugin.
    target : str
        ``SYMBOL_close``, ``SYMBOL_open``, or either field alone.
    covariates : tuple of str
        Groups of features, or features, beside the price's own past.
    data : dict
        The recipe's table: source and options.
    params : dict
        Of the model.
    loop, said : dict
        What a training loop is told, by the names of `LOOP`: where the model has such options; and as typed.
    preset : str
        Of training: its network and its parameters, below all that is said.
    steps : tuple of int
        Horizons that are learnt at once, in bars.
    timeframe : str
        How far apart the bars must be, e.g. ``1h``.
    workers : int
        Processes that train the model.
    address : str
        The Ray cluster on which they do, ``HOST:PORT``.
    checkpoints : int
        How many of the best states of a training are kept beside the latest.
    resume : bool
        Go on with a training that was stopped.
    told : tuple of str
        What is not done as it was asked for, a line each.
    no_bars : str
        Which section asks for bars that no source reads.
    """

    architecture: str | None = None
    target: str | None = None
    covariates: tuple[str, ...] | None = None
    data: dict[str, Any] | None = None
    params: dict[str, Any] | None = None
    params_file: Path | None = None
    loop: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    preset: str | None = None
    steps: tuple[int, ...] | None = None
    timeframe: str | None = None
    trials: int | None = None
    timeout: float | None = None
    jobs: int | None = None
    seed: int | None = None
    workers: int | None = None
    address: str | None = None
    train_start: dt.date | None = None
    train_end: dt.date | None = None
    val_start: dt.date | None = None
    val_end: dt.date | None = None
    test_start: dt.date | None = None
    test_end: dt.date | None = None
    output_dir: Path | None = None
    metrics: tuple[str, ...] | None = None
    plot_format: str | None = None
    plugins: tuple[Path, ...] = ()
    sets: tuple[str, ...] = ()
    checkpoints: int | None = None
    resume: bool = False
    told: tuple[str, ...] = ()
    no_bars: str = ""


def gather(
    command: Command, given: Mapping[str, Any], config: Path | None = None, preset: str | None = None
) -> Request:
    """Return what is asked for.

    Parameters
    ----------
    given : mapping
        Of the command line, by the names of `Request`; None where nothing was said.
    config : Path, optional
        A configuration file.
    preset : str, optional
        Of training.

    Raises
    ------
    RecipeError
        For a file that is not valid, or an unknown preset.
    """
    preset = preset_of(preset).name if preset is not None else None
    file, told = _of_file(read_config(config, given.get("data") is None), command) if config is not None else ({}, [])
    said = {name: value for name, value in given.items() if value is not None}
    if "steps" in said:
        said["steps"] = steps_of(said["steps"], "--steps")
    typed, model = said.pop("loop", {}), said.pop("model", {})
    loop = {**file.pop("loop", {}), **typed}
    if "data" in said and (missing := file.pop("no_bars", None)):
        told.append(f"{missing}: the bars are those of --data")
    merged = {**file, **said}
    if "params_file" in said:
        merged.pop("params", None)
    if model:  # what was typed counts more than the file's section
        merged["params"] = {**(merged.get("params") or {}), **model}
    known = {one.name for one in fields(Request)}
    assert set(merged) <= known, set(merged) - known
    return Request(**merged, loop=loop, said=typed, preset=preset, told=tuple(told))


def bars_of(text: str, sources: list[str]) -> dict[str, Any]:
    """Return the recipe's table ``[data]`` for what was typed: a file, a folder or a pattern, or the name of a source.

    Raises
    ------
    RecipeError
        If it is neither.
    """
    path = Path(text)
    if text in sources and not path.exists():
        return {"source": text}
    is_path = path.exists() or "/" in text or any(c in text for c in "*?[") or path.name.lower().endswith(EVERY)
    if not is_path:
        raise RecipeError(
            f"--data takes a file or folder of bars, or a source ({one_of(sources)}); there is no {text!r}"
            f"{near_misses(text, sources)}"
        )
    return {"source": source_of(path), "path": text}


def steps_of(given: str | int | Sequence[int], where: str) -> tuple[int, ...]:
    """Return the horizons that were asked for: ``1,5,30``, a list, or ``30`` for 1 to 30.

    Raises
    ------
    RecipeError
        Unless they are at least two whole numbers from 1 on, ascending.
    """
    parts = str(given).split(",") if isinstance(given, str | int) else given
    try:
        steps = tuple(int(str(part)) for part in parts)
    except ValueError:
        steps = ()
    if len(steps) == 1 and isinstance(given, str | int) and steps[0] <= MOST_STEPS:
        steps = tuple(range(1, steps[0] + 1))
    if len(steps) < 2 or steps[0] < 1 or list(steps) != sorted(set(steps)):
        raise RecipeError(
            f"{where} must be at least two whole numbers of bars from 1 on, ascending, e.g. 1,5,30, or 30 for 1 to 30; "
            f"it was {given!r}"
        )
    return steps


def _of_file(file: File, command: Command) -> tuple[dict[str, Any], list[str]]:
    """Return what a file asks for, by the names of `Request`, and what is not done as it asks."""
    told: list[str] = []
    if command == "evaluate":  # what the model is was settled when it was trained
        return {**_own(file, command), **_bars(file, told)}, told
    found: dict[str, Any] = {}
    parts = (file.tuning, file.training) if command == "tune" else (file.training, file.tuning)
    for part in parts:  # the command's own section comes first
        for name, value in (_asked(part) if part is not None else {}).items():
            found.setdefault(name, value)
    if file.model is not None:
        model = file.model
        if kind := model.type or model.name or model.architecture:
            found.setdefault("architecture", kind)
        found["params"] = model.options
        if isinstance(model.input_dim, int):
            told.append(f"model.input_dim {model.input_dim}: a model reads as many features as there are")
    loops = [one for one in (file.training, file.train) if one is not None]
    found["loop"] = {k: v for one in loops for k, v in _loop(one).items()}
    told += [line for one in loops for line in _not_as_asked(one)]
    if file.training is not None and file.training.params is not None:
        given = file.training.params
        found |= {"params_file": Path(given)} if isinstance(given, str) else {"params": given}
    if seeds := [one.seed for one in (file.tuning, *loops) if one is not None and one.seed is not None]:
        found["seed"] = seeds[0]
    for name in ("workers", "checkpoints") if command == "train" else ():
        if said := [value for one in loops if (value := getattr(one, name)) is not None]:
            found[name] = said[0]
    if file.training is not None and file.training.steps is not None:
        found["steps"] = steps_of(file.training.steps, "training.steps")
    found |= _own(file, command)
    found |= _bars(file, told)
    if file.eval is not None:
        told.append("eval: threshold and confusion matrix are of classes; the forecast is one of a price")
    return found, told


def _asked(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(part, name, None) for name in ("train_start", "train_end")}
    found |= {name: getattr(part, name, None) for name in ("val_start", "val_end")}
    assert isinstance(part, Asked)
    covariates = part.covariates.split(",") if isinstance(part.covariates, str) else part.covariates
    found |= {
        "architecture": part.architecture or part.model_name,
        "target": part.target or (f"{part.asset_id}_close" if part.asset_id else None),
        "covariates": tuple(one.strip() for one in covariates) if covariates is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _own(file: File, command: Command) -> dict[str, Any]:
    """Return what is asked of this command alone."""
    found: dict[str, Any] = {}
    tuning, evaluation = file.tuning, file.evaluation
    if tuning is not None:
        jobs = tuning.n_jobs
        found |= {"trials": tuning.n_trials, "timeout": tuning.timeout, "jobs": None if jobs is None else max(jobs, 0)}
    if evaluation is not None:
        found |= {"test_start": evaluation.test_start, "test_end": evaluation.test_end}
        found |= {"metrics": tuple(evaluation.metrics or ()) or None, "plot_format": evaluation.plot_format}
    section = {"tune": tuning, "train": file.training, "evaluate": evaluation}[command]
    output = getattr(section, "output_dir", None)
    if output is None and file.output is not None and file.output.save_dir is not None:
        output = str(Path(file.output.save_dir, file.output.run_name or ""))
    found["output_dir"] = Path(output) if output is not None else None
    return {name: value for name, value in found.items() if value is not None}


def _bars(file: File, told: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    data = file.data
    if data is not None and (data.source or data.options):
        options = data.options
        if data.source is None and "path" not in options:
            raise RecipeError(f"data: it must name a source or a path, beside {one_of(options)}")
        source = {"source": data.source} if data.source else bars_of(str(options["path"]), [])
        found["data"] = {**source, **options}
    elif data is not None and data.npz_path:
        found["no_bars"] = f"data.npz_path ({data.npz_path}): no source reads NPZ files yet"
    elif file.database is not None:
        try:
            found["data"] = bars_of_database(file.database)
        except RecipeError as e:  # --data may say it
            found["no_bars"] = str(e)
    if data is not None:
        if data.valid_from_train or data.shuffle_train:
            told.append("data.valid_from_train, data.shuffle_train: a model's plugin says what is held back for it")
        if data.norm is not None:
            told.append(f"data.norm {data.norm!r}: each model scales as it does, by its training rows alone")
    if file.database is not None and data is not None and "data" in found:
        told.append("database: not asked, as the bars come from data")
    return found


def _loop(part: Loop) -> dict[str, Any]:
    values = {
        name: next((v for n in names if (v := getattr(part, n, None)) is not None), None)
        for name, names in LOOP.items()
    }
    if values["precision"] == "fp16" and not gpu_count():  # which is told
        del values["precision"]
    return {name: value for name, value in values.items() if value is not None}


def _not_as_asked(part: Loop) -> list[str]:
    told = []
    device = part.accelerator or part.device
    if device not in (None, "cpu", "auto"):
        there = "is there for models that take one" if gpu_count() else "is not there on this machine: the CPU fits"
        told.append(f"{'accelerator' if part.accelerator else 'device'} {device!r}: a GPU {there}")
    if part.devices not in (None, 1, "1", "auto"):
        told.append(f"devices {part.devices}: a fit takes as many as the model's plugin says")
    if part.precision == "fp16" and not gpu_count():
        told.append("precision fp16 takes a GPU, which is not there on this machine: it is left out")
    return told
