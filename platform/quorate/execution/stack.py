"""Fits that are made together: which go with which, and what comes of each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from quorate.dataset.folds import Fold
from quorate.errors import FitError
from quorate.execution.fit import (
    Answer,
    FitData,
    FitResult,
    FitTask,
    answer_of,
    begun,
    model_of,
    result_of,
    run_fit_aside,
    unfitted,
    why,
)
from quorate.execution.queue import MOST
from quorate.execution.reading import FitRows, rows_of
from quorate.execution.resources import Meter, memory_limit
from quorate.execution.surroundings import under_limits
from quorate.plugins.specs import ModelSpec


def stacks(tasks: Sequence[FitTask]) -> Iterator[list[FitTask]]:
    """Yield the fits in their order, those of one model that go together in one list."""
    for (_, together), some in groupby(tasks, key=lambda task: (task.model, task.together)):
        group = list(some)
        size = MOST if together else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


def first_stack(tasks: Sequence[FitTask]) -> int:
    """Return how many of the first fits are made together."""
    return len(next(stacks(tasks), ()))


def run_fits(tasks: Sequence[FitTask], data: FitData, memory: int = 0) -> Iterator[FitResult]:
    """Yield the result of each fit, in their order; never raises.

    Parameters
    ----------
    memory : int
        Bytes that one fit may allocate beyond what the process has; 0: no limit.
    """
    for group in stacks(tasks):
        if len(group) == 1:
            yield run_fit_aside(group[0], data, memory)
            continue
        try:
            found = _together(group, data, memory)
        except KeyboardInterrupt:
            raise
        except BaseException:  # alone, so that the one at fault is known, and the others are not lost
            for task in group:
                yield run_fit_aside(task, data, memory)
        else:
            yield from found


def _together(tasks: Sequence[FitTask], data: FitData, memory: int) -> list[FitResult]:
    """Fit models of one plugin together; one that cannot be fitted is a result with the reason."""
    began, took = time.time(), Meter()
    spec = model_of(tasks[0])
    trainer = spec.trainer()
    assert trainer is not None
    folds = [data.fold(task.fold) for task in tasks]

    def answered() -> list[_Told]:
        rows = [rows_of(task, spec, data.dataset, fold) for task, fold in zip(tasks, folds, strict=True)]
        models = [unfitted(task, spec, data.dataset) for task in tasks]
        starts = [begun(task, spec, data.dataset) for task in tasks]
        more = {} if all(one is None for one in starts) else {"starts": starts}
        reasons = trainer(models, [(one.X, one.y.copy()) for one in rows], [one.validation for one in rows], **more)
        if len(reasons) != len(models):
            raise FitError(f"{spec}: together gave {len(reasons)} answers for {len(models)} models")
        return [
            _Told(None, reason) if reason else _told(task, data, fold, model, spec, one)
            for task, fold, model, one, reason in zip(tasks, folds, models, rows, reasons, strict=True)
        ]

    most = (max(task.memory for task in tasks) or memory) * len(tasks)
    with memory_limit(most if tasks[0].device == "cpu" else 0):
        found, notes = under_limits(tasks[0], answered)
    each = took(len(tasks))
    return [
        result_of(task, fold, told.answer, each, began, notes, told.error, told.trace)
        for task, fold, told in zip(tasks, folds, found, strict=True)
    ]


class _Told(NamedTuple):
    answer: Answer | None
    error: str = ""
    trace: str = ""


def _told(task: FitTask, data: FitData, fold: Fold, model: Any, spec: ModelSpec, rows: FitRows) -> _Told:
    """Return what a fitted model answers, or why it does not."""
    try:
        return _Told(answer_of(task, data.dataset, fold, model, spec, rows))
    except Exception as e:  # the others are not lost with it
        return _Told(None, why(e), traceback.format_exc())
