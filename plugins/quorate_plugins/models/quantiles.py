"""Quantiles of a number: which ones a model is asked for, and a model for each, where a library fits one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MEDIAN = 0.5


def outputs(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the quantiles that parameters ask for; none, if they ask for the expectation."""
    levels = params.get("quantiles")
    if levels is None:
        return ()
    if params["task"] == "classification":
        raise ValueError(
            f"quantiles = {list(levels)}: quantiles are of a number, and this label is a class: leave them out, or set "
            'labels.name = "return"'
        )
    if len(levels) < 2 or MEDIAN not in levels or len(set(levels)) < len(levels):
        raise ValueError(
            f"quantiles must hold 0.5, which is what the ensemble combines, and others, each once, e.g. "
            f"[0.1, 0.5, 0.9]; it was {list(levels)}"
        )
    if min(levels) < 0.0001 or max(levels) > 0.9999:
        raise ValueError(f"quantiles must lie in 0.0001..0.9999; they were {list(levels)}")
    return tuple(f"q{level:g}" for level in sorted(levels))


class ByQuantile:
    """One model for each quantile, for libraries that fit one at a time.

    Parameters
    ----------
    make : callable
        Takes a level and returns an unfitted model.
    levels : sequence of float
        Ascending.
    """

    def __init__(self, make: Callable[[float], Any], levels: Sequence[float]) -> None:
        self.make = make
        self.levels = levels

    def fit(
        self,
        X: Any,
        y: NDArray[np.float64],
        start: ByQuantile | None = None,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit every model on the same rows; each goes on from that of its level in `start`."""
        starts: list[dict[str, Any]] = (
            [{} for _ in self.levels] if start is None else [{"start": one} for one in start.models_]
        )
        if sample_weight is not None:
            starts = [{**more, "sample_weight": sample_weight} for more in starts]
        pairs = zip(self.levels, starts, strict=True)
        return self.loaded([self.make(level).fit(X, y, **more) for level, more in pairs])

    def loaded(self, models: list[Any]) -> Self:
        """Take fitted models, one for each level."""
        self.models_ = models
        self.median_ = models[list(self.levels).index(MEDIAN)]
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the quantiles, (n, n_levels)."""
        return np.column_stack([model.predict(X) for model in self.models_])
