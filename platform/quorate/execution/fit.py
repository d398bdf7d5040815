"""One fit: the unit of work. It depends on its arguments alone, wherever and whenever it runs."""

from __future__ import annotations

import hashlib
import math
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import FitError, reason_of
from quorate.execution.inputs import reads_categories
from quorate.execution.making import make_model
from quorate.execution.outputs import Outputs, in_sample, predict, shuffled_outputs
from quorate.execution.reading import FitRows, rows_of
from quorate.execution.resources import memory_limit
from quorate.execution.state import MOST, Kept, State, kept_of
from quorate.execution.steps import ByStep, own_of
from quorate.execution.surroundings import under_limits
from quorate.execution.transforms import Chain
from quorate.execution.watch import Watch
from quorate.plugins.provider import Reference, load_reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import task_of

T = TypeVar("T")
Answer = tuple[NDArray[np.float64], Outputs, float, Kept]  # predictions, other outputs, in-sample, what is kept
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
    keep : bool
        Whether what the model has learnt is wanted, too; the key does not know of it.
    key : str
        Hash of everything the result depends on.
    code : str
        Hash of the model's code, which must be the same wherever it is fitted.
    together : bool
        Fits of its model may be made together, see `quorate.execution.stack`.
    steps : tuple of int
        Horizons that are learnt at once; none, where it is one.
    step : int
        Which of them is traded.
    transforms : tuple of Chain
        What features go through before the model reads them; a model that reads raw bars has none.
    watch : Watch, optional
        Of a model that is trained in epochs: who hears of each, and where checkpoints are; the key does not know of it.
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
    keep: bool = False
    key: str = ""
    code: str = ""
    together: bool = False
    steps: tuple[int, ...] = ()
    step: int = 0
    transforms: tuple[Chain, ...] = ()
    watch: Watch | None = None

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
    kept : State, str or None
        What the model has learnt; as text, why that cannot be kept; None, where it was not asked for.
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
    kept: Kept = field(default=None, repr=False)


def fit_seed(run_seed: int, model: str, replicate: int = 0) -> int:
    """Return the seed of a model: never from a worker, a fold's position or an order of arrival."""
    digest = hashlib.sha256(f"{run_seed}|{model}|{replicate}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def model_of(task: FitTask) -> ModelSpec:
    """Return the spec of a fit's model, as it learns the fit's label."""
    spec = load_reference(task.plugin)
    assert isinstance(spec, ModelSpec)
    return spec.for_label(task_of(task.binary), task.params).at_steps(task.steps, task.step)


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
    answer: Answer | None = None
    error, trace = "", ""
    notes: tuple[str, ...] = ()
    try:
        # A GPU's driver reserves far more addresses than it uses memory.
        with memory_limit(memory if task.device == "cpu" else 0):
            answer, notes = _fit(task, data.dataset, fold)
    except MemoryError as e:
        # How much that was depends on the machine: a note.
        error, trace = "it needs more memory than a fit may take (execution.fit_memory)", traceback.format_exc()
        notes = (f"more than {memory / 2**30:.1f} GiB: {e or 'MemoryError'}" if memory else str(e),)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a plugin may raise anything; the run decides what a failed fit means
        error, trace = why(e), traceback.format_exc()
    took = time.perf_counter() - wall, time.process_time() - cpu
    return result_of(task, fold, answer, took, began, notes, error, trace)


def why(error: BaseException) -> str:
    """Return what is said of a fit that raised this."""
    return str(error) if isinstance(error, FitError) else reason_of(error)


def result_of(
    task: FitTask,
    fold: Fold,
    answer: Answer | None,
    took: tuple[float, float],
    began: float,
    notes: tuple[str, ...],
    error: str = "",
    trace: str = "",
) -> FitResult:
    """Return the result of a fit that was made in this process; without an answer it failed."""
    predictions, outputs, known, kept = answer or (np.full(len(fold.test), np.nan), {}, math.nan, None)
    return FitResult(
        task.model,
        task.fold,
        predictions,
        outputs,
        task.key,
        len(fold.train),
        *took,
        began,
        f"{os.uname().nodename}:{os.getpid()}",
        in_sample=known,
        notes=notes,
        error=error,
        trace=trace,
        kept=kept,
    )


def _fit(task: FitTask, dataset: Dataset, fold: Fold) -> tuple[Answer, tuple[str, ...]]:
    return fitted(task, dataset, fold, partial(answer_of, task, dataset, fold))


def answer_of(task: FitTask, dataset: Dataset, fold: Fold, model: Any, spec: ModelSpec, rows: FitRows) -> Answer:
    """Ask a fitted model for all that is wanted of a fit."""
    predictions, outputs = predict(model, spec, rows.test, task.binary)
    if fold.shuffles is not None:
        # Features are shuffled as they are, whatever columns are made of them.
        more = shuffled_outputs(model, spec, rows.plain, task.binary, fold.shuffles, rows.learnt)
        return predictions, outputs | more, math.nan, None
    known = rows.X[-ASKED_AGAIN:], own_of(task, rows.y[-ASKED_AGAIN:])
    told = in_sample(model, spec, *known, task.binary)
    if not task.keep:
        return predictions, outputs, told, None
    asked = rows.X[-MOST:], rows.test
    kept = kept_of(spec, model, partial(unfitted, task, spec, dataset), asked, task.binary)
    if isinstance(kept, State):
        kept = State({**kept.arrays, **rows.learnt.state()}, kept.values)
    return predictions, outputs, told, kept


def fitted(
    task: FitTask, dataset: Dataset, fold: Fold, asked: Callable[[Any, ModelSpec, FitRows], T]
) -> tuple[T, tuple[str, ...]]:
    """Fit a model on a fold's training rows; return what the fitted model, asked there and then, answers, and warnings.

    Parameters
    ----------
    asked : callable
        Takes the fitted model, its spec, and what it read; perhaps called twice.
    """
    spec = model_of(task)

    def answered() -> T:
        rows = rows_of(task, spec, dataset, fold)
        model = unfitted(task, spec, dataset)
        model.fit(rows.X, rows.y.copy(), **({} if rows.validation is None else {"validation": rows.validation}))
        return asked(model, spec, rows)

    return under_limits(task, answered)


def unfitted(task: FitTask, spec: ModelSpec, dataset: Dataset) -> Any:
    """Return the model as the factory makes it for a fit on these rows."""
    categories = dataset.categories.names if reads_categories(spec, dataset) else ()
    if task.steps and not spec.steps:
        return ByStep(lambda: make_model(spec.resolve(), task, spec, categories), task, spec)
    return make_model(spec.resolve(), task, spec, categories)
