"""Tuning: a sweep of one model on the training period, judged on the validation period.

1. What is asked for becomes a recipe, `translation`: bars from the beginning of training to the end of validation;
   what lies after is cut off as soon as it is read.
2. `runs.sweep` tries parameters on inner folds of the training period, and judges what was found, beside the recipe's
   own, on the validation period. One that was interrupted goes on; one that is finished is only read.
3. ``best_params.json`` holds what is kept, ``tuning.json`` how it came about: `train` goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quorate.errors import QuorateError, RecipeError, one_of, plural
from quorate.execution.executor import Executor
from quorate.execution.progress import Progress
from quorate.pipeline.artefact import sha256_of
from quorate.pipeline.names import written
from quorate.pipeline.periods import DAY, Period, check, check_adjacent
from quorate.pipeline.request import LOOP, Request
from quorate.pipeline.steps import check_longest
from quorate.pipeline.translation import Opened, check_model, opened
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.digest import recipe_digest
from quorate.recipe.resolve import to_plain, to_toml, with_sampler
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.sweep import resume_sweep, sweep
from quorate.runs.swept import BEST, Sweep, load_sweep
from quorate.store import Home
from quorate.store.files import write_json

PLACES = ("execution", "artefacts")  # of a recipe, what says where, and not what
NOTES = "tuning.json"
TRAINED = 0.8  # share of the days up to the end of validation, where nothing else is said


class Tuned(NamedTuple):
    """What tuning came to.

    Parameters
    ----------
    sweep : Sweep
        The trials and the verdict.
    params : dict
        What is kept of the model's search space.
    path : Path
        The file that holds it.
    told : list of str
        What was not done as it was asked for, and what was there already.
    """

    sweep: Sweep
    params: dict[str, Any]
    path: Path
    told: list[str]


def recipe_of(request: Request, home: Path | None = None) -> tuple[Opened, Period, Period]:
    """Return the recipe of a tuning, and the periods of training and validation.

    Raises
    ------
    QuorateError
        For what is not there, not valid, or overlaps.
    """
    check_model(request, {})
    request, halved = _with_training(request, home)
    training, validation = _periods(request)
    assert validation.first
    more: dict[str, Any] = {
        "data": {"until": validation.last, **({"since": training.first} if training.first else {})},
        "folds": {"splitter": "anchored", "first": training.last + DAY},
        "tuning": {
            **({} if request.trials is None else {"trials": request.trials}),
            **({} if request.timeout is None else {"timeout": float(request.timeout)}),
        },
    }
    if request.jobs is not None:
        more["execution"] = {"workers": request.jobs}
    found = opened(request, {}, home, more)
    found.told.extend(halved)
    [model] = found.table["models"]
    tuning = found.table["tuning"]
    ranges = dict(tuning.get("space", {}))
    if fixed := _fixed(request, found.session.registry, model):
        ranges[model] = {**fixed, **ranges.get(model, {})}
    table = {**found.table, "tuning": {**tuning, "models": [model], **({"space": ranges} if ranges else {})}}
    session = open_session(table, home=home, progress=Progress())
    if others := [key for key in session.recipe.tuning.space if key != model]:
        raise RecipeError(
            f"tuning.space: {one_of(others)} is no parameter of {model!r}: quorate sweep tunes whole recipes"
        )
    days = found.bars.sessions
    if str(days[-1]) < str(validation.first):
        raise RecipeError(f"there is no bar of validation, {validation}: the bars end on {days[-1]}")
    if str(days[0]) > str(training.last):
        raise RecipeError(f"there is no bar of training, {training}: the bars begin on {days[0]}")
    if training.first and str(days[0]) > str(training.first):
        found.told.append(f"the bars begin on {days[0]}, after --train-start {training.first}")
    if path := session.recipe.labels.path:
        check_longest(path, training, int((days.astype(str) <= str(training.last)).sum()))
        found.told.append(_of_steps(path, int(session.recipe.labels.horizon)))
    if str(days[-1]) < str(validation.last):
        found.told.append(f"the bars end on {days[-1]}, before --val-end {validation.last}")
    return found._replace(table=table, session=session), training, validation


def _fixed(request: Request, registry: Registry, model: str) -> dict[str, bool]:
    """Return the parameters that were typed, taken out of the model's search space: no trial has others."""
    space = registry.get(ModelSpec, model).space
    return {option: False for name in request.said for option in LOOP[name] if option in space}


def _of_steps(path: tuple[int, ...], own: int) -> str:
    """Return by which of several steps trials are judged."""
    others = ", ".join(str(step) for step in path if step != own)
    return (
        f"every trial learns all steps, and is judged by its forecast {plural(own, 'bar')} ahead, which is traded; how "
        f"it forecasts {others} ahead decides nothing (--set labels.horizon=... takes another step)"
    )


def show_recipe(request: Request, home: Path | None = None) -> str:
    """Return the recipe of a tuning as TOML; `quorate sweep` takes it."""
    found, *_ = recipe_of(request, home)
    return to_toml(found.session.recipe, found.session.registry)


@in_usual_surroundings
def tune(
    request: Request,
    *,
    home: Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Tuned:
    """Tune a model on the training period, judge it on the validation period, and write what is kept.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    Interrupted
        On Ctrl-C; the same command goes on.
    """
    found, training, validation = recipe_of(request, home)
    [model] = found.table["models"]
    before = _before(found, home)
    if before is None:
        done = sweep(found.table, home=home, progress=progress, executor=executor)
    elif before.state == "finished":
        done = load_sweep(before.id, home=home)
        found.told.append(f"sweep {done.id} was this one, and is finished: no trial was needed")
    else:
        found.told.append(f"sweep {before.id} was this one, and was interrupted: it went on")
        done = resume_sweep(before.id, home=home, progress=progress, executor=executor)
    [search] = done.document["searches"].values()
    params = written(_params(search, model), model)
    folder = request.output_dir or Path()
    write_json(folder / BEST, params)
    notes = {
        "schema_version": 1,
        "architecture": model,
        "target": request.target,
        "periods": {"training": training.to_plain(), "validation": validation.to_plain()},
        "recipe": to_plain(found.session.recipe),
        "sweep": done.id,
        "kept": search["kept"],
        "sentences": done.document["sentences"],
        "params_sha256": sha256_of(folder / BEST),
    }
    write_json(folder / NOTES, notes)
    return Tuned(done, params, folder / BEST, found.told)


def _params(search: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what is kept of each parameter of the model's search space; None, where that is as the model has it."""
    own = f"models.{model}."  # where the recipe is tuned as a whole
    return {name.removeprefix(own): search["kept_params"].get(name) for name in search["space"]}


def _with_training(request: Request, home: Path | None) -> tuple[Request, list[str]]:
    """Return a request that says when training ends, and what is told, where it was said of validation alone."""
    if request.val_end is None or request.train_end is not None or request.val_start is not None:
        return request, []
    span = {"until": request.val_end, **({"since": request.train_start} if request.train_start else {})}
    days = np.unique(opened(request, {}, home, {"data": span}).bars.sessions)
    end = days[max(int(len(days) * TRAINED), 1) - 1].astype("datetime64[D]").item()
    told = f"training ends on {end}, after {TRAINED:.0%} of the days up to --val-end: --train-end takes another day"
    return replace(request, train_end=end), [told]


def _periods(request: Request) -> tuple[Period, Period]:
    end, start = request.train_end, request.val_start
    if end is None and start is not None:
        end = start - DAY
    if start is None and end is not None:
        start = end + DAY
    if end is None or start is None or request.val_end is None:
        missing = "--val-end"
        raise RecipeError(
            f"tuning needs the periods of training and validation, and has no {missing} (--train-start, --train-end, "
            "--val-start, --val-end); days after --val-end stay unseen"
        )
    training, validation = Period("training", request.train_start, end), Period("validation", start, request.val_end)
    check(training, validation)
    check_adjacent(training, validation)
    return training, validation


def _before(found: Opened, home: Path | None) -> Any:
    """Return the latest sweep of the same recipe on the same bars, finished or not."""
    session = found.session
    recipe, _ = with_sampler(session.recipe, session.registry)
    own = {k: v for k, v in to_plain(recipe).items() if k not in PLACES}
    digest = recipe_digest(recipe, session.registry)
    for stored in reversed(Home(home).runs("sweep")):
        if stored.state not in ("finished", "interrupted", "failed") or not stored.begun_at:
            continue
        try:
            begun = stored.begun()
        except QuorateError:  # of another one, which is not asked for
            continue
        same = {k: v for k, v in begun["recipe"].items() if k not in PLACES} == own
        fingerprint = (begun["data"] or {}).get("fingerprint")
        if same and begun["recipe_digest"] == digest and fingerprint == found.bars.fingerprint:
            return stored
    return None
