"""Walk-forward folds over many random histories: nothing that trains a fold reaches into what it predicts."""

from __future__ import annotations

import re
from dataclasses import replace
from math import comb

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from quorate.dataset.folds import NEVER, Fold, audit_folds, audit_split, check_spans, check_training, walk_forward
from quorate.dataset.splits import along_paths, combinatorial_folds, paths
from quorate.errors import DataError, IntegrityError, PluginError
from quorate.plugins.specs import Span
from quorate_plugins.splitters.by_bars import auto, chronological, combinatorial, expanding, rolling
from quorate_plugins.splitters.by_dates import anchored, calendar

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


# --- any panel, any splitter, any embargo

LENGTHS = st.tuples(st.integers(1, 40), st.sampled_from("MWB")).map(lambda pair: f"{pair[0]}{pair[1]}")
SHARES = st.floats(0.1, 0.6)
BARS = st.integers(10, 120)
SPLITTERS = {
    expanding: {"initial": BARS, "test": st.integers(1, 90)},
    rolling: {"train": BARS, "test": st.integers(1, 90)},
    anchored: {"anchor": st.dates(np.datetime64("2020-01-01").item(), np.datetime64("2020-06-01").item()),
               "initial": BARS, "test": st.integers(1, 90)},
    calendar: {"train": st.just("all") | LENGTHS, "test": LENGTHS, "initial": LENGTHS},
    chronological: {"train": SHARES, "validation": st.floats(0.05, 0.35), "refit": st.booleans()},
    auto: {"folds": st.integers(1, 7), "ratio": SHARES, "least": st.integers(1, 20)},
}  # fmt: skip
asked = st.sampled_from(list(SPLITTERS)).flatmap(lambda f: st.tuples(st.just(f), st.fixed_dictionaries(SPLITTERS[f])))
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@st.composite
def panels(draw, least=40, most=400):
    """Rows of symbols that miss bars, by bar and then by symbol, with labels of up to 20 bars, some never known."""
    n_bars, rng = draw(st.integers(least, most)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    present = rng.random((n_bars, draw(st.integers(1, 3)))) < draw(st.sampled_from([0.5, 0.9, 1.0]))
    present[: draw(st.integers(0, 20))] = False
    bar, _ = np.nonzero(present)
    horizon = draw(st.integers(1, 20))
    reach = rng.integers(1, horizon + 1, len(bar)) if draw(st.booleans()) else np.full(len(bar), horizon)
    end = bar + 1 + reach
    unknown = (end >= n_bars) | (rng.random(len(bar)) < draw(st.sampled_from([0.0, 0.05])))
    return n_bars, bar, np.where(unknown, NEVER, end)


def apart(bar, end, train, test, embargo=0):
    """Whether every pair of label intervals of a training and a test row is apart by more than the embargo."""
    last = np.where(end[test] == NEVER, bar[test], end[test])
    before = end[train][:, None] < bar[test] - embargo
    return bool((before | (bar[train][:, None] > last + embargo)).all())


@MANY
@given(panels(), asked, st.integers(0, 25), st.data())
@pytest.mark.filterwarnings("ignore::quorate.DataWarning")
def test_any_splitter_on_any_panel_trains_on_what_had_ended_and_predicts_every_bar_once(panel, asked, embargo, data):
    n_bars, bar, end = panel
    splitter, options = asked
    holdout = data.draw(st.integers(n_bars // 2, n_bars - 1))
    try:
        parts = [
            (list(splitter(days(n), start, **options)), n, start) for n, start in ((holdout, 0), (n_bars, holdout))
        ]
    except DataError:
        reject()
    folds = []
    for spans_, n, start in parts:
        check_spans(spans_, n, start, splitter.__name__)
        folds += walk_forward(bar, end, spans_, len(folds), embargo)
    audit_folds(folds, bar, end, embargo)
    by_first = {span.first: span for spans_, _, _ in parts for span in spans_}
    for fold in folds:
        span = by_first[fold.first]
        assert apart(bar, end, fold.train, fold.test, embargo)
        limit = min(fold.first, span.train_stop or fold.first) - embargo
        assert fold.train.tolist() == np.flatnonzero((end < limit) & (bar >= span.train_from)).tolist()
    tested = np.concatenate([fold.test for fold in folds]) if folds else np.empty(0)
    assert tested.tolist() == np.flatnonzero(bar >= parts[0][0][0].first).tolist()


@MANY
@given(panels(40, 200), st.integers(2, 8), st.integers(1, 7), st.integers(0, 10))
def test_combinatorial_splits_of_any_panel_are_purged_on_both_sides_and_make_whole_paths(panel, groups, tests, embargo):
    n_bars, bar, end = panel
    tests = min(tests, groups - 1)
    try:
        spans = list(combinatorial(days(n_bars), groups, tests))
        splits = combinatorial_folds(bar, end, n_bars, spans, tests, embargo)
    except DataError:
        reject()
    assert len(splits) == comb(groups, tests)
    for index, split in enumerate(splits):
        assert (split.fold.index, len(split.groups)) == (index, tests)
        assert (split.fold.first, split.fold.stop) == (split.spans[0].first, split.spans[-1].stop)
        audit_split(split.fold.train, split.fold.test, bar, end, embargo)
        assert apart(bar, end, split.fold.train, split.fold.test, embargo)
        # Nothing else is thrown away: every other row has no label, or lies near the interval of a group.
        free = end != NEVER
        for span in split.spans:
            ends = end[(bar >= span.first) & (bar < span.stop) & (end != NEVER)]
            free &= (end < span.first - embargo) | (bar > max([span.stop - 1, *ends]) + embargo)
        assert split.fold.train.tolist() == np.flatnonzero(free).tolist()
    table = paths(groups, tests)
    assert table.shape == (comb(groups - 1, tests - 1), groups)
    for group in range(groups):
        assert table[:, group].tolist() == [s.fold.index for s in splits if group in s.groups]
    walked = along_paths(splits, [split.fold.test.astype(float) for split in splits], bar)
    assert (walked == np.arange(len(bar))).all()


@MANY
@given(panels(40, 120), st.integers(0, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5]))
def test_the_audit_of_a_split_says_what_a_comparison_of_all_pairs_says(panel, embargo, seed, share):
    _, bar, end = panel
    rows = np.random.default_rng(seed).permutation(len(bar))
    n_test = 1 + int(share * len(bar)) // 4
    test, train = rows[:n_test], rows[n_test : n_test + 2]  # few rows: some pairs are apart, some are not
    if apart(bar, end, train, test, embargo) and (end[train] != NEVER).all():
        audit_split(train, test, bar, end, embargo)
    else:
        with pytest.raises(IntegrityError, match=f"of {len(train)} training rows"):
            audit_split(train, test, bar, end, embargo)


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


def test_the_audit_names_the_first_rows_that_reach_the_test(sound):
    bar, end, folds = sound
    folds[0] = replace(folds[0], train=np.arange(24))
    told = "row 18 (bar 18, label ends at bar 20), row 19 (bar 19, label ends at bar 21), row 20 (bar 20, label ends"
    with pytest.raises(IntegrityError, match=re.escape(told) + r".*, \.\.\.$"):
        audit_folds(folds, bar, end)


def test_an_embargo_leaves_out_the_labels_that_end_just_before_the_test(sound):
    bar, end, folds = sound
    kept = walk_forward(bar, end, spans(40, 10, 20), embargo=3)
    assert [fold.train.tolist() for fold in kept] == [list(range(15)), list(range(25))]
    audit_folds(kept, bar, end, 3)
    told = r"fold 0: a training label ends at or after bar 17, 3 bars \(folds.embargo\) before the first test bar 20"
    with pytest.raises(IntegrityError, match=told + r": row 15 \(bar 15, label ends at bar 17\), row 16"):
        audit_folds(folds, bar, end, 3)
    none = walk_forward(bar, end, spans(40, 10, 20), embargo=0)
    assert [(f.train.tolist(), f.test.tolist()) for f in none] == [(f.train.tolist(), f.test.tolist()) for f in folds]


@pytest.mark.parametrize("row, embargo", [(8, 0), (12, 0), (17, 0), (7, 1), (18, 1)])
def test_the_audit_finds_a_training_row_on_either_side_of_the_test(row, embargo):
    bar = np.arange(40)
    end = bar + 2
    test = np.arange(10, 16)  # labels from bar 10 to bar 17
    train = np.concatenate((np.arange(8 - embargo), np.arange(18 + embargo, 38)))
    audit_split(train, test, bar, end, embargo)
    near = f", with the embargo of {embargo} bars," if embargo else ""
    told = f"split 3: no label interval of a training row may overlap that of a test row{near} and every one must be "
    told += f"known; of {len(train) + 1} training rows 1 break this: row {row} (bar {row}, label ends at bar {row + 2})"
    with pytest.raises(IntegrityError, match=re.escape(told) + "$"):
        audit_split(np.append(train, row), test, bar, end, embargo, "split 3")


def test_the_audit_finds_the_label_that_ends_last_though_it_began_before_others():
    bar, end = np.array([0, 1, 5]), np.array([10, 3, 7])
    with pytest.raises(IntegrityError, match=r"row 2 \(bar 5, label ends at bar 7\)"):
        audit_split(np.array([2]), np.array([0, 1]), bar, end)
    audit_split(np.array([2]), np.array([1]), bar, end)


def test_the_audit_finds_an_unknown_label_wherever_it_is_and_needs_no_rows():
    bar = np.arange(20)
    end = np.where(bar == 15, NEVER, bar + 2)
    nothing = np.empty(0, dtype=np.int64)
    with pytest.raises(IntegrityError, match=r"of 1 training rows 1 break this: row 15 \(bar 15, label unknown\)"):
        audit_split(np.array([15]), np.arange(3), bar, end)
    audit_split(nothing, np.arange(3), bar, end)
    audit_split(np.arange(3), nothing, bar, end)
    # A test row without a label is its bar alone: what comes after may train.
    audit_split(np.array([16]), np.array([15]), bar, end)


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
        ([Span(10, 40, 2, 11)], 0, "2 < train_stop <= 10; train_stop is 11"),
        ([Span(10, 40, 2, 2)], 0, "2 < train_stop <= 10; train_stop is 2"),
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
