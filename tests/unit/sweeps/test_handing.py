"""The fits of trials that agree are handed out together; what was decided meanwhile is not handed out at all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from quorate.dataset.folds import Fold
from quorate.execution.queue import Resources
from quorate.execution.task import FitData, FitTask
from quorate.plugins.provider import Reference
from quorate.sweeps.handing import TrialQueue

ROOM = Resources(8, 0, float("inf"))
FOLDS, TRIALS = 3, 4


def make(number: int, fold: int, together: bool = True, **params: object) -> FitTask:
    plugin = Reference("model", "net", "module")
    return FitTask(f"net#{number}", fold, plugin, params, 1, 1, True, together=together, apart=("rate",))


def queue(tasks: list[FitTask], workers: int = 1, spared: set[str] | None = None, by_fold: bool = False) -> TrialQueue:
    nothing = np.empty(0, dtype=np.int64)
    folds = tuple(Fold(k, 0, 1, np.arange(9), nothing) for k in range(FOLDS))
    waiting = iter(tasks)
    found = TrialQueue(
        FitData(SimpleNamespace(), folds),  # type: ignore[arg-type]
        tasks[:1],
        lambda: next(waiting, None),
        lambda task: task.model in (spared or ()),
        TRIALS,
        lambda task: task.fold if by_fold else None,
    )
    found.workers = workers
    return found


def drain(one: TrialQueue) -> list[list[tuple[str, int]]]:
    found = []
    while len(one):
        found.append([(task.model, task.fold) for task in one.take(ROOM)])
    return found


EVERY = [make(n, k, rate=n) for k in range(FOLDS) for n in range(TRIALS)]


def test_trials_and_folds_go_together_and_every_worker_has_its_share() -> None:
    assert [len(stack) for stack in drain(queue(EVERY))] == [12]
    shares = drain(queue(EVERY, workers=2))
    assert [len(stack) for stack in shares] == [6, 6]
    assert sorted(fit for stack in shares for fit in stack) == sorted((t.model, t.fold) for t in EVERY)
    only = queue(EVERY)
    assert len(only.take_all()) == 12


def test_where_trials_may_be_stopped_a_stack_is_of_one_fold() -> None:
    stacks = drain(queue(EVERY, by_fold=True))
    assert [{fold for _, fold in stack} for stack in stacks] == [{0}, {1}, {2}]
    assert [len(stack) for stack in stacks] == [TRIALS] * FOLDS


def test_fits_that_do_not_agree_are_not_handed_out_together() -> None:
    some = [make(0, 0, rate=1, hidden=8), make(1, 0, rate=1, hidden=16), make(2, 0, rate=2, hidden=8)]
    assert drain(queue(some)) == [[("net#0", 0), ("net#2", 0)], [("net#1", 0)]]
    assert drain(queue([make(n, 0, together=False) for n in range(3)])) == [[(f"net#{n}", 0)] for n in range(3)]


def test_what_is_decided_meanwhile_is_spared() -> None:
    spared: set[str] = set()
    waiting = queue(EVERY, spared=spared, by_fold=True)
    waiting.take(ROOM)
    spared |= {"net#1", "net#3"}
    assert drain(waiting) == [[("net#0", 1), ("net#2", 1)], [("net#0", 2), ("net#2", 2)]]
    spared.clear()
    both = queue(EVERY, workers=2, spared=spared)
    assert len(both.take(ROOM)) == 6
    spared |= {"net#0", "net#1"}
    assert drain(both) == [[("net#3", fold) for fold in range(FOLDS)]]  # what is left of the other worker's share


def test_what_was_lost_is_handed_out_alone() -> None:
    waiting = queue(EVERY)
    lost = waiting.take(ROOM)
    waiting.alone(lost[:3])
    assert [len(stack) for stack in drain(waiting)] == [1, 1, 1]
