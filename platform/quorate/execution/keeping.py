"""A model that is fitted to be kept; the forecasts of kept ones, and their export: in a process of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.errors import FitError, QuorateError, reason_of
from quorate.execution.course import Course, course_of
from quorate.execution.executor import Remote, Told
from quorate.execution.fit import fitted, model_of, unfitted
from quorate.execution.inputs import inputs_of
from quorate.execution.isolated import Isolated, Lost
from quorate.execution.outputs import BLOCK, Outputs, predict, predict_blocks, read_outputs
from quorate.execution.portable_transforms import with_transforms
from quorate.execution.reading import FitRows, rows_of
from quorate.execution.resources import Meter
from quorate.execution.state import MOST, State, onnx_of, proven_state, restored
from quorate.execution.surroundings import surroundings_of
from quorate.execution.task import FitData, FitTask
from quorate.execution.transforms import restored_transforms
from quorate.plugins.code import modules_of
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of a fit that is kept.

    Parameters
    ----------
    state : State
        What the model has learnt.
    predictions : ndarray of float64, (n_test,)
        Of the fold's test rows, by the fitted model.
    notes : tuple of str
        Warnings that it gave.
    course : Course, optional
        How it was trained, where its plugin tells.
    peak_memory : int
        The most bytes that its process held meanwhile; 0 where that cannot be told.
    """

    state: State
    predictions: Floats
    notes: tuple[str, ...]
    course: Course | None = None
    peak_memory: int = 0


@dataclass(frozen=True)
class _Failed:
    reason: str
    trace: str = field(default="", repr=False)


class Ready:
    """A model that is made of its state in this process, and forecasts as often as it is asked.

    Parameters
    ----------
    task : FitTask
        Its fit.
    state : State
        What it has learnt.
    dataset : Dataset
        Rows of the features that it has learnt from.
    """

    def __init__(self, task: FitTask, state: State, dataset: Dataset) -> None:
        self.task, self._spec = task, model_of(task)
        with surroundings_of(task):
            self._learnt, own = restored_transforms(task.transforms, state)
            self._model = restored(self._spec, unfitted(task, self._spec, dataset), own)

    def __call__(
        self, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64], block: int = BLOCK
    ) -> tuple[Floats, Outputs]:
        """Return what it forecasts of some rows, (n_rows,), and what else it gives.

        Parameters
        ----------
        train : ndarray of int64
            The rows that trained it.
        block : int
            Rows per call, as of `predict`.

        Raises
        ------
        FitError
            If it fails.
        """
        with surroundings_of(self.task):
            seen = self._learnt.rows(dataset, self._spec, (train[:0], rows))
            return predict(self._model, self._spec, inputs_of(self._spec, seen, rows, train), self.task.binary, block)


def learn(data: FitData, task: FitTask, seconds: float) -> Learnt:
    """Fit a model on the training rows of a fold, and return what it has learnt.

    A model made of that again has predicted the last training rows, and the test rows, as the fitted one did, bit for
    bit.

    Raises
    ------
    FitError
        If it fails, takes longer than `seconds`, or cannot be made again.
    """
    return _aside(_learn, data, [(task, task)], seconds)[0]


def learn_in_parallel(
    data: FitData, task: FitTask, workers: int, cluster: Remote, seconds: float, warn: Told
) -> Learnt:
    """As `learn`, by several processes: see `quorate.execution.ray.train.train_in_parallel`."""
    from quorate.execution.ray.train import train_in_parallel

    if task.weights:
        raise FitError(f"model {task.model!r}: rows are weighed in one process: leave labels.weights or --workers out")
    with surroundings_of(task):
        rows = rows_of(task, model_of(task), data.dataset, data.fold(task.fold))
    pair = rows.X, rows.y
    found = train_in_parallel(task, pair, rows.validation, workers, cluster, seconds=seconds, warn=warn)
    state = State({**found.state.arrays, **rows.learnt.state()}, found.state.values)
    predictions = forecast(data, task, state, seconds) if len(rows.test) else np.empty(0)
    return Learnt(state, predictions, found.notes, found.course, found.peak_memory)


def forecast(data: FitData, task: FitTask, state: State, seconds: float) -> Floats:
    """Return what a model that is made of its state predicts of the test rows of a fold, float64 (n_test,).

    Raises
    ------
    FitError
        If it fails, or takes longer than `seconds`.
    """
    return forecasts(data, [(task, state)], seconds)[0][0]


def forecasts(data: FitData, models: Sequence[tuple[FitTask, State]], seconds: float) -> list[tuple[Floats, Outputs]]:
    """Return the `forecast` of several models, and what else each gives, in one process."""
    return _aside(_forecast, data, [(task, (task, state)) for task, state in models], seconds)


def exported(data: FitData, task: FitTask, state: State, seconds: float) -> tuple[bytes, Floats]:
    """Return a model that is made of its state as ONNX, its transforms in front of it, and its outputs for test rows.

    Returns
    -------
    bytes
        A serialised ModelProto.
    ndarray of float64, (n_test, n_outputs)
        The outputs by the order of the spec.

    Raises
    ------
    FitError
        If it fails, or takes longer than `seconds`.
    """
    return _aside(_exported, data, [(task, (task, state))], seconds)[0]


def _learn(data: FitData, task: FitTask) -> Learnt | _Failed:
    return _told(lambda: _fitted_and_made_again(data, task))


def _forecast(data: FitData, item: tuple[FitTask, State]) -> tuple[Floats, Outputs] | _Failed:
    task, state = item
    fold = data.fold(task.fold)
    return _told(lambda: Ready(task, state, data.dataset)(data.dataset, fold.test, fold.train))


def _exported(data: FitData, item: tuple[FitTask, State]) -> tuple[bytes, Floats] | _Failed:
    task, state = item
    spec, fold = model_of(task), data.fold(task.fold)

    def answer() -> tuple[bytes, Floats]:
        with surroundings_of(task):
            learnt, own = restored_transforms(task.transforms, state)
            model = restored(spec, unfitted(task, spec, data.dataset), own)
            seen = learnt.rows(data.dataset, spec, (fold.train[:0], fold.test))
            X = inputs_of(spec, seen, fold.test, fold.train)
            outputs = predict_blocks(partial(read_outputs, model, spec), X)
            content = onnx_of(spec, model, X.shape[-1])
            content = with_transforms(content, spec, learnt, len(data.dataset.feature_names))
            return content, np.column_stack(list(outputs.values()))

    return _told(answer)


def _fitted_and_made_again(data: FitData, task: FitTask) -> Learnt:
    dataset, fold, took = data.dataset, data.fold(task.fold), Meter()

    def asked(model: Any, spec: ModelSpec, rows: FitRows) -> tuple[State, Floats, Course | None]:
        state = proven_state(
            spec, model, partial(unfitted, task, spec, dataset), (rows.X[-MOST:], rows.test), task.binary
        )
        kept = State({**state.arrays, **rows.learnt.state()}, state.values)
        predictions = predict(model, spec, rows.test, task.binary)[0] if len(rows.test) else np.empty(0)
        return kept, predictions, course_of(spec, model, len(rows.y))

    (state, predictions, course), notes = fitted(task, dataset, fold, asked)
    _, _, peak_memory = took()
    return Learnt(state, predictions, notes, course, peak_memory)


def _told(step: Callable[[], T]) -> T | _Failed:
    try:
        return step()
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a plugin may raise anything
        return _Failed(str(e) if isinstance(e, QuorateError) else reason_of(e), traceback.format_exc())


def _aside(
    function: Callable[[FitData, Any], T | _Failed], data: FitData, items: Sequence[tuple[FitTask, Any]], seconds: float
) -> list[T]:
    """Call a function for each item in a process of its own; here, if a plugin is where the caller is."""
    answers: list[Any] = []
    if any(task.inline for task, _ in items):
        answers = [function(data, item) for _, item in items]
    else:
        # A library that a fit loads has it made once more, see `under_limits`.
        needs = modules_of(need for task, _ in items for need in model_of(task).requires)
        process: Isolated[Any, Any] = Isolated(",".join(("quorate.execution.keeping", "scipy.linalg", *needs)))
        try:
            answers = [answer for _, answer in process.each(function, data, [item for _, item in items], seconds)]
        finally:
            process.close()
    for (task, _), answer in zip(items, answers, strict=True):
        if isinstance(answer, _Failed | Lost):
            why = answer.reason if isinstance(answer, _Failed) else str(answer)
            trace = answer.trace if isinstance(answer, _Failed) else ""
            raise FitError(f"model {task.model!r}: {why}") from RuntimeError(trace)
    return answers
