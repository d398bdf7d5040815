"""Periods of training, validation and test."""

import datetime as dt

import pytest

from quorate.errors import RecipeError
from quorate.pipeline.periods import Period, check, check_adjacent, day


def period(name, first, last):
    return Period(name, dt.date.fromisoformat(first) if first else None, dt.date.fromisoformat(last))


TRAINING = period("training", "2020-01-01", "2023-12-31")


def test_periods_that_follow_one_another_pass():
    check(TRAINING, period("validation", "2024-01-01", "2024-06-30"), period("test", "2024-07-01", "2024-07-01"))


@pytest.mark.parametrize("first", ["2023-12-31", "2019-01-01"])
def test_periods_that_overlap_or_are_out_of_order_are_refused_with_their_days(first):
    with pytest.raises(RecipeError, match=rf"2020-01-01 to 2023-12-31.*{first} to 2024-06-30.*--val-start after 2023"):
        check(TRAINING, period("validation", first, "2024-06-30"))


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(RecipeError, match="--test-start is 2024-02-01, --test-end 2024-01-01"):
        check(period("test", "2024-02-01", "2024-01-01"))


def test_days_between_training_and_validation_are_those_of_a_weekend_at_most():
    check_adjacent(TRAINING, period("validation", "2024-01-05", "2024-06-30"))
    with pytest.raises(RecipeError, match="60 days lie between --train-end 2023-12-31 and --val-start 2024-03-01"):
        check_adjacent(TRAINING, period("validation", "2024-03-01", "2024-06-30"))


def test_a_day_is_a_day():
    assert day("2024-02-29", "train-end") == dt.date(2024, 2, 29)
    with pytest.raises(RecipeError, match="--train-end takes a day, YYYY-MM-DD; it was '2023-02-29'"):
        day("2023-02-29", "train-end")
