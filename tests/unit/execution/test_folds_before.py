"""Which fold a model may go on from, and that a fault in choosing it is caught."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.dataset.folds import Fold, audit_starts, before_of, walk_forward
from quorate.dataset.splits import combinatorial_folds
from quorate.errors import IntegrityError
from quorate.plugins.specs import Span

BAR = np.arange(100)
END = BAR + 3
FOLDS = walk_forward(BAR, END, [Span(first, first + 20) for first in (40, 60, 80)], embargo=2)


def test_in_a_walk_forward_every_fold_but_the_first_has_one_before() -> None:
    found = before_of(FOLDS, END, 2)
    assert {index: fold.index for index, fold in found.items()} == {1: 0, 2: 1}
    audit_starts(FOLDS, found, BAR, END, 2)


def test_splits_that_train_on_later_data_begin_afresh() -> None:
    groups = [Span(first, first + 20) for first in range(0, 100, 20)]
    splits = [split.fold for split in combinatorial_folds(BAR, END, 100, groups, 2)]
    assert len(splits) == 10
    assert before_of(splits, END) == {}
    once = [split.fold for split in combinatorial_folds(BAR, END, 100, groups, 1)]  # k-fold
    assert before_of(once, END) == {}


def test_a_start_from_a_later_fold_is_caught() -> None:
    with pytest.raises(IntegrityError, match="fold 0 would go on from fold 1, which is no earlier one"):
        audit_starts(FOLDS, {0: FOLDS[1]}, BAR, END, 2)
    with pytest.raises(IntegrityError, match="no earlier one"):  # and so is one from itself
        audit_starts(FOLDS, {1: FOLDS[1]}, BAR, END, 2)


@pytest.mark.parametrize("where", [0, 1])
def test_a_start_that_was_trained_on_what_is_predicted_is_caught(where: int) -> None:
    """Also where not the fold before knows of it, but one that this goes on from itself."""
    last = FOLDS[2]
    knows = Fold(where, FOLDS[where].first, FOLDS[where].stop, np.arange(last.first), FOLDS[where].test)
    starts = {2: FOLDS[1], 1: FOLDS[0], where + 1: knows}
    with pytest.raises(
        IntegrityError, match=r"fold 2, which goes on from fold 1.* no label interval of a training row"
    ):
        audit_starts([last], starts, BAR, END, 2)
