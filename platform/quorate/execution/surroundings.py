"""What surrounds a fit: threads, the GPU's memory and global generators, held to what it was told."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from quorate.execution.resources import pools_of, thread_pools

if TYPE_CHECKING:
    from quorate.execution.task import FitTask

T = TypeVar("T")
_began: list[set[str]] = []  # libraries with threads that were loaded when the calls of `under_limits` began


@contextmanager
def surroundings_of(task: FitTask) -> Iterator[None]:
    """Hold every library to the fit's threads, with generators that are seeded by it."""
    with _threads(task), seeded(task.seed):
        yield


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
def seeded(seed: int) -> Iterator[None]:
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


def under_limits(task: FitTask, step: Callable[[], T]) -> tuple[T, tuple[str, ...]]:
    """Return what a step gives with every library held to a fit's threads, and the warnings that it gave."""
    answer, caught = heard_under_limits(task, step)
    return answer, notes_of(caught)


def heard_under_limits(task: FitTask, step: Callable[[], T]) -> tuple[T, list[warnings.WarningMessage]]:
    """As `under_limits`, with the warnings as they were given."""
    while True:
        pools = thread_pools()
        _began.append(pools)
        try:
            with heard() as caught, surroundings_of(task):
                answer = step()
        finally:
            _began.pop()
        # A library that was loaded by the fit escaped the limit, and its sums may have another order.
        if thread_pools() == pools:
            return answer, caught


@contextmanager
def heard() -> Iterator[list[warnings.WarningMessage]]:
    """Hear every warning, which nobody else does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def notes_of(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return warnings as a fit notes them."""
    notes = {f"{w.category.__name__}: {w.message}" for w in caught if not issubclass(w.category, DeprecationWarning)}
    return tuple(sorted(notes)[:5])


def settled() -> bool:
    """Whether what is computed now counts: every library is held to the fit's threads, see `under_limits`."""
    return not _began or thread_pools() == _began[-1]
