"""One fit: the unit of work. It depends on its arguments alone, wherever and whenever it runs."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import json
import os
import random
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset import Dataset
from quorate.errors import FitError
from quorate.folds import Fold
from quorate.modules import LocalSource
from quorate.options import RESERVED
from quorate.registry import load_reference
from quorate.specs import ModelSpec

NUMERICS = 1  # raised whenever the platform itself would compute a different number
BLOCK = 256  # rows per predict call: a row's value then never depends on how many others there are

Reference = tuple[str, str, str, LocalSource | None]


@dataclass(frozen=True)
class FitTask:
    """What one fit is told; small, and made of names and values only.

    Parameters
    ----------
    model : str
        Name in the recipe.
    fold : int
        Which of the data's folds.
    plugin : Reference
        From `quorate.registry.reference`.
    params : mapping
        The model's resolved parameters.
    seed, threads : int
        Passed to the factory as ``random_state`` and ``n_jobs``, if it takes them.
    binary : bool
        Whether the label is a class; predictions are then probabilities.
    """

    model: str
    fold: int
    plugin: Reference
    params: Mapping[str, Any]
    seed: int
    threads: int
    binary: bool


@dataclass(frozen=True, eq=False)
class FitData:
    """What all fits of a run share: the dataset and the folds. Workers read it without a copy."""

    dataset: Dataset
    folds: tuple[Fold, ...]

    def fold(self, index: int) -> Fold:
        """Return the fold of that index."""
        return next(f for f in self.folds if f.index == index)


@dataclass(frozen=True, eq=False)
class FitResult:
    """What came of one fit; a failure is a value, with the reason in `error`.

    Parameters
    ----------
    predictions : ndarray of float64, (n_test,)
        Probability of the positive class, or the label's expectation.
    key : str
        Hash of everything the result depends on.
    seconds, cpu_seconds : float
        Wall and processor time of the fit and its predictions.
    place : str
        Host and process.
    notes : tuple of str
        Warnings that the model gave.
    error, trace : str
        Empty, if it succeeded.
    """

    model: str
    fold: int
    predictions: NDArray[np.float64]
    key: str = ""
    n_train: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    place: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    trace: str = field(default="", repr=False)


def fit_seed(run_seed: int, model: str, replicate: int = 0) -> int:
    """Return the seed of a model: never from a worker, a fold's position or an order of arrival."""
    digest = hashlib.sha256(f"{run_seed}|{model}|{replicate}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def run_fit(task: FitTask, data: FitData) -> FitResult:
    """Fit one model on one fold's training rows and predict its test rows; never raises."""
    wall, cpu = time.perf_counter(), time.process_time()
    fold = data.fold(task.fold)
    key, error, trace = "", "", ""
    notes: tuple[str, ...] = ()
    predictions = np.full(len(fold.test), np.nan)
    try:
        predictions, key, notes = _fit(task, data.dataset, fold)
    except (Exception, SystemExit) as e:  # a plugin may raise anything; the run decides what a failed fit means
        error = str(e) if isinstance(e, FitError) else f"{type(e).__name__}: {e}"
        trace = traceback.format_exc()
    return FitResult(
        task.model,
        task.fold,
        predictions,
        key,
        len(fold.train),
        time.perf_counter() - wall,
        time.process_time() - cpu,
        f"{os.uname().nodename}:{os.getpid()}",
        notes,
        error,
        trace,
    )


def _thread_pools() -> set[str]:
    from threadpoolctl import threadpool_info

    return {pool["filepath"] for pool in threadpool_info()}


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators for a model that draws from them, and leave them as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    state = torch.random.get_rng_state() if torch else None
    random.seed(seed)
    np.random.seed(seed)
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        if torch and state is not None:
            torch.random.set_rng_state(state)


def _fit(task: FitTask, dataset: Dataset, fold: Fold) -> tuple[NDArray[np.float64], str, tuple[str, ...]]:
    from threadpoolctl import threadpool_limits

    spec = load_reference(task.plugin)
    assert isinstance(spec, ModelSpec)
    factory = spec.resolve()
    X_train, X_test = _inputs(spec, dataset, fold.train), _inputs(spec, dataset, fold.test)
    y = dataset.y[fold.train]
    key = _key(task, spec, factory, X_train, y, X_test)
    target = y.astype(np.int64) if spec.task == "classification" else y
    while True:
        pools = _thread_pools()
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(task.threads), _seeded(task.seed):
            warnings.simplefilter("always")
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(task.threads)
            model = _make(factory, task)
            model.fit(X_train, target)
            predictions = predict_blocks(_predictor(model, spec, task), X_test)
        # A library that was loaded by the fit escaped the limit, and its sums may have another order.
        if _thread_pools() == pools:
            break
    if task.binary:
        if spec.task == "regression":
            predictions = np.clip(predictions, 0.0, 1.0)
        elif predictions.min() < 0 or predictions.max() > 1:
            raise FitError(f"probabilities must lie in 0..1; they were {predictions.min():g}..{predictions.max():g}")
    notes = sorted(
        {f"{w.category.__name__}: {w.message}" for w in caught if not issubclass(w.category, DeprecationWarning)}
    )
    return predictions, key, tuple(notes[:5])


def _inputs(spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[Any]:
    if spec.input == "rows":
        return dataset.X[rows]
    back = np.arange(spec.lookback - 1, -1, -1)
    windows: NDArray[np.float64] = dataset.ohlcv[dataset.context[rows][:, None] - back[None, :]]
    return windows


def _make(factory: Callable[..., Any], task: FitTask) -> Any:
    """Make the model, with the fit's seed and threads wherever it takes them and the recipe says nothing."""
    platform = {"random_state": task.seed, "n_jobs": task.threads}
    assert set(platform) == RESERVED
    try:
        accepted = set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        accepted = set()
    model = factory(**{**{k: v for k, v in platform.items() if k in accepted}, **task.params})
    if hasattr(model, "get_params") and hasattr(model, "set_params"):
        # Some libraries take them as **kwargs, and a factory may forget to hand them on.
        unset = {k: platform[k] for k, v in model.get_params().items() if k in platform and v is None}
        model.set_params(**unset)
    return model


def _predictor(model: Any, spec: ModelSpec, task: FitTask) -> Callable[[NDArray[Any]], NDArray[Any]]:
    if spec.task == "regression":
        return lambda X: np.asarray(model.predict(X))
    classes = np.asarray(getattr(model, "classes_", (0, 1))).tolist()
    if 1 not in classes:
        raise FitError(f"the fitted classifier does not know class 1; its classes are {classes}")
    column = classes.index(1)

    def positive(X: NDArray[Any]) -> NDArray[Any]:
        p = np.asarray(model.predict_proba(X))
        return p if p.ndim == 1 else p[:, column]

    return positive


def predict_blocks(predict: Callable[[NDArray[Any]], NDArray[Any]], X: NDArray[Any]) -> NDArray[np.float64]:
    """Predict in zero-padded blocks of `BLOCK` rows.

    Numeric kernels choose their order of summation by the shape they are given, so a row's last
    bits would otherwise depend on how many rows are predicted with it.

    Raises
    ------
    FitError
        If a prediction is missing or not finite.
    """
    out = np.empty(len(X), dtype=np.float64)
    block = np.zeros((BLOCK, *X.shape[1:]), dtype=X.dtype)
    for start in range(0, len(X), BLOCK):
        part = X[start : start + BLOCK]
        block[: len(part)] = part
        block[len(part) :] = 0
        values = predict(block)
        if values.shape != (BLOCK,):
            raise FitError(f"predictions of {BLOCK} rows must have shape ({BLOCK},); they had {values.shape}")
        out[start : start + len(part)] = values[: len(part)]
    bad = ~np.isfinite(out)
    if bad.any():
        raise FitError(
            f"predictions must be finite; {int(bad.sum())} of {len(out)} are not, the first in row {int(bad.argmax())}"
        )
    return out


def _key(task: FitTask, spec: ModelSpec, factory: Callable[..., Any], *arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    versions = {need: _version(need) for need in spec.requires}
    local = task.plugin[3]
    facts = [
        NUMERICS,
        spec.name,
        spec.task,
        spec.input,
        _name_of(factory),
        local.sha256 if local else _source_hash(factory),
        dict(task.params),
        task.seed,
        task.threads,
        task.binary,
        versions,
    ]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _name_of(factory: Callable[..., Any]) -> str:
    if isinstance(factory, partial):
        return f"partial({_name_of(factory.func)}, {factory.args!r}, {sorted(factory.keywords.items())!r})"
    return f"{getattr(factory, '__module__', '')}:{getattr(factory, '__qualname__', type(factory).__qualname__)}"


@cache
def _source_hash(factory: Callable[..., Any]) -> str:
    if isinstance(factory, partial):
        return _source_hash(factory.func)
    try:
        path = inspect.getsourcefile(factory)
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except (TypeError, OSError):
        return ""


@cache
def _version(requirement: str) -> str:
    for name in requirement.split("|"):
        try:
            return importlib.metadata.version(name.strip())
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
