"""What is handed out next: the longest first, small ones together, never more than there is room for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quorate
from quorate.dataset.folds import Fold
from quorate.execution.queue import BATCH_FITS, BATCH_SECONDS, Queue, Resources, check_room
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.provider import Reference

ONE = Resources(1, 0, 1e12)


def make_task(model, fold, **more):
    plugin = Reference("model", f"{model}-plugin", "module", inline=more.pop("inline", None))
    return FitTask(model, fold, plugin, {}, 1, more.pop("threads", 1), True, **more)


def make_data(*rows):
    nothing = np.empty(0, dtype=np.int64)
    return FitData(SimpleNamespace(), tuple(Fold(k, 0, 1, np.arange(n), nothing) for k, n in enumerate(rows)))


def done(task, seconds, rows, error=""):
    return FitResult(task.model, task.fold, np.empty(0), seconds=seconds, n_train=rows, error=error)


def drain(queue, room=ONE):
    batches = []
    while batch := queue.take(room):
        batches.append([(task.model, task.fold) for task in batch])
    return batches


def test_unknown_models_come_first_and_alone_with_their_largest_fold():
    queue = Queue(make_data(100, 300, 200), [make_task("a", k) for k in range(3)])
    assert drain(queue) == [[("a", 1)], [("a", 2)], [("a", 0)]]


def test_the_longest_comes_first_by_the_rates_of_earlier_runs():
    tasks = [make_task(model, fold) for model in ("slow", "quick") for fold in range(2)]
    queue = Queue(make_data(1000, 2000), tasks, {"slow-plugin": 1e-2, "quick-plugin": 6e-3})
    assert drain(queue) == [[("slow", 1)], [("quick", 1)], [("slow", 0)], [("quick", 0)]]


def test_rates_are_learned_from_what_is_done():
    tasks = [make_task(model, fold) for model in ("a", "b") for fold in range(2)]
    queue = Queue(make_data(1000, 2000), tasks)
    first, second = queue.take(ONE) + queue.take(ONE)
    assert {first.model, second.model} == {"a"}  # nobody knows yet how long b takes, nor a
    queue.learn(done(first, 4.0, 2000))
    queue.learn(done(second, 2.0, 1000))
    assert queue.estimate(make_task("a", 1)) == pytest.approx(4.0)
    [other] = queue.take(ONE)
    assert other.model == "b"


def test_small_fits_come_in_batches_and_at_the_end_fewer_at_a_time():
    tasks = [make_task("a", fold) for fold in range(1000)]
    queue = Queue(make_data(*[100] * 1000), tasks, {"a-plugin": 1e-6})
    sizes = [len(batch) for batch in drain(queue)]
    assert sum(sizes) == 1000
    assert sizes[0] == BATCH_FITS
    assert sizes[-1] == 1
    assert len(sizes) < 60


@given(st.floats(1e-5, 1.0), st.integers(1, 200))
def test_a_batch_never_takes_longer_than_meant_unless_it_is_one_fit(seconds, count):
    queue = Queue(make_data(*[100] * count), [make_task("a", k) for k in range(count)], {"a-plugin": seconds / 100})
    batches = drain(queue)
    assert sorted(fold for batch in batches for _, fold in batch) == list(range(count))
    assert all(len(batch) == 1 or len(batch) * seconds <= BATCH_SECONDS * 1.001 for batch in batches)
    assert len(queue) == 0


def test_what_is_given_back_comes_alone():
    tasks = [make_task("a", fold) for fold in range(400)]
    queue = Queue(make_data(*[100] * 400), tasks, {"a-plugin": 1e-6})
    batch = queue.take(ONE)
    assert len(batch) > 1
    left = len(queue)
    queue.alone(batch)
    assert len(queue) == left + len(batch)
    again = [queue.take(ONE) for _ in batch]
    assert [len(b) for b in again] == [1] * len(batch)
    assert {b[0].fold for b in again} == {task.fold for task in batch}


def test_nothing_is_handed_out_that_finds_no_room():
    tasks = [make_task("wide", 0, threads=4), make_task("narrow", 0), make_task("gpu", 0, device="cuda", gpus=0.5)]
    queue = Queue(make_data(100), tasks)
    assert drain(queue, Resources(1, 0, 0)) == [[("narrow", 0)]]
    assert drain(queue, Resources(1, 0.5, 0)) == [[("gpu", 0)]]
    assert drain(queue, Resources(4, 0, 0)) == [[("wide", 0)]]


def test_shares_of_a_gpu_add_up_to_one():
    room = Resources(9, 1, 0)
    for _ in range(3):
        assert room.holds(Resources(1, 1 / 3, 0))
        room -= Resources(1, 1 / 3, 0)
    assert not room.holds(Resources(1, 0.01, 0))


def test_the_only_worker_gets_all_at_once_but_what_was_given_back():
    tasks = [make_task(model, fold) for model in ("a", "b") for fold in range(2)]
    queue = Queue(make_data(1000, 2000), tasks, {"a-plugin": 1e-3, "b-plugin": 2e-3})
    queue.alone(queue.take(ONE))
    assert [(t.model, t.fold) for t in queue.take_all()] in (
        [("b", 0), ("a", 1), ("a", 0)],
        [("a", 1), ("b", 0), ("a", 0)],
    )
    assert queue.take_all() == []
    assert drain(queue) == [[("b", 1)]]


def test_inline_plugins_are_taken_out():
    queue = Queue(
        make_data(10, 10), [make_task("a", 0), make_task("b", 0, inline=object()), make_task("b", 1, inline=1)]
    )
    assert [(t.model, t.fold) for t in queue.take_inline()] in ([("b", 0), ("b", 1)], [("b", 1), ("b", 0)])
    assert drain(queue) == [[("a", 0)]]


def test_the_seconds_left_are_estimated():
    tasks = [make_task(model, fold) for model in ("a", "b") for fold in range(2)]
    queue = Queue(make_data(1000, 2000), tasks, {"a-plugin": 1e-3, "b-plugin": 2e-3})
    assert queue.seconds() == pytest.approx(9.0)
    queue.take(ONE)
    assert queue.seconds() == pytest.approx(5.0)


def test_a_fit_that_asks_for_more_than_there_is_is_refused_with_both_figures():
    there = Resources(2, 1, 8 * 2**30)
    check_room([make_task("fine", 0, threads=2, gpus=0.5, memory=2**33)], there, "this machine")
    with pytest.raises(quorate.RecipeError) as error:
        check_room([make_task("much", 0, threads=3, gpus=2, memory=2**34)], there, "this machine")
    assert "a fit of model 'much' asks for 3 CPUs, 2 GPUs, 16 GiB of memory" in str(error.value)
    assert "this machine has 2 CPUs, 1 GPU, 8 GiB of memory" in str(error.value)
