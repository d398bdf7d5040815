"""Which fits are made together, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support.stacks import CALLS, dataset, spec_of

from quorate import ModelSpec
from quorate.dataset.folds import Fold
from quorate.execution.queue import MOST, Queue, Resources
from quorate.execution.stack import first_stack, run_fits, stacks
from quorate.execution.task import FitData, FitTask
from quorate.plugins.provider import Reference


def tasks(count: int, model: str = "a", together: bool = True) -> list[FitTask]:
    reference = Reference("model", model, "tests.support.stacks", inline=spec_of(model))
    return [FitTask(model, n, reference, {}, n, 1, False, together=together) for n in range(count)]


@pytest.fixture(name="data", scope="module")
def _data() -> FitData:
    rows = np.arange(400)
    folds = [Fold(n, 200 + n, 201 + n, rows[: 100 + n], rows[200 + n : 203 + n]) for n in range(20)]
    return FitData(dataset(), tuple(folds))


def test_fits_that_agree_go_together_whatever_they_are_called() -> None:
    some = [*tasks(3), *tasks(2, "b"), *tasks(2, "c", together=False)]
    assert [len(group) for group in stacks(some)] == [3, 2, 1, 1]
    assert first_stack(some) == 3
    assert first_stack([]) == 0
    trials = [
        replace(task, model=f"a#{n}", apart=("rate",), params={"rate": n, "depth": 3})
        for n, task in enumerate(some[:3])
    ]
    assert [len(group) for group in stacks(trials)] == [3]
    other = replace(trials[0], params={"rate": 0, "depth": 4})
    assert [len(group) for group in stacks([*trials, other])] == [3, 1]
    assert [len(group) for group in stacks([trials[0], replace(trials[1], threads=2)])] == [1, 1]


def test_a_warning_about_one_model_is_noted_for_its_fit_alone(data: FitData) -> None:
    list(run_fits(tasks(4, "warns"), data))  # which may load a library, and is then done once more
    CALLS.clear()
    found = list(run_fits(tasks(4, "warns"), data))
    assert CALLS == [4]
    old, lost, far = (
        f"UserWarning: {told}" for told in ("the library is old", "its loss was not finite", "far from its rows")
    )
    assert [one.notes for one in found] == [(old,), (lost, old), (far, old), (old,)]


def test_what_waits_is_dealt_once_so_that_all_workers_have_as_many(data: FitData) -> None:
    assert handed(data, tasks(8), 2) == [[7, 5, 3, 1], [6, 4, 2, 0]]
    assert [len(stack) for stack in handed(data, tasks(20), 2)] == [10, 10]
    assert [len(stack) for stack in handed(data, tasks(3), 4)] == [1, 1, 1]
    assert handed(data, tasks(20), 1) == [list(range(19, 9, -1)), list(range(9, -1, -1))]
    assert max(map(len, handed(data, [replace(t, replicate=k) for t in tasks(20) for k in range(5)], 2))) <= MOST


def test_on_gpus_there_is_a_stack_for_each_of_them(data: FitData) -> None:
    some = [replace(task, device="cuda", gpus=1.0) for task in tasks(20)]
    assert [len(stack) for stack in handed(data, some, 4, gpus=2)] == [10, 10]
    shared = [replace(task, gpus=0.5) for task in some]
    assert [len(stack) for stack in handed(data, shared, 4, gpus=1)] == [10, 10]
    assert len(handed(data, [replace(one, replicate=k) for one in some for k in range(5)], 8, gpus=1)) == 1


def handed(data: FitData, some: list[FitTask], workers: int, gpus: int = 0) -> list[list[int]]:
    """Return the folds of each stack, in the order in which a queue hands them out."""
    queue = Queue(data, some)
    queue.workers, queue.gpus = workers, gpus
    found = []
    while len(queue):
        found.append([task.fold for task in queue.take(Resources(workers, gpus, float("inf")))])
    return found


def test_a_stack_is_made_in_parts_that_pay_and_that_memory_is_there_for(data: FitData) -> None:
    def at_once(model: object, X: object, y: object, memory: int) -> int:
        return memory // 2**30 if memory else 4

    def sizes(memory: int) -> list[int]:
        CALLS.clear()
        reference = Reference("model", "a", "tests.support.stacks", inline=replace(spec_of("a"), at_once=at_once))
        some = [replace(task, plugin=reference) for task in tasks(9)]
        assert not any(result.error for result in run_fits(some, data, memory))
        return list(dict.fromkeys(CALLS))

    assert sizes(0) == [3]
    assert sizes(5 * 2**30) == [5, 4]
    assert sizes(1 * 2**30) == []  # each by itself


def test_what_is_fitted_together_is_what_each_is_alone(data: FitData) -> None:
    CALLS.clear()
    some = tasks(5)
    found = list(run_fits(some, data))
    together = len(CALLS)
    assert set(CALLS) == {5}  # once, or twice, where a library was loaded by the first
    alone = [next(run_fits([task], data)) for task in some]
    assert len(CALLS) == together
    for one, other in zip(found, alone, strict=True):
        assert not one.error
        assert np.array_equal(one.predictions, other.predictions)
        assert (one.fold, one.key, one.n_train) == (other.fold, other.key, other.n_train)


def test_one_that_cannot_be_fitted_is_told_and_the_others_are_not_lost(data: FitData) -> None:
    found = list(run_fits(tasks(4, "one-fails"), data))
    assert [bool(result.error) for result in found] == [False, True, False, False]
    assert found[1].error == "its loss is not finite"
    assert np.isnan(found[1].predictions).all()


@pytest.mark.parametrize("model", ["raises", "forgets-one"])
def test_where_fitting_together_fails_each_is_fitted_alone(data: FitData, model: str) -> None:
    found = list(run_fits(tasks(3, model), data))
    assert [result.error for result in found] == ["", "", ""]
    assert all(np.isfinite(result.predictions).all() for result in found)


def test_a_spec_says_what_its_parameters_say_of_it() -> None:
    spec = replace(spec_of("a"), settings={"lookback": "bars", "validation": "held"}, input="windows")
    told = spec.with_params({"bars": 7, "held": 0.25, "other": 1})
    assert (told.lookback, told.validation) == (7, 0.25)
    assert spec.with_params({}) is spec
    with pytest.raises(Exception, match="settings must be one of"):
        ModelSpec("x", "m:f", settings={"memory": "gib"})


def test_blocks_are_held_back_with_what_reaches_into_them() -> None:
    from quorate.execution.steps import hold_back

    rows = np.arange(100)
    spec = replace(spec_of("a"), validation=0.2, validation_blocks=4)
    train, held = hold_back(spec, dataset(horizon=3), rows)
    assert held.tolist() == [n for start in (20, 45, 70, 95) for n in range(start, start + 5)]
    assert not set(train) & set(held)
    ends = {n: n + 3 for n in rows}
    for row in train:
        assert all(not (row <= other <= ends[row] or other <= row <= ends[other]) for other in held)
    tail, latest = hold_back(replace(spec, validation_blocks=1), dataset(horizon=3), rows)
    assert latest.tolist() == list(range(80, 100))
    assert tail.tolist() == list(range(77))
