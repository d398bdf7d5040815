"""The weights of a fit's training rows: which plugins say them, and what these say, wherever the fit runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.dataset.weights import Weighting, sample_weights
from quorate.execution.making import check_code
from quorate.plugins.code import code_digest
from quorate.plugins.provider import Reference, load_reference
from quorate.plugins.specs import WeightSpec
from quorate.statistics import Floats

if TYPE_CHECKING:
    from quorate.execution.task import FitTask


@dataclass(frozen=True)
class Weigh:
    """One weight of a fit's rows, with its options; `code` is the hash of its code, once a key was made of it."""

    plugin: Reference
    params: Mapping[str, Any]
    code: str = ""

    @property
    def about(self) -> str:
        """What it is, in words that are equal for equal weights alone."""
        return f"{self.plugin.name}|{self.plugin.module}|{id(self.plugin.inline)}|{sorted(self.params.items())!r}"


def weight_of(one: Weigh) -> WeightSpec:
    """Return the spec of a weight."""
    spec = load_reference(one.plugin)
    assert isinstance(spec, WeightSpec)
    return spec


def weights_of(task: FitTask, dataset: Dataset, rows: NDArray[np.int64]) -> Floats:
    """Return how much each of some training rows counts in a fit, (n_rows,), with mean 1.

    Raises
    ------
    FitError
        If the code of a weight is not what it was when the run began.
    """
    weightings = []
    for one in task.weights:
        spec = weight_of(one)
        check_code(spec.resolve(), one.plugin, one.code)
        weightings.append(Weighting(spec, one.params))
    return sample_weights(dataset, rows, weightings)


def with_code(weights: tuple[Weigh, ...]) -> tuple[Weigh, ...]:
    """Return weights with the hash of their code, which must be the same wherever they are computed."""
    return tuple(
        replace(one, code=code_digest(weight_of(one).resolve(), one.plugin.module, one.plugin.local)) for one in weights
    )
