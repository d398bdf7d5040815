"""The weights of training rows that a recipe asks for: which models take them, and that they know nothing later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.dataset.weights import Weighting, sample_weights
from quorate.errors import IntegrityError, RecipeError, one_of, plural
from quorate.execution.inputs import named_by
from quorate.execution.making import make_model
from quorate.execution.task import FitTask
from quorate.execution.weighing import Weigh
from quorate.plugins.provider import Reference
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec, WeightSpec
from quorate.plugins.specs.learning import TASK, task_of
from quorate.recipe.schema import Recipe

WEIGHT = "sample_weight"


def weightings_of(recipe: Recipe, registry: Registry) -> tuple[Weighting, ...]:
    """Return how much each training row counts; none, where all count the same."""
    given = recipe.labels.weights or ()
    return tuple(Weighting(registry.get(WeightSpec, one.name), one.options) for one in given)


def weighted(task: FitTask, spec: ModelSpec, recipe: Recipe, registry: Registry) -> FitTask:
    """Return a fit with the weights of its training rows, if its model takes them; a baseline does without."""
    given = recipe.labels.weights or ()
    weights = tuple(Weigh(reference(registry, "weight", one.name), one.options) for one in given)
    if not weights or not takes_weights(spec, task.params, task.binary):
        return task
    trainer = spec.hook("together") if task.together else None
    return replace(
        task, weights=weights, together=trainer is not None and "weights" in named_by(trainer, {"weights": 0})
    )


def takes_weights(spec: ModelSpec, params: Mapping[str, Any], binary: bool) -> bool:
    """Say whether ``fit`` of the model that these parameters make names ``sample_weight``."""
    given = {**params, **({TASK: task_of(binary)} if spec.task == "any" else {})}
    task = FitTask(spec.name, 0, Reference("model", spec.name, ""), given, 0, spec.cpus, binary)
    try:
        model = make_model(spec.resolve(), task, spec)
    except Exception:  # whatever it is, the fit tells it
        return True
    return bool(named_by(model.fit, {WEIGHT: None}))


def check_weights(recipe: Recipe, members: Mapping[str, ModelSpec], binary: bool) -> None:
    """Raise `RecipeError`, if the recipe weighs training rows and a member, no baseline, takes no weights."""
    if not recipe.labels.weights:
        return
    refuse = []
    for name, spec in members.items():
        model = recipe.models[name]
        assert model
        if not spec.baseline and not takes_weights(spec, model.options, binary):
            refuse.append(name)
    if refuse:
        leave = ", ".join(f"{name} = false" for name in refuse)
        raise RecipeError(
            f"labels.weights: {plural(len(refuse), 'model')} cannot weigh rows, as fit names no {WEIGHT}: "
            f"{', '.join(refuse)}. Leave them out ([models] {leave}), leave labels.weights out, or have fit take "
            f"{WEIGHT}=None"
        )


def audit_weights(bars: Bars, dataset: Dataset, folds: Sequence[Fold], weightings: Sequence[Weighting]) -> None:
    """Compute the weights of some folds again without what came after their last training label, and compare.

    Raises
    ------
    IntegrityError
        Naming the weights, the row, and both values.
    """
    asked = [fold for fold in folds if len(fold.train)] if weightings else []
    some = {fold.index: fold for fold in (asked[:1] + asked[len(asked) // 2 :][:1] + asked[-1:])}
    # All of them first: what remembers the rows of the last fold is then another on the first.
    before = {index: sample_weights(dataset, fold.train, weightings) for index, fold in some.items()}
    for fold in some.values():
        train, stop = fold.train, int(dataset.learnt_end[fold.train].max()) + 1
        was, now = before[fold.index], sample_weights(_until(dataset, stop), train, weightings)
        if not np.array_equal(was, now):
            row = int(np.flatnonzero(was != now)[0])
            bar, symbol = int(dataset.bar[train[row]]), bars.symbols[dataset.symbol[train[row]]]
            names = one_of([one.spec.name for one in weightings])
            raise IntegrityError(
                f"labels.weights ({names}) look ahead: on fold {fold.index}, the training row of {symbol} on "
                f"{bars.sessions[bar]} weighs {was[row]:g}, but {now[row]:g} when the bars after "
                f"{bars.sessions[stop - 1]}, where the last training label ends, are not known"
            )


def _until(dataset: Dataset, stop: int) -> Dataset:
    """Return the rows before a bar, with the labels that had ended by then."""
    n = int(np.searchsorted(dataset.bar, stop))
    late = dataset.end[:n] >= stop
    told: dict[str, Any] = {name: getattr(dataset, name)[:n] for name in ("X", "bar", "symbol", "context")}
    told |= {"y": np.where(late, np.nan, dataset.y[:n]), "end": np.where(late, NEVER, dataset.end[:n])}
    if dataset.steps:
        late = dataset.path_end[:n] >= stop
        told |= {
            "path": np.where(late, np.nan, dataset.path[:n]),
            "path_end": np.where(late, NEVER, dataset.path_end[:n]),
        }
    return replace(dataset, moves=dataset.moves[:stop], times=dataset.times[:stop], **told)
