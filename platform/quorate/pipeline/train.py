"""Training: one model fitted on the training period, and written as files that no code has to be run to read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import DataError, RecipeError
from quorate.execution import machine
from quorate.execution.choose import address_of_environment
from quorate.execution.executor import Remote
from quorate.execution.keeping import Learnt, learn, learn_in_parallel
from quorate.execution.key import version, with_keys
from quorate.execution.progress import Progress
from quorate.execution.ray.train import check_parallel
from quorate.execution.task import FitData, FitTask
from quorate.pipeline import artefact
from quorate.pipeline.learning import summary, write_course
from quorate.pipeline.periods import Period, check
from quorate.pipeline.request import Request
from quorate.pipeline.rows import alone, code_of, dataset_of, spec_of, task_of_fit, training_rows
from quorate.pipeline.steps import check_longest
from quorate.pipeline.translation import Opened, check_model, opened
from quorate.pipeline.tune import NOTES
from quorate.pipeline.watched import followed, watch_of
from quorate.plugins.code import code_digest
from quorate.plugins.specs import ModelSpec
from quorate.recipe.resolve import to_plain, to_toml
from quorate.recipe.schema import Recipe
from quorate.runs.driving import now
from quorate.runs.session import Session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.swept import BEST
from quorate.store.documents import read_document
from quorate.store.plain import check_plain

# What of a model's document says what is trained; its rows have a hash of their own.
TRAINED = ("architecture", "params", "seed", "features", "transforms", "label", "target", "training", "libraries")


class Trained(NamedTuple):
    """A trained model: where it lies, what its document says, what was not done as it was asked for, further files."""

    folder: Path
    document: dict[str, Any]
    told: list[str]
    files: list[Path]


class Prepared(NamedTuple):
    """What there is to train: the recipe, the period, what was tuned before, and as what it is asked for."""

    found: Opened
    training: Period
    tuned: dict[str, Any] | None
    request: Request


def prepare(request: Request, home: Path | None = None) -> Prepared:
    """Return what there is to train.

    Raises
    ------
    QuorateError
        For what is not there, or not valid.
    """
    params, notes, told = _given_params(request)
    request = _with(request, params, notes, told)
    if request.output_dir is not None:
        artefact.refuse_pickles(request.output_dir, "--output-dir", "the folder of all three")
    base = notes["recipe"] if notes else {}
    check_model(request, base)
    if request.train_end is not None:
        check(Period("training", request.train_start, request.train_end))
    found = opened(request, base, home, {"data": {"since": request.train_start, "until": request.train_end}})
    period = Period("training", request.train_start, request.train_end or found.bars.sessions[-1].item())
    [model] = found.table["models"]
    spec = spec_of(found.session, model)
    if spec.keeper() is None:
        kept = [n for n in found.session.registry.names("model") if found.session.registry.get(ModelSpec, n).state_dict]
        raise RecipeError(
            f"the model {model!r} cannot be kept in a file: its plugin has no state_dict, and nothing is pickled; "
            f"those at hand that can are {', '.join(sorted(kept))}"
        )
    check_longest(path := found.session.recipe.labels.path, period, len(found.bars))
    if (request.workers or 1) > 1:
        if path:
            raise RecipeError(
                f"--workers {request.workers}: several steps are learnt by one process: leave --workers out, or --steps"
            )
        check_parallel(spec, request.workers or 1)
        if (wanted := found.session.recipe.execution.executor) in ("serial", "processes"):
            raise RecipeError(
                f"--workers {request.workers} trains on Ray, and execution.executor is {wanted!r}: leave one out"
            )
    return Prepared(found, period, notes, request)


def show_recipe(request: Request, home: Path | None = None) -> str:
    """Return the recipe of a training as TOML."""
    session = prepare(request, home).found.session
    return to_toml(session.recipe, session.registry)


@in_usual_surroundings
def train(request: Request, *, home: Path | None = None, progress: Progress | None = None) -> Trained:
    """Fit a model on the training period, and write it.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    """
    ready = prepare(request, home)
    found, session = ready.found, ready.found.session
    [model] = found.table["models"]
    dataset, warned = dataset_of(session, model, found.bars, lambda rows: int(rows.bar[len(rows) // 2]))
    rows = training_rows(found.bars, dataset, ready.training.last)
    if not len(rows):
        ahead = f" of {session.recipe.labels.path[-1]} bars" if dataset.steps else ""
        raise DataError(
            f"no row trains: no label{ahead} had ended by {ready.training.last}, with all features before it"
        )
    task, end = task_of_fit(session, model, dataset.feature_names), len(found.bars)
    fold = Fold(0, end, end, rows, np.empty(0, dtype=np.int64))
    folder, data = request.output_dir or Path("models", session.recipe.name), FitData(dataset, (fold,))
    document, told = _document(ready, session, found.bars, dataset, fold, task), list(found.told)
    what = {name: document[name] for name in TRAINED if name in document} | {"rows": with_keys([task], data)[0].key}
    watch = watch_of(ready.request, folder, spec_of(session, model), session.registry, what)
    with followed(watch, progress):
        learnt = _learnt(data, replace(task, watch=watch), request, session, told)
    if learnt.course is not None:
        document["training"]["course"] = summary(learnt.course, learnt.peak_memory)
    written = artefact.write(folder, learnt.state, document)
    told, files = [*told, *session.warnings, *warned, *learnt.notes], []
    if learnt.course is not None:
        files = write_course(folder, task.model, learnt.course, document["training"]["course"], told)
    return Trained(folder, written, told, files)


def _learnt(data: FitData, task: FitTask, request: Request, session: Session, told: list[str]) -> Learnt:
    wanted = session.recipe.execution
    if (request.workers or 1) == 1:
        return learn(data, task, wanted.fit_seconds)
    address = request.address or wanted.address or address_of_environment()
    cluster = Remote(address, session.home.path, wanted.allow_insecure)
    return learn_in_parallel(
        data, replace(task, watch=None), request.workers or 1, cluster, wanted.fit_seconds, told.append
    )


def _given_params(request: Request) -> tuple[dict[str, Any] | None, dict[str, Any] | None, list[str]]:
    """Return the parameters of a file, what tuning wrote beside it, and what is odd about them."""
    path = request.params_file
    if path is None:
        return None, None, []
    artefact.refuse_pickles(path, "--params", BEST)
    check_plain(path, links=True)
    try:
        params = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise RecipeError(f"--params: cannot read {path}: {getattr(e, 'strerror', None) or e}") from None
    if not isinstance(params, dict):
        raise RecipeError(f"--params: {path} must hold a table of parameters, as tuning writes it")
    beside = path.parent / NOTES
    check_plain(beside, links=True)
    if not beside.is_file():
        return params, None, []
    notes = read_document(beside)
    if not isinstance(notes.get("recipe"), dict) or not isinstance(notes.get("periods"), dict):
        raise RecipeError(f"{beside} is not what tuning writes: remove it, or tune again")
    if notes.get("params_sha256") != artefact.sha256_of(path):
        return params, notes, [f"{path} is not as tuning wrote it"]
    return params, notes, []


def _with(request: Request, params: dict[str, Any] | None, notes: Mapping[str, Any] | None, told: list[str]) -> Request:
    """Return a request with what tuning knew, where the request says nothing."""
    more: dict[str, Any] = {"told": (*request.told, *told)}
    if notes is not None:
        training, validation = notes["periods"]["training"], notes["periods"]["validation"]
        more["architecture"] = request.architecture or notes["architecture"]
        if request.train_end is None:
            more["train_end"] = _day(validation[1])
            more["train_start"] = request.train_start or _day(training[0])
            if notes["architecture"] != more["architecture"]:
                more["told"] += (f"{NOTES} is of {notes['architecture']!r}: only its periods and bars are taken",)
    if params is not None:
        model = str(more.get("architecture", request.architecture))
        own = params.get(model) if isinstance(params.get(model), dict) else None  # as a sweep's file has it
        more["params"] = {**(own if own is not None else params), **(request.params or {})}
    return replace(request, **more)


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _document(
    ready: Prepared, session: Session, bars: Bars, dataset: Dataset, fold: Fold, task: FitTask
) -> dict[str, Any]:
    spec, plugin = spec_of(session, task.model), session.registry.find("model", task.plugin.name)
    tuned, recipe, provider = ready.tuned, alone(session, task.model), plugin.provider
    days = bars.sessions
    return {
        "created": now(),
        "architecture": task.model,
        "plugin": {
            "name": spec.name,
            "provider": provider.distribution or provider.name,
            "version": provider.version,
            "sha256": provider.local.sha256 if provider.local else None,
            "code": code_digest(spec.resolve(), provider.module, provider.local),
        },
        "params": dict(task.params),
        "seed": task.seed,
        "features": list(dataset.feature_names),
        **({"transforms": _transforms(recipe, session)} if recipe.features.transforms else {}),
        "label": {"name": recipe.labels.name, "horizon": recipe.labels.horizon, "fill": recipe.backtest.fill}
        | ({"steps": list(dataset.steps)} if dataset.steps else {}),
        "target": {"symbol": bars.symbols[0], "field": recipe.backtest.fill},
        "data": {"fingerprint": bars.fingerprint, "bars": len(bars), "first": str(days[0]), "last": str(days[-1])},
        "training": {
            "period": ready.training.to_plain(),
            "rows": len(fold.train),
            "first": str(days[dataset.bar[fold.train[0]]]),
            "last": str(days[dataset.bar[fold.train[-1]]]),
            "label_end": str(days[int(dataset.learnt_end[fold.train].max())]),
            **({"workers": ready.request.workers} if (ready.request.workers or 1) > 1 else {}),
        },
        "tuned": {k: tuned[k] for k in ("periods", "sweep", "kept", "params_sha256")} if tuned else None,
        "recipe": to_plain(recipe),
        "libraries": {need: version(need) for need in (*spec.requires, "numpy", "scipy")},
        "machine": machine.machine(),
    }


def _transforms(recipe: Recipe, session: Session) -> list[dict[str, Any]]:
    """Return what the features go through, step by step."""
    return [
        {"key": key, **step.model_dump(), "code": code_of(session, step.name)}
        for key, steps in recipe.features.transforms.items()
        if isinstance(steps, list)
        for step in steps
    ]
