"""Models that can be fitted together, some of which fail at it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from quorate import ModelSpec
from quorate.dataset.rows import Dataset

CALLS: list[int] = []  # how many were fitted together, each time


class Mean:
    """Predicts the mean of its labels and a feature."""

    def fit(self, X: Any, y: Any) -> Mean:
        self.mean_ = float(y.mean())
        return self

    def predict(self, X: Any) -> Any:
        if getattr(self, "warns", False):
            warnings.warn("far from its rows", stacklevel=2)
        return self.mean_ + X[:, 0].astype(float)


def together(models: list[Mean], pairs: list[Any], validations: list[Any]) -> list[str]:
    CALLS.append(len(models))
    for model, (X, y) in zip(models, pairs, strict=True):
        model.fit(X, y)
    return [""] * len(models)


def one_fails(models: list[Mean], pairs: list[Any], validations: list[Any]) -> list[str]:
    together(models, pairs, validations)
    return ["its loss is not finite" if place == 1 else "" for place in range(len(models))]


def raises(models: list[Mean], pairs: list[Any], validations: list[Any]) -> list[str]:
    raise RuntimeError("no such stack")


def forgets_one(models: list[Mean], pairs: list[Any], validations: list[Any]) -> list[str]:
    return together(models, pairs, validations)[1:]


def warns(models: list[Mean], pairs: list[Any], validations: list[Any]) -> list[str]:
    warning = UserWarning("its loss was not finite")
    warning.about = models[1]  # type: ignore[attr-defined]
    warnings.warn(warning, stacklevel=2)
    warnings.warn("the library is old", stacklevel=2)
    models[2].warns = True  # type: ignore[attr-defined]
    return together(models, pairs, validations)


def spec_of(name: str) -> ModelSpec:
    function = {"one-fails": one_fails, "raises": raises, "forgets-one": forgets_one, "warns": warns}.get(
        name, together
    )
    return ModelSpec(name, Mean, task="regression", together=function)


def dataset(horizon: int = 1, n: int = 400) -> Dataset:
    """Return rows of one symbol, a bar each, whose labels end so many bars later."""
    draw = np.random.default_rng(1)
    bar, zeros = np.arange(n), np.zeros(n, dtype=np.int64)
    return Dataset(
        X=draw.standard_normal((n, 2)).astype(np.float32),
        feature_names=("a", "b"),
        bar=bar,
        symbol=zeros,
        y=draw.standard_normal(n),
        end=bar + horizon,
        ohlcv=np.ones((n, 5)),
        context=bar,
        sequence=np.zeros((0, 2), dtype=np.float32),
    )
