"""A model that is fitted to be kept, and the forecasts of a kept one, each in a process of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from quorate.errors import FitError, QuorateError, reason_of
from quorate.execution.fit import FitData, FitTask, fitted, model_of, surroundings_of, unfitted
from quorate.execution.inputs import Inputs, inputs_of
from quorate.execution.isolated import Isolated, Lost
from quorate.execution.outputs import predict
from quorate.execution.state import State, restored, state_of
from quorate.execution.transforms import Transforms, restored_transforms
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

MOST = 2_560  # rows that a model made of its state is compared on

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
    """

    state: State
    predictions: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Failed:
    reason: str
    trace: str = field(default="", repr=False)


def learn(data: FitData, task: FitTask, seconds: float) -> Learnt:
    """Fit a model on the training rows of a fold, and return what it has learnt.

    A model made of that again has predicted the last training rows, and the test rows, as the fitted one did, bit for
    bit.

    Raises
    ------
    FitError
        If it fails, takes longer than `seconds`, or cannot be made again.
    """
    return _aside(_learn, data, task, task, seconds)


def forecast(data: FitData, task: FitTask, state: State, seconds: float) -> Floats:
    """Return what a model that is made of its state predicts of the test rows of a fold, float64 (n_test,).

    Raises
    ------
    FitError
        If it fails, or takes longer than `seconds`.
    """
    return _aside(_forecast, data, (task, state), task, seconds)


def _learn(data: FitData, task: FitTask) -> Learnt | _Failed:
    return _told(lambda: _fitted_and_made_again(data, task))


def _forecast(data: FitData, item: tuple[FitTask, State]) -> Floats | _Failed:
    task, state = item
    spec, fold = model_of(task), data.fold(task.fold)

    def forecasts() -> Floats:
        with surroundings_of(task):
            learnt, own = restored_transforms(task.transforms, state)
            model = restored(spec, unfitted(task, spec, data.dataset), own)
            seen = learnt.rows(data.dataset, spec, (fold.train[:0], fold.test))
            return predict(model, spec, inputs_of(spec, seen, fold.test, fold.train), task.binary)[0]

    return _told(forecasts)


def _fitted_and_made_again(data: FitData, task: FitTask) -> Learnt:
    dataset, fold = data.dataset, data.fold(task.fold)

    def asked(
        model: Any, spec: ModelSpec, X_train: Inputs, _: object, X_test: Inputs, learnt: Transforms
    ) -> tuple[State, Floats]:
        state = state_of(spec, model)
        again = restored(spec, unfitted(task, spec, dataset), state)
        first = np.empty(0)
        for X in (X_train[-MOST:], X_test):
            if len(X):
                first, second = (predict(one, spec, X, task.binary)[0] for one in (model, again))
                if not np.array_equal(first, second):
                    row = int((first != second).argmax())
                    raise FitError(
                        f"made of its state, it predicts {second[row]!r} where it predicted {first[row]!r}: its "
                        "state_dict lacks something, see quorate check"
                    )
        kept = State({**state.arrays, **learnt.state()}, state.values)
        return kept, first if len(X_test) else np.empty(0)

    (state, predictions), notes = fitted(task, dataset, fold, asked)
    return Learnt(state, predictions, notes)


def _told(step: Callable[[], T]) -> T | _Failed:
    try:
        return step()
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a plugin may raise anything
        return _Failed(str(e) if isinstance(e, QuorateError) else reason_of(e), traceback.format_exc())


def _aside(
    function: Callable[[FitData, Any], T | _Failed], data: FitData, item: Any, task: FitTask, seconds: float
) -> T:
    """Call a function in a process of its own; here, if its plugin is where the caller is."""
    if task.inline:
        answer: Any = function(data, item)
    else:
        process: Isolated[Any, Any] = Isolated("quorate.execution.keeping")
        try:
            [(_, answer)] = process.each(function, data, [item], seconds)
        finally:
            process.close()
    if isinstance(answer, _Failed | Lost):
        why = answer.reason if isinstance(answer, _Failed) else str(answer)
        trace = answer.trace if isinstance(answer, _Failed) else ""
        raise FitError(f"model {task.model!r}: {why}") from RuntimeError(trace)
    return answer  # type: ignore[no-any-return]
