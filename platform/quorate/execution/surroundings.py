"""What surrounds a fit: threads, the GPU's memory and global generators, held to what it was told."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from quorate.execution.resources import pools_of

if TYPE_CHECKING:
    from quorate.execution.fit import FitTask


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
