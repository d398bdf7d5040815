"""The periods of training, validation and test: in that order, none overlapping another."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import NamedTuple

from quorate.errors import RecipeError

DAY = dt.timedelta(days=1)
CLOSED = 5  # days: a long weekend lies between two periods that follow one another


class Period(NamedTuple):
    """Days from `first` to `last`, both included; `first` None is the beginning of the bars."""

    name: str
    first: dt.date | None
    last: dt.date

    def __str__(self) -> str:
        return f"{self.first or 'the first bar'} to {self.last}"

    def to_plain(self) -> list[str | None]:
        """Return both days as JSON holds them."""
        return [self.first.isoformat() if self.first else None, self.last.isoformat()]


OPTION = {"training": "train", "validation": "val", "test": "test"}


def day(text: str, option: str) -> dt.date:
    """Return a day that was typed.

    Raises
    ------
    RecipeError
        If it is none.
    """
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise RecipeError(f"--{option} takes a day, YYYY-MM-DD; it was {text!r}") from None


def check(*periods: Period) -> None:
    """Raise `RecipeError`, unless each period ends after it begins and before the next one does."""
    for period in periods:
        if period.first and period.first > period.last:
            option = OPTION[period.name]
            raise RecipeError(
                f"{period.name} must end after it begins: --{option}-start is {period.first}, "
                f"--{option}-end {period.last}"
            )
    for before, after in pairwise(periods):
        if after.first is None or after.first <= before.last:
            raise RecipeError(
                f"{before.name} ({before}) and {after.name} ({after}) overlap: {after.name} must begin after "
                f"{before.name} ends: --{OPTION[after.name]}-start after {before.last}"
            )


def check_adjacent(training: Period, validation: Period) -> None:
    """Raise `RecipeError`, if there are days between training and validation that no period uses."""
    assert validation.first
    gap = (validation.first - training.last).days - 1
    if gap > CLOSED:
        raise RecipeError(
            f"{gap} days lie between --train-end {training.last} and --val-start {validation.first}, and no period "
            f"uses them: let validation begin on {training.last + DAY}, or training end on {validation.first - DAY}; "
            "to keep bars out between the two, --set folds.embargo=BARS"
        )
