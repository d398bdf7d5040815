"""What goes on from a fit waits for it, and is given back where that left nothing to go on from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quorate.dataset.folds import Fold
from quorate.execution.queue import Queue, Resources
from quorate.execution.state import State
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.provider import Reference

ROOM = Resources(1, 0, 1e12)


def chain(model: str, n: int) -> list[FitTask]:
    reference = Reference("model", model, "module")
    keys = [f"{model}{k}" for k in range(n)]
    tasks = [FitTask(model, k, reference, {}, 1, 1, True, key=keys[k]) for k in range(n)]
    return [tasks[0], *(replace(task, after=keys[k]) for k, task in enumerate(tasks[1:]))]


def queue_of(*tasks: FitTask) -> Queue:
    rows = np.arange(100)
    folds = tuple(Fold(k, 0, 1, rows, rows[:0]) for k in range(4))
    return Queue(FitData(None, folds), tasks)  # type: ignore[arg-type]


def done(task: FitTask, kept: State | str | None, error: str = "") -> FitResult:
    return FitResult(task.model, task.fold, np.empty(0), key=task.key, kept=kept, error=error)


def test_a_fit_is_handed_out_once_it_has_what_it_goes_on_from() -> None:
    queue = queue_of(*chain("a", 3))
    state = State({"w": np.ones(1)})
    for k in range(3):
        assert len(queue) == 3 - k
        [task] = queue.take(ROOM)
        assert (task.fold, task.start) == (k, state if k else None)
        assert queue.take(ROOM) == queue.take_all() == []  # the others wait for it
        assert queue.go_on(done(task, state)) == []
    assert len(queue) == 0


def test_chains_of_several_models_go_side_by_side_and_the_longest_first() -> None:
    queue = queue_of(*chain("short", 1), *chain("long", 4), *chain("other", 2))
    for model in ("short", "long", "other"):
        queue.learn(FitResult(model, 0, np.empty(0), seconds=1.0, n_train=100))
    first = [task for _ in range(3) for task in queue.take(ROOM)]
    assert [task.model for task in first] == ["long", "other", "short"]


def test_what_cannot_go_on_is_given_back() -> None:
    for kept, error in ((None, "it failed"), ("no state", "")):
        first, second, third = chain("a", 3)
        queue = queue_of(first, second, third)
        queue.take(ROOM)
        assert queue.go_on(done(first, kept, error)) == [second]
        assert queue.go_on(done(second, None, "it goes on from fold 0")) == [third]
        assert len(queue) == 0


def test_plugins_of_this_process_go_on_from_each_other_too() -> None:
    tasks = [replace(task, plugin=Reference("model", "a", "module", inline=object())) for task in chain("a", 3)]
    queue, seen = queue_of(*tasks), []
    while some := queue.take_inline():
        for task in some:
            seen.append(task.fold)
            queue.go_on(done(task, State()))
    assert seen == [0, 1, 2]
    assert len(queue) == 0
