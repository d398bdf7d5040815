"""What a fit learns: labels of one step or of several, and one model for each step, where it learns one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.errors import FitError
from quorate.execution.inputs import Inputs, Placed, named_by
from quorate.execution.outputs import Outputs, read_outputs
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.outputs import at_steps, step_of
from quorate.plugins.specs.places import PLACES

if TYPE_CHECKING:
    from quorate.execution.task import FitTask


class ByStep:
    """One model for each step.

    Parameters
    ----------
    make : callable
        Returns an unfitted model.
    task : FitTask
        With the steps.
    spec : ModelSpec
        With its outputs at all steps.
    """

    def __init__(self, make: Callable[[], Any], task: FitTask, spec: ModelSpec) -> None:
        self._make, self._task = make, task
        self._alone = tuple(name for name in spec.named if step_of(name, task.step)[1] == task.step)
        self._spec = spec

    def fit(
        self,
        X: Inputs,
        y: NDArray[Any],
        validation: tuple[Inputs, NDArray[Any]] | None = None,
        start: ByStep | None = None,
        **told: Any,
    ) -> Self:
        """Fit every model on the same rows, `y` is (n, n_steps); each goes on from that of its step in `start`.

        Each is `told` what its ``fit`` names of the rows' weights and places.
        """
        self.models_: list[Any] = []
        for column in range(len(self._task.steps)):
            more: dict[str, Any] = {} if start is None else {"start": start.models_[column]}
            if validation is not None:
                more["validation"] = validation[0], validation[1][:, column].copy()
            self.models_.append(self._make())
            self.models_[-1].fit(X, y[:, column].copy(), **more, **named_by(self.models_[-1].fit, told))
        return self

    def predict(
        self,
        X: Inputs,
        bar: NDArray[np.int64] | None = None,
        symbol: NDArray[np.int64] | None = None,
        time: NDArray[np.datetime64] | None = None,
    ) -> Outputs:
        """Return the outputs of all steps by name."""
        from dataclasses import replace

        places = zip(PLACES, (bar, symbol, time), strict=True)
        told = {name: values for name, values in places if values is not None}
        X = Placed(X, told) if told else X
        alone = replace(self._spec, outputs=self._alone)
        found: Outputs = {}
        for step, model in zip(self._task.steps, self.models_, strict=True):
            names = at_steps(self._alone, (step,), self._task.step)
            found.update(zip(names, read_outputs(model, alone, X).values(), strict=True))
        return found

    @property
    def by_step(self) -> dict[int, Any]:
        """The fitted models."""
        return dict(zip(self._task.steps, self.models_, strict=True))

    def made_of(self, fitted: Callable[[int, Any], Any]) -> Self:
        """Take fitted models; `fitted` makes each of its step and an unfitted one."""
        self.models_ = [fitted(step, self._make()) for step in self._task.steps]
        return self

    @property
    def own(self) -> Any:
        """The model of the step that is traded."""
        return self.models_[self._task.steps.index(self._task.step)]


def target_of(task: FitTask, spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return what is learnt of some rows: their labels, (n_rows,), or those of all steps, (n_rows, n_steps)."""
    y = dataset.path[rows] if task.steps else dataset.y[rows]
    return y.astype(np.int64) if spec.task == "classification" else y


def own_of(task: FitTask, y: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of the step that is traded."""
    return y[:, task.steps.index(task.step)] if task.steps else y


def hold_back(
    spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the training rows without what a model's spec holds back of them, and these.

    Of each of ``spec.validation_blocks`` pieces of the window that is the latest share. Rows whose label reaches into
    what is held back are left out, and so are those that a label of these reaches into.

    Raises
    ------
    FitError
        If nothing is left to train on.
    """
    if not spec.validation:
        return rows, rows[:0]
    bar, end = dataset.bar[rows], dataset.learnt_end[rows]
    train, held = np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    edges = [len(rows) * piece // spec.validation_blocks for piece in range(spec.validation_blocks + 1)]
    for first, stop in itertools.pairwise(edges):
        if first == stop:
            continue
        cut = bar[min(first + int((stop - first) * (1 - spec.validation)), stop - 1)]
        block = (bar >= cut) if stop == len(rows) else (bar >= cut) & (bar < bar[stop])
        if block.any():
            train &= (end < cut) | (bar > end[block].max())
            held |= block
    train &= ~held
    if not train.any():
        told = f"{spec.validation:.0%} of {len(rows)} training rows"
        raise FitError(f"holding back {told} for validation leaves none to train on")
    return rows[train], rows[held]
