"""Walk-forward folds over many random histories: nothing that trains a fold reaches into what it predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quorate.dataset import NEVER
from quorate.errors import DataError, IntegrityError, PluginError
from quorate.folds import Fold, audit_folds, check_spans, check_training, walk_forward
from quorate.specs import Span
from quorate_plugins.splitters import expanding, rolling

RUNS = 10_000


def spans(n_bars, test, first):
    return [Span(start, min(start + test, n_bars)) for start in range(first, n_bars, test)]


def history(rng):
    """Rows of up to three symbols with missed bars, warm-up, unknown labels and label ends of any length."""
    n_bars, n_symbols = int(rng.integers(2, 80)), int(rng.integers(1, 4))
    present = rng.random((n_bars, n_symbols)) < rng.choice([0.5, 0.9, 1.0])
    present[: rng.integers(0, n_bars)] = False
    bar, symbol = np.nonzero(present)
    horizon = int(rng.integers(1, 12))
    reach = rng.integers(1, horizon + 1, len(bar)) if rng.random() < 0.5 else np.full(len(bar), horizon)
    end = bar + 1 + reach
    return n_bars, bar, symbol, np.where(end < n_bars, end, NEVER)


def test_no_training_label_reaches_a_test_bar_and_every_row_is_predicted_once():
    rng = np.random.default_rng(20180104)
    seen = dict.fromkeys(("folds", "purged", "trained", "unknown", "skipped"), 0)
    for _ in range(RUNS):
        n_bars, bar, _, end = history(rng)
        first, test, index = int(rng.integers(0, n_bars)), int(rng.integers(1, 30)), int(rng.integers(0, 5))
        folds = walk_forward(bar, end, spans(n_bars, test, first), index)
        audit_folds(folds, bar, end)
        assert [fold.index for fold in folds] == list(range(index, index + len(folds)))
        before = first
        for fold in folds:
            # Spans follow each other from `first` on in steps of `test`; only rowless ones are left out.
            assert (fold.first - first) % test == 0
            assert before <= fold.first < fold.stop == min(fold.first + test, n_bars)
            assert not ((bar >= before) & (bar < fold.first)).any()
            before = fold.stop
            assert (end[fold.train] < fold.first).all()
            assert (bar[fold.train] < fold.first).all()
            assert ((bar[fold.test] >= fold.first) & (bar[fold.test] < fold.stop)).all()
            # Nothing is thrown away: every row whose label had ended trains.
            assert len(fold.train) == (end < fold.first).sum()
            assert (np.diff(fold.train) > 0).all()
            assert (np.diff(fold.test) > 0).all()
            seen["purged"] += bool(((bar < fold.first) & (end >= fold.first)).any())
            seen["trained"] += len(fold.train) > 0
        assert not (bar >= before).any()
        tested = np.concatenate([fold.test for fold in folds]) if folds else np.empty(0)
        assert np.array_equal(tested, np.flatnonzero(bar >= first))
        seen["folds"] += len(folds)
        seen["unknown"] += bool((end == NEVER).any())
        seen["skipped"] += len(folds) < -(-(n_bars - first) // test)
    assert all(count > RUNS // 20 for count in seen.values()), seen


def test_one_more_bar_changes_no_earlier_fold():
    rng = np.random.default_rng(7)
    for _ in range(200):
        n_bars, bar, _, end = history(rng)
        first, test = int(rng.integers(0, n_bars)), int(rng.integers(1, 30))
        whole = walk_forward(bar, end, spans(n_bars, test, first))
        known = bar < n_bars - 1
        cut_end = np.where(end < n_bars - 1, end, NEVER)[known]
        for short, full in zip(walk_forward(bar[known], cut_end, spans(n_bars - 1, test, first)), whole, strict=False):
            if short.stop < n_bars - 1:
                assert short.train.tolist() == full.train.tolist()
                assert short.test.tolist() == full.test.tolist()


# --- the audit


@pytest.fixture
def sound():
    """Forty bars of one symbol, labels that end two bars later, and folds that pass the audit."""
    bar = np.arange(40)
    end = bar + 2
    folds = walk_forward(bar, end, spans(40, 10, 20))
    audit_folds(folds, bar, end)
    return bar, end, folds


def test_labels_that_end_just_before_the_test_train_and_those_that_end_in_it_do_not(sound):
    _, _, folds = sound
    assert [fold.train.tolist() for fold in folds] == [list(range(18)), list(range(28))]
    assert [(fold.first, fold.stop) for fold in folds] == [(20, 30), (30, 40)]


@pytest.mark.parametrize("row", [18, 19, 25], ids=["ends at the first test bar", "ends after it", "is a test row"])
def test_the_audit_finds_a_training_label_that_reaches_the_test(sound, row):
    bar, end, folds = sound
    folds[0] = replace(folds[0], train=np.append(folds[0].train, row))
    with pytest.raises(IntegrityError, match="fold 0: a training label ends at or after the first test bar 20"):
        audit_folds(folds, bar, end)


def test_the_audit_finds_a_training_row_without_a_label(sound):
    bar, end, folds = sound
    end = end.copy()
    end[3] = NEVER
    with pytest.raises(IntegrityError, match="fold 0: a training label ends"):
        audit_folds(folds, bar, end)


@pytest.mark.parametrize("row", [19, 30], ids=["before", "after"])
def test_the_audit_finds_a_test_row_outside_its_span(sound, row):
    bar, end, folds = sound
    folds[0] = replace(folds[0], test=np.append(folds[0].test, row))
    with pytest.raises(IntegrityError, match=r"fold 0: a test row lies outside bars 20\.\.29"):
        audit_folds(folds, bar, end)


def test_the_audit_finds_a_row_that_is_predicted_twice(sound):
    bar, end, folds = sound
    with pytest.raises(IntegrityError, match="predicted by two folds"):
        audit_folds([*folds, folds[1]], bar, end)
    audit_folds([], bar, end)


# --- what a user is told


@pytest.mark.parametrize("n_bars", [99, 100])
@pytest.mark.parametrize("splitter,option", [(expanding, "initial"), (rolling, "train")])
def test_too_little_history_is_told_with_what_to_change(n_bars, splitter, option):
    with pytest.raises(DataError, match=rf"trains on 100 bars \(folds.{option}\).*there are {n_bars}:"):
        list(splitter(days(n_bars), 0, 100))
    assert list(splitter(days(101), 0, 100)) == [Span(100, 101)]


def days(n):
    return np.datetime64("2020-01-01") + np.arange(n)


def test_the_splitters_cover_everything_from_their_start_on_and_continue_where_they_are_told():
    rng = np.random.default_rng(3)
    for _ in range(500):
        n, train, test = int(rng.integers(30, 400)), int(rng.integers(10, 25)), int(rng.integers(1, 90))
        start = int(rng.integers(train, n))
        for splitter in (expanding, rolling):
            for begin in (0, start):
                found = list(splitter(days(n), begin, train, test))
                check_spans(found, n, begin, splitter.__name__)
                assert found[0].first == (begin or train)
                assert {span.stop - span.first for span in found[:-1]} <= {test}
                if splitter is rolling:
                    assert all(span.first - span.train_from == train for span in found)


def test_a_rolling_fold_trains_on_no_row_before_its_window():
    bar = np.arange(100)
    [fold] = walk_forward(bar, bar + 2, [Span(60, 100, 20)])
    assert (fold.train.min(), fold.train.max()) == (20, 57)


@pytest.mark.parametrize(
    "found, start, said",
    [
        ([], 0, "it yielded none"),
        ([Span(10, 20), Span(25, 40)], 0, "span 1 must begin where the one before stopped, bar 20"),
        ([Span(10, 20), Span(15, 40)], 0, "span 1 must begin where the one before stopped, bar 20"),
        ([Span(10, 30)], 0, "the last span must stop at 40.*it stops at 30"),
        ([Span(10, 40)], 12, "span 0 must begin where the one before stopped, bar 12"),
        ([Span(10, 10), Span(10, 40)], 0, "and end after that; it is 10..10"),
        ([Span(10, 40, 10)], 0, "train before it predicts, 0 <= train_from < 10; train_from is 10"),
        ([Span(0, 40)], 0, "train_from < 0"),
    ],
)
def test_spans_that_leave_a_bar_out_or_train_on_what_they_predict_are_refused(found, start, said):
    with pytest.raises(PluginError, match=f"(?s)splitter 'mine', 40 bars.*{said}"):
        check_spans(found, 40, start, "mine")


def test_labels_of_one_class_are_told_with_fold_and_date():
    sessions = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")
    y = np.array([1.0] * 5 + [0.0, 1.0, 1.0])
    good, bad = (Fold(i, 8, 10, np.arange(n), np.array([8, 9])) for i, n in ((0, 6), (3, 5)))
    check_training([good], y, sessions, True)
    with pytest.raises(DataError, match=r"fold 3 \(from 2020-01-09\): all 5 training labels are 1; .* needs both"):
        check_training([good, bad], y, sessions, True)


def test_a_fold_without_training_rows_is_told_with_what_to_change():
    sessions = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")
    fold = Fold(0, 2, 10, np.empty(0, dtype=np.int64), np.array([2]))
    with pytest.raises(DataError, match=r"fold 0 \(from 2020-01-03\) has no training row.*folds.initial"):
        check_training([fold], np.ones(10), sessions, True)
