"""What one fit reads: rows as its transforms have turned them, labels, and what is held back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.dataset.weights import normalised
from quorate.execution.inputs import Inputs, inputs_of, named_by, places_in, plain
from quorate.execution.making import check_code
from quorate.execution.steps import ByStep, hold_back, target_of
from quorate.execution.surroundings import seeded
from quorate.execution.transforms import Transforms, learn_transforms, restored_transforms
from quorate.execution.weighing import weights_of
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

if TYPE_CHECKING:
    from quorate.execution.task import FitTask

Positions = NDArray[np.int64]


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
    weights : tuple of ndarray, optional
        How much each training row counts, and each that is held back; each of mean 1.
    """

    X: Inputs
    y: NDArray[Any]
    validation: tuple[Inputs, NDArray[Any]] | None
    test: Inputs
    plain: Inputs
    learnt: Transforms
    weights: tuple[Floats, Floats] | None = None

    def fitted(self, model: Any, **more: Any) -> Any:
        """Fit a model on the rows, told what its ``fit`` names of their weights and places; return what that does."""
        told: dict[str, Any] = dict(places_in(self.X))
        if self.validation is not None:
            X, y = self.validation
            told |= {f"validation_{name}": values for name, values in places_in(X).items()}
            more["validation"] = plain(X), y
        if self.weights is not None:
            told |= zip(("sample_weight", "validation_weight"), self.weights, strict=True)
        return model.fit(plain(self.X), self.y.copy(), **more, **_asked(model, told))


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
    X, test, tail = (inputs_of(spec, seen, rows, train, fold.train) for rows in (train, fold.test, held))
    validation = (tail, target_of(task, spec, dataset, held)) if len(held) else None
    as_it_is = inputs_of(spec, dataset, fold.test, train, fold.train) if learnt else test
    weights = _weights(task, dataset, fold, train, held) if task.weights else None
    return FitRows(X, target_of(task, spec, dataset, train), validation, test, as_it_is, learnt, weights)


def _weights(task: FitTask, dataset: Dataset, fold: Fold, train: Positions, held: Positions) -> tuple[Floats, Floats]:
    """Return the weights of what is trained on and of what is held back, of those of the fold's training rows."""
    whole = np.empty(len(dataset))
    whole[fold.train] = weights_of(task, dataset, fold.train)
    return normalised(whole[train], "what is trained on"), normalised(whole[held], "what is held back")


def _asked(model: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    return dict(told) if isinstance(model, ByStep) else named_by(model.fit, told)
