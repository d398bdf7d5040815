"""One fit: the unit of work. It depends on its arguments alone, wherever and whenever it runs."""

from __future__ import annotations

import hashlib
import math
import os
import random
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset, hold_back
from quorate.errors import FitError, reason_of
from quorate.execution.inputs import Inputs, inputs_of, reads_categories
from quorate.execution.making import check_code, make_model
from quorate.execution.outputs import Outputs, in_sample, predict, shuffled_outputs
from quorate.execution.resources import memory_limit, pools_of, thread_pools
from quorate.execution.transforms import Chain, Transforms, learn_transforms
from quorate.plugins.provider import Reference, load_reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import task_of

T = TypeVar("T")
Answer = tuple[NDArray[np.float64], Outputs, float]  # predictions, other outputs, in-sample
NUMERICS = 2  # raised whenever the platform itself would compute a different number
ASKED_AGAIN = 1024  # of its latest training rows, a fitted model is asked at most that many


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
        From `quorate.plugins.registry.reference`.
    params : mapping
        The model's resolved parameters.
    seed, threads : int
        Passed to the factory as ``random_state`` and ``n_jobs``, if it takes them.
    binary : bool
        Whether the label is a class; predictions are then probabilities.
    device : {"cpu", "cuda"}
        Passed to the factory as ``device``, if it takes one and its spec asks for a GPU.
    gpus : float
        Share of a GPU, or whole GPUs, that it takes.
    memory : int
        Bytes that it may allocate; 0: what the executor grants.
    key : str
        Hash of everything the result depends on.
    code : str
        Hash of the model's code, which must be the same wherever it is fitted.
    transforms : tuple of Chain
        What features go through before the model reads them; a model that reads raw bars has none.
    """

    model: str
    fold: int
    plugin: Reference
    params: Mapping[str, Any]
    seed: int
    threads: int
    binary: bool
    device: str = "cpu"
    gpus: float = 0.0
    memory: int = 0
    key: str = ""
    code: str = ""
    transforms: tuple[Chain, ...] = ()

    @property
    def inline(self) -> bool:
        """Whether a plugin of it was given in Python, so that no other process could find it."""
        plugins = (self.plugin, *(step.plugin for chain in self.transforms for step in chain.steps))
        return any(plugin.inline is not None for plugin in plugins)


@dataclass(frozen=True, eq=False)
class FitData:
    """What all fits of a run share: the dataset and the folds. Workers read it without a copy."""

    dataset: Dataset
    folds: tuple[Fold, ...]

    def fold(self, index: int) -> Fold:
        """Return the fold of that index."""
        return self._by_index[index]

    @cached_property
    def _by_index(self) -> dict[int, Fold]:
        return {fold.index: fold for fold in self.folds}


@dataclass(frozen=True, eq=False)
class FitResult:
    """What came of one fit; a failure is a value, with the reason in `error`.

    Parameters
    ----------
    predictions : ndarray of float64, (n_test,)
        Probability of the positive class, or the label's expectation.
    outputs : dict of ndarray
        What else the model gave, by the names of its spec; on a fold with shuffles also what explains it.
    key : str
        Hash of everything the result depends on.
    seconds, cpu_seconds : float
        Wall and processor time of the fit and its predictions.
    began : float
        When, in seconds since 1970.
    place : str
        Host and process.
    cached : bool
        It was computed earlier and is taken from the home.
    foreign : bool
        It was computed on another kind of processor than the run's, and is not kept for other runs.
    in_sample : float
        Share of its latest training rows, `ASKED_AGAIN` at most, of which it tells the direction; NaN if not known.
    notes : tuple of str
        Warnings that the model gave.
    error, trace : str
        Empty, if it succeeded.
    """

    model: str
    fold: int
    predictions: NDArray[np.float64]
    outputs: Outputs = field(default_factory=dict)
    key: str = ""
    n_train: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    began: float = 0.0
    place: str = ""
    cached: bool = False
    foreign: bool = False
    in_sample: float = math.nan
    notes: tuple[str, ...] = ()
    error: str = ""
    trace: str = field(default="", repr=False)


def fit_seed(run_seed: int, model: str, replicate: int = 0) -> int:
    """Return the seed of a model: never from a worker, a fold's position or an order of arrival."""
    digest = hashlib.sha256(f"{run_seed}|{model}|{replicate}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def model_of(task: FitTask) -> ModelSpec:
    """Return the spec of a fit's model, as it learns the fit's label."""
    spec = load_reference(task.plugin)
    assert isinstance(spec, ModelSpec)
    return spec.for_label(task_of(task.binary))


def lost_fit(task: FitTask, data: FitData, reason: str, seconds: float, how: str = "") -> FitResult:
    """Return the result of a fit whose process gave none; `how` it ended depends on where it ran."""
    fold = data.fold(task.fold)
    return FitResult(
        task.model,
        task.fold,
        np.full(len(fold.test), np.nan),
        key=task.key,
        n_train=len(fold.train),
        seconds=seconds,
        began=time.time() - seconds,
        notes=(how,) if how else (),
        error=reason,
    )


def run_fit_aside(task: FitTask, data: FitData, memory: int = 0) -> FitResult:
    """As `run_fit`, in a process that does not hear the keyboard: a `KeyboardInterrupt` there is the model's own."""
    try:
        return run_fit(task, data, memory)
    except KeyboardInterrupt:
        return lost_fit(task, data, "it raised KeyboardInterrupt", 0.0)


def run_fit(task: FitTask, data: FitData, memory: int = 0) -> FitResult:
    """Fit one model on one fold's training rows and predict its test rows; never raises.

    Parameters
    ----------
    memory : int
        Bytes that it may allocate beyond what the process has; 0: no limit.
    """
    began, wall, cpu = time.time(), time.perf_counter(), time.process_time()
    fold = data.fold(task.fold)
    memory = task.memory or memory
    error, trace, known = "", "", math.nan
    notes: tuple[str, ...] = ()
    predictions = np.full(len(fold.test), np.nan)
    outputs: Outputs = {}
    try:
        # A GPU's driver reserves far more addresses than it uses memory.
        with memory_limit(memory if task.device == "cpu" else 0):
            (predictions, outputs, known), notes = _fit(task, data.dataset, fold)
    except MemoryError as e:
        # How much that was depends on the machine: a note.
        error, trace = "it needs more memory than a fit may take (execution.fit_memory)", traceback.format_exc()
        notes = (f"more than {memory / 2**30:.1f} GiB: {e or 'MemoryError'}" if memory else str(e),)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a plugin may raise anything; the run decides what a failed fit means
        error = str(e) if isinstance(e, FitError) else reason_of(e)
        trace = traceback.format_exc()
    return FitResult(
        task.model,
        task.fold,
        predictions,
        outputs,
        task.key,
        len(fold.train),
        time.perf_counter() - wall,
        time.process_time() - cpu,
        began,
        f"{os.uname().nodename}:{os.getpid()}",
        in_sample=known,
        notes=notes,
        error=error,
        trace=trace,
    )


@contextmanager
def _threads(task: FitTask) -> Iterator[None]:
    """Hold every library to the fit's number of threads, and to its share of the GPU's memory."""
    with pools_of(len(sys.modules)).limit(limits=task.threads):
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(task.threads)
            if task.device == "cuda" and 0 < task.gpus < 1:
                torch.cuda.set_per_process_memory_fraction(task.gpus)
        if numba := sys.modules.get("numba"):
            numba.set_num_threads(min(task.threads, numba.config.NUMBA_NUM_THREADS))
        yield


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
        if torch:
            torch.random.set_rng_state(state)


def _fit(task: FitTask, dataset: Dataset, fold: Fold) -> tuple[Answer, tuple[str, ...]]:
    def answers(
        model: Any, spec: ModelSpec, X_train: Inputs, y_train: NDArray[Any], X_test: Inputs, learnt: Transforms
    ) -> Answer:
        predictions, outputs = predict(model, spec, X_test, task.binary)
        if fold.shuffles is not None:
            # Features are shuffled as they are, whatever columns are made of them.
            train, _ = hold_back(spec.validation, dataset, fold.train)
            X = inputs_of(spec, dataset, fold.test, train) if learnt else X_test
            told = shuffled_outputs(model, spec, X, task.binary, fold.shuffles, learnt)
            return predictions, outputs | told, math.nan
        known = X_train[-ASKED_AGAIN:], y_train[-ASKED_AGAIN:]
        return predictions, outputs, in_sample(model, spec, *known, task.binary)

    return fitted(task, dataset, fold, answers)


def fitted(
    task: FitTask,
    dataset: Dataset,
    fold: Fold,
    asked: Callable[[Any, ModelSpec, Inputs, NDArray[Any], Inputs, Transforms], T],
) -> tuple[T, tuple[str, ...]]:
    """Fit a model on a fold's training rows; return what the fitted model, asked there and then, answers, and warnings.

    Parameters
    ----------
    asked : callable
        Takes the fitted model, its spec, training rows and labels, test rows, and what transforms have learnt;
        perhaps called twice.
    """
    spec = model_of(task)
    check_code(spec.resolve(), task.plugin, task.code)
    train, tail = hold_back(spec.validation, dataset, fold.train)
    y_train = _target(spec, dataset, train)
    while True:
        pools = thread_pools()
        with warnings.catch_warnings(record=True) as caught, surroundings_of(task):
            warnings.simplefilter("always")
            learnt = learn_transforms(task.transforms, spec, dataset, train)
            seen = learnt.rows(dataset, spec, (train, tail, fold.test))
            X_train, X_test, X_tail = (inputs_of(spec, seen, rows, train) for rows in (train, fold.test, tail))
            more = {"validation": (X_tail, _target(spec, dataset, tail))} if len(tail) else {}
            model = unfitted(task, spec, dataset)
            model.fit(X_train, y_train.copy(), **more)
            answer = asked(model, spec, X_train, y_train, X_test, learnt)
        # A library that was loaded by the fit escaped the limit, and its sums may have another order.
        if thread_pools() == pools:
            break
    notes = sorted(
        {f"{w.category.__name__}: {w.message}" for w in caught if not issubclass(w.category, DeprecationWarning)}
    )
    return answer, tuple(notes[:5])


@contextmanager
def surroundings_of(task: FitTask) -> Iterator[None]:
    """Hold every library to the fit's threads, with generators that are seeded by it."""
    with _threads(task), _seeded(task.seed):
        yield


def unfitted(task: FitTask, spec: ModelSpec, dataset: Dataset) -> Any:
    """Return the model as the factory makes it for a fit on these rows."""
    categories = dataset.categories.names if reads_categories(spec, dataset) else ()
    return make_model(spec.resolve(), task, spec, categories)


def _target(spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[Any]:
    y = dataset.y[rows]
    return y.astype(np.int64) if spec.task == "classification" else y
