"""The rows that a trained model learns from and is asked about, and the fit that both rest on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.dataset.rows import Dataset
from quorate.execution.resources import gpu_count
from quorate.execution.task import FitTask, fit_seed
from quorate.plugins.code import code_digest
from quorate.plugins.registry import reference
from quorate.plugins.specs import LabelSpec, ModelSpec, TransformSpec
from quorate.plugins.specs.learning import TASK, task_of
from quorate.recipe.schema import Recipe
from quorate.runs.session import Session
from quorate.walkforward.causality import audit_rows
from quorate.walkforward.chains import chains_of
from quorate.walkforward.rows import audit_steps, rows_of
from quorate.walkforward.weights import check_weights, weighted

Positions = NDArray[np.int64]


def alone(session: Session, model: str) -> Recipe:
    """Return the session's recipe with one model only."""
    return session.recipe.model_copy(update={"models": {model: session.recipe.models[model]}})


def dataset_of(session: Session, model: str, bars: Bars, first: Callable[[Dataset], int]) -> tuple[Dataset, list[str]]:
    """Return all rows of these bars, audited as in a run from the bar `first` on, and warnings.

    Raises
    ------
    DataError, PluginError, IntegrityError
        As `quorate.walkforward.layout.prepare`.
    """
    recipe = alone(session, model)
    binary = session.registry.get(LabelSpec, recipe.labels.name).task == "classification"
    check_weights(recipe, {model: spec_of(session, model)}, binary)
    rows = rows_of(recipe, session.registry, bars)
    dataset = rows.build(bars)
    audit_rows(bars, dataset, rows.columns, rows.labels, first(dataset))
    audit_steps(recipe, session.registry, bars, dataset, first(dataset))
    return dataset, rows.warnings


def before(bars: Bars, day: dt.date) -> int:
    """Return the position of the first bar after a day."""
    return int(np.searchsorted(bars.sessions.astype("datetime64[D]"), np.datetime64(day, "D"), side="right"))


def training_rows(bars: Bars, dataset: Dataset, last: dt.date) -> Positions:
    """Return the rows whose labels, those of all steps, had ended on a day."""
    end = dataset.learnt_end
    return np.flatnonzero((end != NEVER) & (end < before(bars, last))).astype(np.int64)


def spec_of(session: Session, model: str) -> ModelSpec:
    """Return the spec of a recipe's model."""
    known = session.recipe.models[model]
    return session.registry.get(ModelSpec, (known.plugin if known else None) or model)


def task_of_fit(session: Session, model: str, features: Sequence[str]) -> FitTask:
    """Return the one fit of a recipe's model on rows of these features, as a run would have it."""
    spec, own = spec_of(session, model), session.recipe.models[model]
    assert own
    labels = session.recipe.labels
    binary = session.registry.get(LabelSpec, labels.name).task == "classification"
    task = FitTask(
        model=model,
        fold=0,
        plugin=reference(session.registry, "model", spec.name),
        params={**own.options, **({TASK: task_of(binary)} if spec.task == "any" else {})},
        seed=fit_seed(session.recipe.seed, model),
        threads=spec.cpus,
        binary=binary,
        device="cuda" if spec.with_params(own.options).wants_gpu and gpu_count() else "cpu",
        memory=int(spec.memory * 2**30),
        steps=labels.path,
        step=int(labels.horizon) if labels.path else 0,  # of steps it is in bars
        transforms=chains_of(session.recipe, session.registry, features, spec),
    )
    return weighted(task, spec, session.recipe, session.registry)


def code_of(session: Session, transform: str) -> str:
    """Return the hash of a transform's code."""
    spec = session.registry.get(TransformSpec, transform)
    provider = spec.provider
    return code_digest(spec.resolve(), provider.module, provider.local)
