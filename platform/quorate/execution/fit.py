"""One fit: the unit of work. It depends on its arguments alone, wherever and whenever it runs."""

from __future__ import annotations

import math
import os
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import FitError, reason_of
from quorate.execution.course import Course, course_of
from quorate.execution.inputs import reads_categories
from quorate.execution.making import make_model
from quorate.execution.outputs import Outputs, in_sample, predict, shuffled_outputs
from quorate.execution.reading import FitRows, rows_of
from quorate.execution.resources import Meter, memory_limit
from quorate.execution.state import MOST, Kept, State, kept_of, restored
from quorate.execution.steps import ByStep, own_of
from quorate.execution.surroundings import under_limits
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.execution.transforms import restored_transforms
from quorate.plugins.provider import load_reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import task_of

T = TypeVar("T")
# Predictions, other outputs, in-sample, what is kept, and how it was trained.
Answer = tuple[NDArray[np.float64], Outputs, float, Kept, Course | None]
NUMERICS = 2  # raised whenever the platform itself would compute a different number
ASKED_AGAIN = 1024  # of its latest training rows, a fitted model is asked at most that many


def model_of(task: FitTask) -> ModelSpec:
    """Return the spec of a fit's model, as it learns the fit's label."""
    spec = load_reference(task.plugin)
    assert isinstance(spec, ModelSpec)
    return spec.for_label(task_of(task.binary), task.params).at_steps(task.steps, task.step)


def run_fit(task: FitTask, data: FitData, memory: int = 0) -> FitResult:
    """Fit one model on one fold's training rows and predict its test rows; never raises.

    Parameters
    ----------
    memory : int
        Bytes that it may allocate beyond what the process has; 0: no limit.
    """
    began, took = time.time(), Meter()
    fold = data.fold(task.fold)
    memory = task.memory or memory
    answer: Answer | None = None
    error, trace = "", ""
    notes: tuple[str, ...] = ()
    try:
        # A GPU's driver reserves far more addresses than it uses memory.
        with memory_limit(memory if task.device == "cpu" else 0):
            answer, notes = _fit(task, data.dataset, fold)
    except MemoryError as e:
        # How much that was depends on the machine: a note.
        error, trace = "it needs more memory than a fit may take (execution.fit_memory)", traceback.format_exc()
        notes = (f"more than {memory / 2**30:.1f} GiB: {e or 'MemoryError'}" if memory else str(e),)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a plugin may raise anything; the run decides what a failed fit means
        error, trace = why(e), traceback.format_exc()
    return result_of(task, fold, answer, took(), began, notes, error, trace)


def why(error: BaseException) -> str:
    """Return what is said of a fit that raised this."""
    return str(error) if isinstance(error, FitError) else reason_of(error)


def result_of(
    task: FitTask,
    fold: Fold,
    answer: Answer | None,
    took: tuple[float, float, int],
    began: float,
    notes: tuple[str, ...],
    error: str = "",
    trace: str = "",
) -> FitResult:
    """Return the result of a fit that was made in this process; without an answer it failed."""
    nothing = np.full(len(fold.test), np.nan), Outputs(), math.nan, None, None
    predictions, outputs, known, kept, course = answer or nothing
    return FitResult(
        task.model,
        task.fold,
        predictions,
        outputs,
        task.key,
        len(fold.train),
        *took[:2],
        began,
        f"{os.uname().nodename}:{os.getpid()}",
        in_sample=known,
        notes=notes,
        error=error,
        trace=trace,
        kept=kept,
        course=course,
        peak_memory=took[2],
        replicate=task.replicate,
    )


def _fit(task: FitTask, dataset: Dataset, fold: Fold) -> tuple[Answer, tuple[str, ...]]:
    return fitted(task, dataset, fold, partial(answer_of, task, dataset, fold))


def answer_of(task: FitTask, dataset: Dataset, fold: Fold, model: Any, spec: ModelSpec, rows: FitRows) -> Answer:
    """Ask a fitted model for all that is wanted of a fit."""
    predictions, outputs = predict(model, spec, rows.test, task.binary)
    if fold.shuffles is not None:
        # Features are shuffled as they are, whatever columns are made of them.
        more = shuffled_outputs(model, spec, rows.plain, task.binary, fold.shuffles, rows.learnt)
        return predictions, outputs | more, math.nan, None, None
    known = rows.X[-ASKED_AGAIN:], own_of(task, rows.y[-ASKED_AGAIN:])
    # What learns nothing from its rows has none that it knows better.
    asks = task.in_sample and not spec.labels
    told = in_sample(model, spec, *known, task.binary) if asks else math.nan
    course = course_of(spec, model, len(rows.y))
    if not task.keep:
        return predictions, outputs, told, None, course
    asked = (rows.test,) if spec.labels else (rows.X[-MOST:], rows.test)
    kept = kept_of(spec, model, partial(unfitted, task, spec, dataset), asked, task.binary)
    if isinstance(kept, State):
        kept = State({**kept.arrays, **rows.learnt.state()}, kept.values)
    return predictions, outputs, told, kept, course


def fitted(
    task: FitTask, dataset: Dataset, fold: Fold, asked: Callable[[Any, ModelSpec, FitRows], T]
) -> tuple[T, tuple[str, ...]]:
    """Fit a model on a fold's training rows; return what the fitted model, asked there and then, answers, and warnings.

    Parameters
    ----------
    asked : callable
        Takes the fitted model, its spec, and what it read; perhaps called twice.
    """
    spec = model_of(task)

    def answered() -> T:
        rows = rows_of(task, spec, dataset, fold)
        model, start = unfitted(task, spec, dataset), begun(task, spec, dataset)
        rows.fitted(model, **({} if start is None else {"start": start}))
        return asked(model, spec, rows)

    return under_limits(task, answered)


def begun(task: FitTask, spec: ModelSpec, dataset: Dataset) -> Any:
    """Return the fitted model that a fit goes on from; None, where it begins afresh."""
    if task.after and task.start is None:
        raise FitError("what it goes on from is not known")
    if task.start is None:
        return None
    return restored(spec, unfitted(task, spec, dataset), restored_transforms(task.transforms, task.start)[1])


def unfitted(task: FitTask, spec: ModelSpec, dataset: Dataset) -> Any:
    """Return the model as the factory makes it for a fit on these rows."""
    categories = dataset.categories.names if reads_categories(spec, dataset) else ()
    if task.steps and not spec.steps:
        return ByStep(lambda: make_model(spec.resolve(), task, spec, categories), task, spec)
    return make_model(spec.resolve(), task, spec, categories)
