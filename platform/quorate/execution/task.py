"""What one fit is told, what all fits of a run share, and what comes of one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.execution.course import Course
from quorate.execution.outputs import Outputs
from quorate.execution.state import Kept, State
from quorate.execution.transforms import Chain
from quorate.execution.watch import Watch
from quorate.execution.weighing import Weigh
from quorate.plugins.provider import Reference

Which = tuple[str, int, int]  # of a fit: its model, fold and replicate


@dataclass(frozen=True)
class FitTask:
    """What one fit is told; small, and made of names and values only.

    Parameters
    ----------
    model : str
        Name in the recipe.
    fold : int
        Which of the data's folds.
    replicate : int
        Which of the model's seeds, from 0 on.
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
    in_sample : bool
        Whether it is asked of its training rows, too; the key does not know of it, so bars that a run may have are.
    key : str
        Hash of everything the result depends on.
    after : str
        Key of the fit that it goes on from; empty, where it begins afresh. Its own key covers that.
    start : State, optional
        What that fit's model has learnt; None, until it is known.
    code : str
        Hash of the model's code, which must be the same wherever it is fitted.
    together : bool
        It may be made together with others, see `quorate.execution.stack`.
    apart : tuple of str
        Parameters in which these may differ.
    steps : tuple of int
        Horizons that are learnt at once; none, where it is one.
    step : int
        Which of them is traded.
    weights : tuple of Weigh
        How much each training row counts; none, where all count the same, or the model takes no weights.
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
    in_sample: bool = True
    key: str = ""
    after: str = ""
    start: State | None = None
    code: str = ""
    together: bool = False
    steps: tuple[int, ...] = ()
    step: int = 0
    weights: tuple[Weigh, ...] = ()
    transforms: tuple[Chain, ...] = ()
    replicate: int = 0
    apart: tuple[str, ...] = ()
    watch: Watch | None = None

    @property
    def which(self) -> Which:
        """Which fit it is."""
        return self.model, self.fold, self.replicate

    @cached_property
    def kin(self) -> tuple[Any, ...]:
        """All that fits which are made together agree in; empty, if this one is made alone."""
        if not self.together:
            return ()
        alike = sorted((name, repr(value)) for name, value in self.params.items() if name not in self.apart)
        steps = [(c.name, c.columns, [(s.plugin.name, repr(s.params)) for s in c.steps]) for c in self.transforms]
        where = self.plugin.name, self.plugin.module, self.plugin.local, id(self.plugin.inline)
        weights = tuple(one.about for one in self.weights)
        asked = self.threads, self.device, self.gpus, self.memory, self.binary, self.steps, self.step, weights
        return *where, *asked, repr(alike), repr(steps)

    @property
    def inline(self) -> bool:
        """Whether a plugin of it was given in Python, so that no other process could find it."""
        steps = (step.plugin for chain in self.transforms for step in chain.steps)
        plugins = (self.plugin, *steps, *(one.plugin for one in self.weights))
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
    course : Course, optional
        How it was trained, where its plugin tells.
    peak_memory : int
        The most bytes that its process held meanwhile; 0 where that cannot be told.
    replicate : int
        Which of the model's seeds, from 0 on.
    replicates : tuple of FitResult
        Of a model that is fitted with several seeds the fits of them, of which this is the mean.
    unseen : ndarray of float64
        Predictions of the fold's rows of symbols that are held out, once they stand apart from the others.
    unseen_outputs : dict of ndarray
        What else the model gave of these rows.
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
    course: Course | None = field(default=None, repr=False)
    peak_memory: int = 0
    replicate: int = 0
    replicates: tuple[FitResult, ...] = field(default=(), repr=False)
    unseen: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False)
    unseen_outputs: Outputs = field(default_factory=dict, repr=False)

    @property
    def which(self) -> Which:
        """Which fit it is of."""
        return self.model, self.fold, self.replicate


def fit_seed(run_seed: int, model: str, replicate: int = 0) -> int:
    """Return the seed of a model: never from a worker, a fold's position or an order of arrival."""
    digest = hashlib.sha256(f"{run_seed}|{model}|{replicate}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
