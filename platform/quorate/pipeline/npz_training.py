"""Training on the windows of an NPZ file, and a folder with all that came of it.

The latest share of the training windows is held back; by it the best epoch is chosen. Features are scaled as those
before it were. The test windows are forecast once, at the end: nothing is chosen by them.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quorate.errors import DataError, FitError, RecipeError, one_of
from quorate.execution.choose import address_of_environment
from quorate.execution.course import Course, course_of
from quorate.execution.executor import Remote
from quorate.execution.key import version
from quorate.execution.making import make_model
from quorate.execution.outputs import predict
from quorate.execution.progress import Progress
from quorate.execution.resources import Meter, gpu_count
from quorate.execution.state import restored, state_of
from quorate.execution.surroundings import under_limits
from quorate.execution.task import FitTask, fit_seed
from quorate.pipeline.config import File
from quorate.pipeline.names import check_heads, one_size, ours
from quorate.pipeline.npz import NpzWindows, Sequences, bars_of, read_npz
from quorate.pipeline.npz_metrics import beside_persistence, measured
from quorate.pipeline.npz_written import make_folder, write_all
from quorate.pipeline.presets import SEED, preset
from quorate.pipeline.request import LOOP, Request
from quorate.pipeline.watched import followed, latest_in, wanted, watch_of
from quorate.plugins.code import code_digest, modules_of
from quorate.plugins.options import DEVICE, defaults_of, options_of, resolve_options
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import TASK, task_of
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home

DEFAULTS = {True: "lstm-classifier", False: "mean-pool-regressor"}
NORMS = {"zscore": "z-score", "none": "none"}
HELD, THRESHOLD, FOLDER = 0.1, 0.5, "outputs"


class NpzTrained(NamedTuple):
    """What a training on windows came to: its folder, what was measured, and what was not done as it was asked for."""

    folder: Path
    document: dict[str, Any]
    files: list[Path]
    told: list[str]


class Settings(NamedTuple):
    """How windows are trained on, in full: the command line over the file over the preset over the network's own."""

    preset: str
    spec: ModelSpec
    params: dict[str, Any]
    seed: int
    held: float
    threshold: float
    pictures: bool


@in_usual_surroundings
def train_npz(
    request: Request,
    path: Path,
    file: File | None = None,
    progress: Progress | None = None,
    home: Path | None = None,
) -> NpzTrained:
    """Train a network on the windows of a file, and write what came of it.

    Parameters
    ----------
    request : Request
        Of it the architecture, preset, parameters, seed and folder count.
    path : Path
        The NPZ file.
    file : File, optional
        A configuration; its sections ``data``, ``eval`` and ``output`` are read, too.
    home : Path, optional
        Whose cluster may be meant, where several processes train on one.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    """
    began = time.perf_counter()
    windows = read_npz(path)
    loading = time.perf_counter() - began
    told, registry = list(windows.told), Registry.load(request.plugins)
    settings = settings_of(request, windows, file or File(), registry, told)
    cut = len(windows.X_train) - max(int(len(windows.X_train) * settings.held), 1)
    if cut < 2:
        raise DataError(f"{path}: {len(windows.X_train)} training windows are too few to hold some back")
    task = FitTask(
        model=settings.spec.name,
        fold=0,
        plugin=reference(registry, "model", settings.spec.name),
        params={**settings.params, TASK: task_of(windows.binary)},
        seed=fit_seed(settings.seed, settings.spec.name),
        threads=settings.spec.cpus,
        binary=windows.binary,
    )
    spec = settings.spec.for_label(task_of(windows.binary), settings.params)
    folder = _folder(request, file)
    model, course, peak_memory, notes = _trained(
        spec, task, settings, registry, windows, cut, request, folder, Home(home), progress, told
    )
    parts = {"valid": (windows.X_train[cut:], windows.y_train[cut:]), "test": (windows.X_test, windows.y_test)}
    forecasts, _ = under_limits(
        task, lambda: {name: predict(model, spec, X, windows.binary)[0] for name, (X, _) in parts.items()}
    )
    metrics = {name: measured(y, forecasts[name], windows.binary, settings.threshold) for name, (_, y) in parts.items()}
    if not windows.binary and windows.X_train.shape[2] == 1:
        for name, (X, y) in parts.items():
            metrics[name] |= beside_persistence(metrics[name], X, y, name, told)
    document, files = write_all(
        folder,
        state_of(spec, model),
        config=_config(path, settings, windows, request.workers or 1),
        stats=_stats(windows.X_train[:cut], str(settings.params.get("norm", "z-score"))),
        metrics=metrics,
        course=course,
        peak_memory=peak_memory,
        loading=loading,
        classes={n: (y, forecasts[n] >= settings.threshold) for n, (_, y) in parts.items()}
        if windows.binary and settings.pictures
        else {},
        told=told,
    )
    document |= {"weights": getattr(model, "n_weights", None), "workers": request.workers or 1}
    return NpzTrained(folder, document, files, [*told, *notes])


def settings_of(request: Request, windows: NpzWindows, file: File, registry: Registry, told: list[str]) -> Settings:
    """Return how windows are trained on."""
    chosen = preset(request.preset or DEFAULTS[windows.binary])
    if chosen.task and chosen.task != task_of(windows.binary):
        raise RecipeError(
            f"--preset {chosen.name} is for {chosen.task}, and the labels of the file are for {task_of(windows.binary)}"
        )
    names = [n for n in registry.at_hand("model") if registry.get(ModelSpec, n).input == "windows"]
    name = (request.architecture or chosen.model).lower().replace("_", "-")
    if name not in names:
        raise RecipeError(f"--model must be one that reads windows, {one_of(names)}; it was {name!r}")
    spec = registry.get(ModelSpec, name)
    if windows.unequal and not spec.lengths:
        able = [n for n in names if registry.get(ModelSpec, n).lengths]
        raise RecipeError(
            f"the model {name!r} reads windows of one length, and the sequences of the file are of several; those that "
            f"read any: {one_of(able)}"
        )
    known = options_of(spec)
    given = {key: value for key, value in chosen.params.items() if key in known}
    data = file.data
    if data is not None and data.norm is not None:
        given["norm"] = NORMS[data.norm]
    if data is not None and data.shuffle_train is False:
        told.append(
            "data.shuffle_train: each epoch takes the training windows in an order of its own; those that are held "
            "back, and the test, are in no step"
        )
    if "device" in known:
        given["device"] = _device(file, told)
    for key, value in request.loop.items():
        option = next((one for one in LOOP[key] if one in known), None)
        if option is None:
            raise RecipeError(f"{key}: the model {name!r} has no such option")
        given[option] = value
    own = ours(request.params or {}, known, name)
    given = one_size({**given, **own}, {*request.loop, *own})
    given["lookback"] = windows.X_train.shape[1]
    check_heads({**defaults_of(spec), **given}, known, name)
    params = resolve_options(spec, given, f"the model {name!r}")
    if spec.keeper() is None:
        raise RecipeError(f"the model {name!r} cannot be kept in a file: its plugin has no state_dict")
    shown = file.eval
    return Settings(
        chosen.name,
        spec,
        params,
        SEED if request.seed is None else request.seed,
        HELD if data is None or data.valid_from_train is None else _share(data.valid_from_train),
        THRESHOLD if shown is None or shown.threshold is None else float(shown.threshold),
        shown is None or shown.save_cm is not False,
    )


class _Trained(NamedTuple):
    """The model, how its training went, the most bytes that its process held, and warnings."""

    model: Any
    course: Course | None
    peak_memory: int
    notes: tuple[str, ...]


def _trained(
    spec: ModelSpec,
    task: FitTask,
    settings: Settings,
    registry: Registry,
    windows: NpzWindows,
    cut: int,
    request: Request,
    folder: Path,
    home: Home,
    progress: Progress | None,
    told: list[str],
) -> _Trained:
    took = Meter()
    what = _what(task, settings, windows) if wanted(request) or request.resume else {}
    watch = watch_of(request, folder, settings.spec, registry, what)
    for name in ("scipy.linalg", *modules_of(spec.requires)):
        import_module(name)  # a library that a fit loads has it made once more, see `under_limits`
    if (request.workers or 1) > 1:
        cluster = Remote(request.address or address_of_environment(), home.path)
        return _by_several(spec, task, windows, cut, request.workers or 1, cluster, told)
    task = replace(task, watch=watch)
    with followed(watch, progress):
        (model, course), notes = under_limits(task, lambda: _fitted(spec, task, windows, cut))
    return _Trained(model, course, took()[2], notes)


def _by_several(
    spec: ModelSpec, task: FitTask, windows: NpzWindows, cut: int, workers: int, cluster: Remote, told: list[str]
) -> _Trained:
    """Return what came of a training by several processes."""
    from quorate.execution.ray.train import train_in_parallel

    parts = [(windows.X_train[rows], windows.y_train[rows]) for rows in (slice(cut), slice(cut, None))]
    found = train_in_parallel(task, parts[0], parts[1], workers, cluster, warn=told.append)
    here = replace(task, params={**task.params, **({DEVICE: "cpu"} if DEVICE in task.params else {})})
    model = restored(spec, make_model(spec.resolve(), here, spec), found.state)
    return _Trained(model, found.course, found.peak_memory, found.notes)


def _fitted(spec: ModelSpec, task: FitTask, windows: NpzWindows, cut: int) -> tuple[Any, Course | None]:
    """Return the fitted model, and how it was trained."""
    model = make_model(spec.resolve(), task, spec)
    held = windows.X_train[cut:], windows.y_train[cut:]
    try:
        model.fit(windows.X_train[:cut], windows.y_train[:cut].copy(), validation=held)
    except ValueError as e:
        raise FitError(f"model {task.model!r}: {e}") from e
    return model, course_of(spec, model, cut)


def _folder(request: Request, file: File | None) -> Path:
    """Return the folder of a training: a new one, or that which is gone on with."""
    parent, name = Path(request.output_dir or FOLDER), _run_name(file)
    if not request.resume:
        return make_folder(parent, name)
    return latest_in(parent / name if name else parent)


def _what(task: FitTask, settings: Settings, windows: NpzWindows) -> dict[str, Any]:
    """Return what is trained, as JSON holds it."""
    spec, digest = settings.spec, hashlib.sha256()
    X, lengths = windows.X_train, () if isinstance(windows.X_train, np.ndarray) else (windows.X_train.lengths,)
    for array in (bars_of(X), windows.y_train, *lengths):
        digest.update(np.ascontiguousarray(array).data)
    return {
        "model": spec.name,
        "params": {k: list(v) if isinstance(v, tuple) else v for k, v in task.params.items()},
        "seed": settings.seed,
        "valid_from_train": settings.held,
        "windows": digest.hexdigest(),
        "code": code_digest(spec.resolve(), task.plugin.module, task.plugin.local),
        "libraries": {need: version(need) for need in (*spec.requires, "numpy")},
    }


def _stats(X: Sequences, norm: str) -> dict[str, list[float]]:
    """Return mean and deviation of the features over all training windows and bars; a deviation of 0 counts as 1."""
    flat = bars_of(X).astype(np.float64)
    if norm != "z-score":
        return {"mu": [0.0] * flat.shape[1], "sd": [1.0] * flat.shape[1]}
    sd = flat.std(axis=0)
    return {"mu": flat.mean(axis=0).tolist(), "sd": np.where(sd > 1e-8, sd, 1.0).tolist()}


def _config(path: Path, settings: Settings, windows: NpzWindows, workers: int) -> dict[str, Any]:
    """Return the configuration in full, in the form that ``--config`` takes."""
    loop = {
        "epochs",
        "batch_size",
        "batch_tokens",
        "learning_rate",
        "weight_decay",
        "patience",
        "stop_on",
        "norm",
        "lookback",
        "device",
    } | {"valid_ratio", "valid_blocks"}
    params = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.params.items()}
    norm = {v: k for k, v in NORMS.items()}.get(str(params.get("norm")))
    train: dict[str, Any] = {}
    size = "batch_tokens" if params.get("batch_tokens") else "batch_size"
    for key in ("epochs", size, "learning_rate", "weight_decay"):
        if key in params:
            train[key] = params[key]
    if "patience" in params:
        train["early_stop_patience"] = params["patience"]
    train["early_stop_metric"] = params.get("stop_on") or ("auc" if windows.binary else "val_loss")
    train |= {"seed": settings.seed, **({"workers": workers} if workers > 1 else {})}
    found: dict[str, Any] = {
        "data": {"npz_path": str(path), "valid_from_train": settings.held, **({"norm": norm} if norm else {})},
        "model": {"type": settings.spec.name, **{k: v for k, v in params.items() if k not in loop}},
        "train": train,
    }
    if windows.binary:
        found["eval"] = {"threshold": settings.threshold, "save_cm": settings.pictures}
    return found


def _device(file: File, told: list[str]) -> str:
    """Return ``cuda``, where it is asked for, or left open, and there."""
    asked = next((v for one in (file.train, file.training) if one and (v := one.device or one.accelerator)), "auto")
    if asked == "cpu" or (asked in ("auto", "cuda", "gpu") and gpu_count()):
        return "cpu" if asked == "cpu" else "cuda"
    if asked != "auto":
        told.append(f"device {asked!r} is not there, or networks do not use it: the CPU trains")
    return "cpu"


def _run_name(file: File | None) -> str | None:
    return file.output.run_name if file is not None and file.output is not None else None


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise RecipeError(f"data.valid_from_train must be between 0 and 1; it was {value}")
    return float(value)
