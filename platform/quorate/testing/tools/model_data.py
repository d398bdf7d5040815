"""Training data for the rules of a model, and what may be changed about it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.execution.inputs import Inputs, Placed, named_by, plain
from quorate.plugins.specs import ModelSpec
from quorate.testing.markets import sample

N, N_TEST, N_TAIL = 240, 60, 64
SYMBOLS = 4  # that rows are of in turn, for models that are told

Change = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Data:
    """What one fit is given: training rows, rows to predict, and the tail if the spec asks for one."""

    X: NDArray[Any]
    y: NDArray[Any]
    X_test: NDArray[Any]
    tail: tuple[NDArray[Any], NDArray[Any]] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name."""
        named = {"X": self.X, "y": self.y, "X to predict": self.X_test}
        return named if self.tail is None else {**named, "validation X": self.tail[0], "validation y": self.tail[1]}

    def __str__(self) -> str:
        shape = self.X.shape
        return f"{shape[0]} rows" + (f" of shape {shape[1:]}" if len(shape) > 2 else f" of {shape[1]} features")


def data_for(spec: ModelSpec, n: int = N, n_features: int = 5, seed: int = 0, noise: float = 0.5) -> Data:
    """Return writable training data of the shape that the spec asks for, its label easy to learn."""
    held = N_TAIL if spec.validation else 0
    made = sample(spec.task, spec.input, spec.lookback, n + held, N_TEST, n_features, seed, noise)
    X, y, X_test = made.X.copy(), made.y.copy(), made.X_test.copy()
    return Data(X[:n], y[:n], X_test, (X[n:].copy(), y[n:].copy()) if held else None)


def placed(spec: ModelSpec, X: Inputs) -> Inputs:
    """Return inputs of rows to predict, with the places that the model asks for: told by the row, so always the same.

    One of four symbols was not among the training rows.
    """
    if not spec.told or isinstance(X, Placed):
        return X
    rows = np.ascontiguousarray(np.asarray(X, dtype=np.float32).reshape(len(X), -1))
    numbers = np.array([zlib.crc32(row.tobytes()) for row in rows], dtype=np.int64)
    bar = N // SYMBOLS + numbers % 50
    places = {"bar": bar, "symbol": numbers // 50 % (SYMBOLS + 1) - 1, "time": times_of(bar)}
    return Placed(X, {name: places[name] for name in spec.told})


def times_of(bar: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return the close of each bar: weekdays of a market that closes at 21:00 UTC, from one winter into the spring."""
    days = np.busday_offset("2019-11-04", bar, roll="forward").astype("datetime64[us]")
    return np.asarray(days + np.timedelta64(21, "h"), dtype="datetime64[us]")


def fitted(model: Any, data: Data, **more: Any) -> Any:
    """Fit a model as a run does, told what it names of the places of rows, and return what `fit` returned."""
    rows, tail = np.arange(len(data.y)), np.arange(0 if data.tail is None else len(data.tail[1]))
    told: dict[str, Any] = {}
    for prefix, own in (("", rows), ("validation_", tail + len(rows))):
        bar = own // SYMBOLS
        told |= {f"{prefix}bar": bar, f"{prefix}symbol": own % SYMBOLS, f"{prefix}time": times_of(bar)}
    if data.tail is not None:
        more["validation"] = data.tail
    return model.fit(plain(data.X), data.y, **more, **named_by(model.fit, told))


def altered(data: Data, change: Change) -> Data:
    """Return the data with a change made to all arrays of features."""
    tail = None if data.tail is None else (change(data.tail[0]), data.tail[1])
    return replace(data, X=change(data.X), X_test=change(data.X_test), tail=tail)


def relabelled(data: Data, change: Change) -> Data:
    """Return the data with a change made to its labels."""
    tail = None if data.tail is None else (data.tail[0], change(data.tail[1]))
    return replace(data, y=change(data.y), tail=tail)


def holes(X: NDArray[Any]) -> NDArray[Any]:
    """Return the features with a tenth of them missing."""
    X = X.copy()
    X[np.random.default_rng(3).random(X.shape) < 0.1] = np.nan
    return X


def constant(value: float) -> Change:
    """Return the change that gives every row the same label."""
    return lambda y: np.full_like(y, value)


def opposite(y: NDArray[Any]) -> NDArray[Any]:
    """Return the labels the other way round."""
    return 1 - y if y.dtype.kind == "i" else -y


def copied(data: Data, writeable: bool = True) -> Data:
    """Return the data in arrays of their own."""
    arrays = {name: a.copy() for name, a in data.arrays().items()}
    if not writeable:  # as shared memory is: nobody can make it writable
        arrays = {n: np.frombuffer(a.tobytes(), dtype=a.dtype).reshape(a.shape) for n, a in arrays.items()}
    tail = (arrays["validation X"], arrays["validation y"]) if data.tail is not None else None
    return Data(arrays["X"], arrays["y"], arrays["X to predict"], tail)
