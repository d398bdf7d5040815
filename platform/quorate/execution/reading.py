"""What one fit reads: rows as its transforms have turned them, labels, and what is held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.execution.inputs import Inputs, inputs_of
from quorate.execution.making import check_code
from quorate.execution.steps import hold_back, target_of
from quorate.execution.surroundings import seeded
from quorate.execution.transforms import Transforms, learn_transforms, restored_transforms
from quorate.plugins.specs import ModelSpec

if TYPE_CHECKING:
    from quorate.execution.task import FitTask


@dataclass(frozen=True, eq=False)
class FitRows:
    """What one fit reads.

    Parameters
    ----------
    X, y : Inputs, ndarray
        Training rows, and what is learnt of them.
    validation : tuple, optional
        The same of the rows that are held back.
    test : Inputs
        What is predicted.
    plain : Inputs
        That as no transform has turned it.
    learnt : Transforms
        What transforms have learnt of the training rows.
    """

    X: Inputs
    y: NDArray[Any]
    validation: tuple[Inputs, NDArray[Any]] | None
    test: Inputs
    plain: Inputs
    learnt: Transforms


def rows_of(task: FitTask, spec: ModelSpec, dataset: Dataset, fold: Fold) -> FitRows:
    """Return what a fit reads.

    Raises
    ------
    FitError
        If the code of its model is not what it was when the run began, if a transform fails, or if nothing is left to
        train on.
    """
    check_code(spec.resolve(), task.plugin, task.code)
    train, held = hold_back(spec, dataset, fold.train)
    # Seeded anew, so that what a transform draws depends neither on fits that are made together, nor on their order.
    with seeded(task.seed):
        if task.start is None:
            learnt = learn_transforms(task.transforms, spec, dataset, train)
        else:  # what it goes on from read what these made of the features
            learnt, _ = restored_transforms(task.transforms, task.start)
        seen = learnt.rows(dataset, spec, (train, held, fold.test))
    X, test, tail = (inputs_of(spec, seen, rows, train) for rows in (train, fold.test, held))
    validation = (tail, target_of(task, spec, dataset, held)) if len(held) else None
    plain = inputs_of(spec, dataset, fold.test, train) if learnt else test
    return FitRows(X, target_of(task, spec, dataset, train), validation, test, plain, learnt)
