"""What a trial takes of CPUs, GPUs and memory: what a fit of its model takes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import quorate
from quorate.execution.executor import LIMITS, Executor
from quorate.execution.fit import run_fit
from quorate.execution.queue import Queue, Resources
from quorate.execution.task import FitTask

PLUGIN = """
import numpy as np
import quorate

class Wide:
    def __init__(self, shrink=0.1, device="cpu"):
        self.shrink = shrink
    def fit(self, X, y, sample_weight=None):
        self.mean = y.mean()
        return self
    def predict_proba(self, X):
        p = np.clip(self.mean + self.shrink * np.sign(X[:, 0]), 0.01, 0.99)
        return np.column_stack([1 - p, p])

@quorate.hookimpl
def quorate_models():
    space = {"shrink": quorate.Float(0.01, 0.3)}
    yield quorate.ModelSpec("wide", Wide, space=space, cpus=2, gpus=0.25, memory=1.0)
"""
RECIPE: dict[str, Any] = {
    "name": "wide",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 0},
    "features": {"use": ["return_1", "return_2"]},
    "folds": {"initial": 500, "test": 100},
    "models": {"wide": {}},
    "threshold": {"min_bars": 60},
    "tuning": {"trials": 8, "folds": 3, "pruner": "none"},
}
GIB = 2**30


class OneGpu(Executor):
    """Fits in this process, but hands out as a machine with sixteen CPUs and one GPU would."""

    name, workers = "one-gpu", 16

    def __init__(self) -> None:
        self.beside: list[list[FitTask]] = []

    def gpus(self) -> int:
        return 1

    def run(self, data: Any, queue: Queue, done: Any, began: Any, limits: Any = LIMITS) -> None:
        room, under_way = Resources(16, 1, 64 * GIB), []
        while True:
            while tasks := queue.take(room):
                began(tasks)
                under_way += tasks
                for task in tasks:
                    room -= Resources.of(task)
            if not under_way:
                return
            self.beside.append(list(under_way))
            task = under_way.pop(0)
            room += Resources.of(task)
            done(run_fit(replace(task, device="cpu", gpus=0.0), data))

    def close(self) -> None: ...


def test_trials_share_a_gpu_as_the_spec_of_their_model_says(tmp_path: Any) -> None:
    (tmp_path / "wide.py").write_text(PLUGIN)
    executor = OneGpu()
    recipe = {**deepcopy(RECIPE), "plugins": [str(tmp_path / "wide.py")]}
    found = quorate.sweep(recipe, home=tmp_path / "home", executor=executor)
    trials = [task for group in executor.beside for task in group if "#" in task.model]
    assert {(t.threads, t.gpus, t.memory, t.device) for t in trials} == {(2, 0.25, GIB, "cuda")}
    assert max(len(group) for group in executor.beside) == 4
    assert len({task.model for task in max(executor.beside, key=lambda group: len({t.model for t in group}))}) > 1
    assert len(found.trials) == 8
