"""Fits that are made together: which go with which, and what comes of each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeVar
from warnings import WarningMessage

import numpy as np

from quorate.dataset.folds import Fold
from quorate.errors import FitError
from quorate.execution.fit import Answer, answer_of, begun, model_of, result_of, run_fit, unfitted, why
from quorate.execution.reading import FitRows, rows_of
from quorate.execution.resources import Meter, memory_limit
from quorate.execution.surroundings import heard, notes_of, under_limits
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.specs import ModelSpec

T = TypeVar("T")


def stacks(tasks: Sequence[FitTask]) -> Iterator[list[FitTask]]:
    """Yield the fits in their order, those that go together in one list: of one model, of several, or of trials."""
    for kin, some in groupby(tasks, key=lambda task: task.kin):
        if kin:
            yield list(some)
        else:
            yield from ([task] for task in some)


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
    for stack in stacks(tasks):
        for group in _parts(stack, data, stack[0].memory or memory):
            if len(group) == 1:
                yield _aside(group[0], data, memory)
                continue
            try:
                found = _together(group, data, memory)
            except KeyboardInterrupt:
                raise
            except BaseException:  # alone, so that the one at fault is known, and the others are not lost
                for task in group:
                    yield _aside(task, data, memory)
            else:
                yield from (one for one in found)  # Ray sends to it, which a list does not hear


def lost_fit(task: FitTask, data: FitData, reason: str, seconds: float, how: str = "") -> FitResult:
    """Return the result of a fit whose process gave none; `how` it ended depends on where it ran."""
    fold = data.fold(task.fold)
    return FitResult(
        task.model,
        task.fold,
        np.full(len(fold.test), np.nan),
        key=task.key,
        n_train=len(fold.train),
        seconds=seconds,
        began=time.time() - seconds,
        notes=(how,) if how else (),
        error=reason,
        replicate=task.replicate,
    )


def _aside(task: FitTask, data: FitData, memory: int = 0) -> FitResult:
    """As `run_fit`, in a process that does not hear the keyboard: a `KeyboardInterrupt` there is the model's own."""
    try:
        return run_fit(task, data, memory)
    except KeyboardInterrupt:
        return lost_fit(task, data, "it raised KeyboardInterrupt", 0.0)


def _parts(stack: list[FitTask], data: FitData, memory: int) -> list[list[FitTask]]:
    """Return a stack in parts of like size, of which each pays, and does not take more memory than one fit may."""
    if len(stack) == 1:
        return [stack]
    task = max(stack, key=lambda one: len(data.fold(one.fold).train))
    alike = task.kin, memory, len(data.fold(task.fold).train).bit_length()
    try:
        spec = model_of(task)
        at_once = spec.hook("at_once")
        if at_once is None:
            return [stack]

        def asked() -> int:
            rows = rows_of(task, spec, data.dataset, data.fold(task.fold))
            return int(at_once(unfitted(task, spec, data.dataset), rows.X, rows.y, memory))

        if alike not in _MOST:
            _MOST[alike], _ = under_limits(task, asked)
        most = _MOST[alike]
    except Exception:  # whatever it is, it is that of a fit, too, which tells
        return [[one] for one in stack]
    size = -(-len(stack) // -(-len(stack) // max(most, 1)))
    return [stack[start : start + size] for start in range(0, len(stack), size)]


_MOST: dict[tuple[Any, ...], int] = {}  # how many go together of fits that are alike, as far as it was asked


def _together(tasks: Sequence[FitTask], data: FitData, memory: int) -> list[FitResult]:
    """Fit models of one plugin together; one that cannot be fitted is a result with the reason."""
    began, took = time.time(), Meter()
    spec = model_of(tasks[0])
    trainer = spec.hook("together")
    assert trainer is not None
    folds = [data.fold(task.fold) for task in tasks]

    def answered() -> list[_Told]:
        own: list[list[WarningMessage]] = [[] for _ in tasks]

        def each(step: Callable[..., T], *columns: Sequence[Any]) -> list[T]:
            found = []
            for noted, row in zip(own, zip(*columns, strict=True), strict=True):
                with heard() as caught:
                    found.append(step(*row))
                noted += caught
            return found

        rows = each(lambda task, fold: rows_of(task, spec, data.dataset, fold), tasks, folds)
        models = each(lambda task: unfitted(task, spec, data.dataset), tasks)
        starts = each(lambda task: begun(task, spec, data.dataset), tasks)
        more: dict[str, Any] = {} if all(one is None for one in starts) else {"starts": starts}
        if tasks[0].weights:
            more["weights"] = [one.weights for one in rows]
        with heard() as shared:
            reasons = trainer(models, [(one.X, one.y.copy()) for one in rows], [one.validation for one in rows], **more)
        if len(reasons) != len(models):
            raise FitError(f"{spec}: together gave {len(reasons)} answers for {len(models)} models")
        for noted, task, model in zip(own, tasks, models, strict=True):
            noted += [one for one in shared if _is_about(one, model, task.watch)]
        told = each(partial(_told, data=data, spec=spec), tasks, folds, models, rows, reasons)
        return [one._replace(notes=notes_of(noted)) for one, noted in zip(told, own, strict=True)]

    with memory_limit((tasks[0].memory or memory) if tasks[0].device == "cpu" else 0):
        found, _ = under_limits(tasks[0], answered)
    each = took(len(tasks))
    return [
        result_of(task, fold, told.answer, each, began, told.notes, told.error, told.trace)
        for task, fold, told in zip(tasks, folds, found, strict=True)
    ]


def _is_about(warning: WarningMessage, *things: Any) -> bool:
    """Whether a warning is about one of these, or does not say about which fit it is."""
    about = getattr(warning.message, "about", None)
    return about is None or any(about is one for one in things)


class _Told(NamedTuple):
    answer: Answer | None
    error: str = ""
    trace: str = ""
    notes: tuple[str, ...] = ()


def _told(
    task: FitTask, fold: Fold, model: Any, rows: FitRows, reason: str, *, data: FitData, spec: ModelSpec
) -> _Told:
    """Return what a fitted model answers, or why it does not."""
    if reason:
        return _Told(None, reason)
    try:
        return _Told(answer_of(task, data.dataset, fold, model, spec, rows))
    except Exception as e:  # the others are not lost with it
        return _Told(None, why(e), traceback.format_exc())
