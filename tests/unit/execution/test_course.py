"""What a plugin tells of a training: read as it is meant, or refused with what it must be."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from quorate import FitError, ModelSpec
from quorate.execution.course import COLUMNS, MOST, Course, course_of, read_course

TOLD = {
    "epochs": {"train_loss": [3.0, 2.0, 1.0], "val_loss": [2.0, 1.0, 4.0]},
    "best_epoch": 2,
    "stopped": "so  it\nis",
}


def spec_that_tells(answer: object) -> ModelSpec:
    def history(model: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ModelSpec("tells", SimpleNamespace, history=history)


def test_columns_that_are_not_told_are_not_known() -> None:
    course = read_course(TOLD, rows=10)
    assert course is not None
    assert list(course.epochs) == list(COLUMNS)
    assert np.isnan(course.epochs["seconds"]).all()
    assert (len(course), course.best("train_loss"), course.best("val_loss")) == (3, 2.0, 1.0)
    assert (course.stopped, course.steps, course.batches, course.rows) == ("so it is", (), (), 10)
    assert course.lines[0] == "epoch=1 train_loss=3 val_loss=2"


def test_without_a_best_epoch_it_is_the_last_and_without_an_epoch_there_is_no_course() -> None:
    course = read_course({"epochs": {"train_loss": (2.0, np.inf)}})
    assert course is not None
    assert (course.best_epoch, np.isnan(course.best("train_loss"))) == (2, True)
    assert read_course({"epochs": {}}) is None
    assert read_course({"epochs": {"val_loss": []}}) is None


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([1.0], "history must give a mapping with batches, best_epoch, epochs, stopped; it gave list"),
        ({"epoch": {}}, "it has 'epoch'; did you mean 'epochs'?"),
        ({"epochs": [1.0]}, "epochs must be a mapping of columns to numbers"),
        ({"epochs": {"valid_loss": [1.0]}}, "it has 'valid_loss'; did you mean 'val_loss'"),
        ({"epochs": {"train_loss": [1.0], "val_loss": [1.0, 2.0]}}, "of one length; they were .*1.*2"),
        ({"epochs": {"train_loss": [[1.0]]}}, "must be numbers, one after the other"),
        ({"epochs": {"train_loss": ["low"]}}, "must be numbers, one after the other"),
        (
            {"epochs": {"train_loss": [1.0]}, "best_epoch": -1},
            "best_epoch must be a whole number from 1 to 1, or 0.*; it was -1",
        ),
        ({"epochs": {"train_loss": [1.0]}, "best_epoch": 1.0}, "best_epoch must be a whole number"),
        (
            {"epochs": {"train_loss": [1.0]}, "batches": [[1.0], [2.0]]},
            "as many epochs as there are, 1; they were of 2",
        ),
        ({"epochs": {"train_loss": [1.0]}, "batches": 3}, "batches must be numbers for each epoch; it was 3"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_costs_no_fit(told: object, message: str) -> None:
    with pytest.raises(FitError, match=message):
        read_course(told)
    with pytest.warns(UserWarning, match=f"how model 'tells' was trained is not known: .*{message}"):
        assert course_of(spec_that_tells(told), object(), 1) is None


def test_a_hook_that_raises_costs_no_fit_and_none_is_an_answer(recwarn: pytest.WarningsRecorder) -> None:
    assert course_of(spec_that_tells(None), object(), 1) is None
    assert course_of(ModelSpec("silent", SimpleNamespace), object(), 1) is None
    assert not recwarn.list
    with pytest.warns(UserWarning, match="its history hook raised KeyError: 'losses'"):
        assert course_of(spec_that_tells(KeyError("losses")), object(), 1) is None


def test_of_very_many_steps_the_means_of_some_are_kept() -> None:
    losses = [np.arange(MOST, dtype=np.float64), np.arange(MOST + 1, dtype=np.float64)]
    course = read_course({"epochs": {"train_loss": [1.0, 1.0]}, "batches": losses})
    assert course is not None
    assert (course.every, course.steps) == (3, (MOST, MOST + 1))
    assert sum(map(len, course.batches)) <= MOST + 2
    np.testing.assert_array_equal(course.batches[0][:2], [1.0, 4.0])
    assert course.batches[1][-1] == losses[1][-(len(losses[1]) % 3 or 3) :].mean()
    assert Course.from_bytes(course.to_bytes()).steps == course.steps


def test_a_course_travels_between_processes_and_through_bytes() -> None:
    course = read_course({**TOLD, "batches": [[0.1, 0.2], [], [0.3]]}, rows=4)
    assert course is not None
    for again in (pickle.loads(pickle.dumps(course)), Course.from_bytes(course.to_bytes())):
        assert again.to_bytes() == course.to_bytes()
        assert [losses.tolist() for losses in again.batches] == [losses.tolist() for losses in course.batches]
        assert (again.best_epoch, again.stopped, again.steps) == (2, "so it is", (2, 0, 1))
