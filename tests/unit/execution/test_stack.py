"""Which fits are made together, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support.stacks import CALLS, dataset, spec_of

from quorate import ModelSpec
from quorate.dataset.folds import Fold
from quorate.execution.fit import FitData, FitTask
from quorate.execution.queue import MOST, Queue, Resources
from quorate.execution.stack import first_stack, run_fits, stacks
from quorate.plugins.provider import Reference


def tasks(count: int, model: str = "a", together: bool = True) -> list[FitTask]:
    reference = Reference("model", model, "tests.support.stacks", inline=spec_of(model))
    return [FitTask(model, n, reference, {}, n, 1, False, together=together) for n in range(count)]


@pytest.fixture(name="data", scope="module")
def _data() -> FitData:
    rows = np.arange(400)
    folds = [Fold(n, 200 + n, 201 + n, rows[: 100 + n], rows[200 + n : 203 + n]) for n in range(20)]
    return FitData(dataset(), tuple(folds))


def test_fits_of_one_model_go_together_up_to_so_many() -> None:
    some = [*tasks(MOST + 3), *tasks(2, "b"), *tasks(2, "c", together=False)]
    assert [len(group) for group in stacks(some)] == [MOST, 3, 2, 1, 1]
    assert first_stack(some) == MOST
    assert first_stack([]) == 0


def test_workers_are_handed_stacks_that_leave_enough_for_all(data: FitData) -> None:
    queue = Queue(data, tasks(20))
    queue.workers = 2
    sizes = []
    while len(queue):
        batch = queue.take(Resources(2, 0, float("inf")))
        assert {task.model for task in batch} == {"a"}
        sizes.append(len(batch))
    assert sum(sizes) == 20
    assert sizes[0] == 5
    assert sizes[-1] == 1


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
