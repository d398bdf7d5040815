"""The built-in splitters by hand-made examples, and combinatorial purged cross-validation down to its fits."""

from __future__ import annotations

import datetime as dt
from math import comb

import numpy as np
import pytest

import quorate
from quorate.dataset.folds import NEVER, audit_split, check_spans, walk_forward
from quorate.dataset.rows import Dataset
from quorate.dataset.splits import along_paths, combinatorial_folds, group_spans, paths
from quorate.errors import DataError, IntegrityError, PluginError, RecipeError
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.task import FitData, FitTask
from quorate.plugins.options import check_walk_forward
from quorate.plugins.provider import Reference
from quorate.plugins.registry import Registry
from quorate.plugins.specs import Span, SplitterSpec
from quorate_plugins.splitters import quorate_splitters
from quorate_plugins.splitters.by_bars import auto, chronological, combinatorial, expanding
from quorate_plugins.splitters.by_dates import anchored, calendar

SPECS = {spec.name: spec for spec in quorate_splitters()}


def days(n, first="2020-01-01"):
    return np.datetime64(first) + np.arange(n)


def weekdays(n, first="1999-01-04"):
    return np.busday_offset(first, np.arange(n), roll="forward")


def dated(sessions, spans):
    """Return first training day, first and last predicted day of each span."""
    return [tuple(str(sessions[k]) for k in (s.train_from, s.first, s.stop - 1)) for s in spans]


def test_every_built_in_is_registered_and_only_one_is_combinatorial():
    names = ["expanding", "rolling", "anchored", "calendar", "chronological", "auto", "combinatorial"]
    assert list(SPECS) == names
    assert [name for name in names if SPECS[name].combinatorial] == ["combinatorial"]
    registry = Registry.load(environment=False)
    assert all(registry.get("splitter", name).resolve() is SPECS[name].resolve() for name in names)


# --- shares and numbers of folds


def test_chronological_cuts_2201_bars_into_1540_330_and_331():
    validation, test = chronological(days(2201), 0)
    assert (validation, test) == (Span(1540, 1870), Span(1870, 2201))
    assert (validation.first, validation.stop - validation.first, test.stop - test.first) == (1540, 330, 331)


def test_the_test_part_is_trained_on_the_validation_part_too_unless_it_is_not_refitted():
    bar = np.arange(2201)
    end = bar + 2
    spans = {refit: list(chronological(days(2201), 0, refit=refit)) for refit in (True, False)}
    trained = {refit: [fold.train for fold in walk_forward(bar, end, given)] for refit, given in spans.items()}
    assert [len(rows) for rows in trained[True]] == [1538, 1868]
    assert [len(rows) for rows in trained[False]] == [1538, 1538]
    for given in spans.values():
        check_spans(given, 2201, 0, "chronological")
    # With an embargo, too, the same rows train: it is the same fit.
    kept = walk_forward(bar, end, spans[False], embargo=7)
    assert kept[0].train.tolist() == kept[1].train.tolist() == list(range(1531))


def test_the_holdout_of_a_chronological_split_is_one_fold_of_the_same_models():
    assert list(chronological(days(2600), 2201)) == [Span(2201, 2600)]
    assert list(chronological(days(2600), 2201, refit=False)) == [Span(2201, 2600, 0, 1540)]


@pytest.mark.parametrize(
    "options, said",
    [
        ({"train": 0.0}, "folds.train must be a share.*it was 0"),
        ({"validation": 1.0}, "folds.validation must be a share.*it was 1"),
        ({"train": 0.7, "validation": 0.3}, r"folds.train \+ validation must be a share.*it was 1"),
    ],
)
def test_shares_that_leave_a_part_without_bars_are_refused(options, said):
    with pytest.raises(RecipeError, match=said):
        list(chronological(days(1000), 0, **options))


@pytest.mark.parametrize("n, parts", [(13, "9, 2 and 2"), (14, "9, 2 and 3")])
def test_a_history_too_short_for_three_parts_is_told_with_what_they_would_get(n, parts):
    with pytest.raises(DataError, match=rf"the first at least 10; of the {n} bars .* would get {parts}: give more"):
        list(chronological(days(n), 0))
    assert list(chronological(days(15), 0)) == [Span(10, 12), Span(12, 15)]


def test_auto_makes_as_many_equal_folds_as_asked_and_says_so():
    with pytest.warns(quorate.DataWarning, match="'auto' chose 5 folds of 88 bars; the first trains on 1761 of 2201"):
        found = list(auto(days(2201), 0))
    assert found == [Span(k, k + 88) for k in range(1761, 2201, 88)]
    assert len(found) == 5


def test_auto_goes_on_through_the_holdout_in_folds_of_the_same_length(recwarn):
    assert list(auto(days(2400), 2201)) == [Span(2201, 2289), Span(2289, 2377), Span(2377, 2400)]
    assert not recwarn


@pytest.mark.filterwarnings("ignore::quorate.DataWarning")
def test_auto_says_how_many_bars_it_needs_and_takes_just_that_many():
    with pytest.raises(
        DataError, match=r"5 folds of at least 20 bars after the first 80%.*need about 500 bars.*are 495"
    ):
        list(auto(days(495), 0))
    assert [span.stop - span.first for span in auto(days(500), 0)] == [20] * 5


@pytest.mark.parametrize(
    "options, said",
    [({"folds": 0}, "folds.folds must be at least 1"), ({"least": 0}, "folds.least"), ({"ratio": 1.0}, "folds.ratio")],
)
def test_auto_refuses_what_means_nothing(options, said):
    with pytest.raises(RecipeError, match=said):
        list(auto(days(500), 0, **options))


# --- dates


@pytest.mark.parametrize("anchor", ["2020-02-01", dt.date(2020, 2, 1)], ids=["text", "date"])
def test_anchored_folds_train_from_the_anchor_on(anchor):
    assert list(anchored(days(100), 0, anchor, 20, 30)) == [Span(51, 81, 31), Span(81, 100, 31)]
    assert list(anchored(days(100), 60, anchor, 20, 30)) == [Span(60, 90, 31), Span(90, 100, 31)]


@pytest.mark.parametrize("first", ["2020-02-01", dt.date(2020, 2, 1)], ids=["text", "date"])
def test_the_first_fold_begins_at_a_date(first):
    assert list(anchored(days(100), 0, test=30, first=first)) == [Span(31, 61), Span(61, 91), Span(91, 100)]
    assert list(anchored(days(100), 0, "2020-01-11", test=60, first=first)) == [Span(31, 91, 10), Span(91, 100, 10)]
    assert list(anchored(days(100), 60, test=30, first=first)) == [Span(60, 90), Span(90, 100)]


@pytest.mark.parametrize(
    "first, error, said",
    [
        ("2020-01-05", DataError, "must train on at least 10 bars; before it there are 4"),
        ("2021-01-01", DataError, "folds.first must lie in the history before the holdout"),
        ("soon", RecipeError, "folds.first must be a date"),
    ],
)
def test_a_first_date_that_leaves_nothing_to_train_on_is_told(first, error, said):
    with pytest.raises(error, match=said):
        list(anchored(days(100), 0, first=first))


def test_without_an_anchor_training_begins_with_the_history():
    assert list(anchored(days(100), 0, initial=20, test=30)) == list(expanding(days(100), 0, 20, 30))


def test_an_anchor_on_a_closed_day_is_the_next_session():
    sessions = weekdays(300, "1999-01-04")
    assert {span.train_from for span in anchored(sessions, 0, "1999-01-01", 20, 30)} == {0}
    assert {span.train_from for span in anchored(sessions, 0, "1999-02-06", 20, 30)} == {25}  # a Saturday


@pytest.mark.parametrize(
    "anchor, start, error, said",
    [
        ("2020-13-01", 0, RecipeError, "folds.anchor must be a date, e.g. 2005-01-03; it was '2020-13-01'"),
        ("2019-12-01", 0, DataError, "2020-01-01 to 2020-04-09; it is 2019-12-01"),
        ("2020-04-10", 0, DataError, "2020-01-01 to 2020-04-09; it is 2020-04-10"),
        ("2020-03-01", 60, DataError, "before the holdout, 2020-01-01 to 2020-02-29; it is 2020-03-01"),
        ("2020-03-21", 0, DataError, r"from folds.anchor \(2020-03-21\) on, before the holdout there are 20"),
    ],
)
def test_an_anchor_that_is_no_date_or_lies_elsewhere_is_told(anchor, start, error, said):
    with pytest.raises(error, match=said):
        list(anchored(days(100), start, anchor, 20, 30))


def test_calendar_folds_are_quarters_with_the_three_years_before_each():
    sessions = weekdays(5031)
    found = list(calendar(sessions, 0))
    assert dated(sessions, found)[:3] == [
        ("1999-01-04", "2002-01-01", "2002-03-29"),
        ("1999-04-01", "2002-04-01", "2002-06-28"),
        ("1999-07-01", "2002-07-01", "2002-09-30"),
    ]
    assert dated(sessions, found)[-1] == ("2015-04-01", "2018-04-02", "2018-04-16")


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"train": "all", "initial": "2Y", "test": "1Y"}, ("1999-01-04", "2002-01-01", "2002-12-31")),
        ({"train": "1Y", "test": "1M"}, ("1999-02-01", "2000-02-01", "2000-02-29")),
        ({"train": "6M", "test": "2Q"}, ("1999-07-01", "2000-01-03", "2000-06-30")),
        ({"train": "4W", "test": "1W"}, ("1999-01-11", "1999-02-08", "1999-02-12")),
        ({"train": "250B", "test": "2Q"}, ("1999-07-19", "2000-07-03", "2000-12-29")),
        ({"train": "52W", "test": "21B"}, ("1999-01-29", "2000-01-28", "2000-02-25")),
        ({"train": "10B", "test": "5B"}, ("1999-01-11", "1999-01-25", "1999-01-29")),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_the_second_calendar_fold_lies_where_the_calendar_says(options, expected):
    sessions = weekdays(1500)
    found = list(calendar(sessions, 0, **options))
    check_spans(found, 1500, 0, "calendar")
    assert dated(sessions, found)[1] == expected


def test_the_holdout_begins_within_a_period_and_goes_on_at_the_same_borders():
    sessions = weekdays(2000)
    start = 1333
    cut = str(sessions[start])
    for unit, test in (("M", "1Q"), ("M", "2M"), ("W", "3W")):
        whole = list(calendar(sessions, 0, train="1Y", test=test))
        after = list(calendar(sessions, start, train="1Y", test=test))
        check_spans(after, 2000, start, "calendar")
        assert after[1:] == [span for span in whole if span.first > start], unit
        assert sessions[after[0].train_from] == np.datetime64(cut) - np.timedelta64(365, "D")


def test_a_month_counted_back_ends_with_the_month():
    sessions = days(200, "2020-01-01")
    start = int(np.searchsorted(sessions, np.datetime64("2020-05-31")))
    [first, *_] = calendar(sessions, start, train="3M", test="1Q")
    assert str(sessions[first.train_from]) == "2020-02-29"  # not 2 March


def test_a_closed_market_leaves_no_empty_fold_and_something_to_train_on():
    sessions = np.concatenate((days(60, "2020-01-01"), days(200, "2020-06-10")))
    for options in ({"train": "2W", "test": "1W"}, {"train": "1M", "test": "1M"}, {"train": "all", "initial": "1M"}):
        found = list(calendar(sessions, 0, **options))
        check_spans(found, len(sessions), 0, "calendar")


@pytest.mark.parametrize("test, needed", [("1Q", 90), ("1M", 90)])
def test_a_history_that_begins_after_a_holiday_begins_in_time(test, needed):
    for first, enough in (("2020-01-05", True), ("2020-01-06", False)):
        sessions = days(200, first)
        span = next(iter(calendar(sessions, 0, train="3M", test=test)))
        assert (str(sessions[span.first]) == "2020-04-01") is enough


@pytest.mark.parametrize(
    "options, said",
    [
        (
            {"train": "3D"},
            r'folds.train must be a number and a unit, Y, Q, M \(months\), W or B .*"250B", or "all"; it was \'3D\'',
        ),
        ({"test": "all"}, r"folds.test must be a number and a unit.*\"250B\"; it was 'all'"),
        ({"test": "0M"}, "it was '0M'"),
        ({"train": "all", "initial": "long"}, "folds.initial must be .*it was 'long'"),
    ],
)
def test_a_length_that_is_none_is_told(options, said):
    with pytest.raises(RecipeError, match=said):
        list(calendar(weekdays(1000), 0, **options))


@pytest.mark.parametrize("train, test", [("1Y", "1Q"), ("14M", "2M"), ("60W", "13W"), ("250B", "60B")])
def test_units_are_read_in_either_case(train, test):
    sessions = weekdays(1000)
    assert list(calendar(sessions, 0, train.lower(), test.lower())) == list(calendar(sessions, 0, train, test))


@pytest.mark.parametrize("options, option", [({}, "3Y \\(folds.train"), ({"train": "all"}, "3Y \\(folds.initial")])
def test_too_few_years_are_told_with_what_there_is(options, option):
    with pytest.raises(DataError, match=f"trains on {option}.*there are 500 sessions, 1999-01-04 to 2000-12-01: give"):
        list(calendar(weekdays(500), 0, **options))


# --- groups, splits and paths


def test_paths_are_those_of_the_book():
    """Lopez de Prado (2018), figures 12.1 and 12.2: six groups of which two are tested, paths 1 and 2 in words."""
    table = paths(6, 2)
    assert (comb(6, 2), table.shape) == (15, (5, 6))
    assert (table[0] + 1).tolist() == [1, 1, 2, 3, 4, 5]
    assert (table[1] + 1).tolist() == [2, 6, 6, 7, 8, 9]


@pytest.mark.parametrize("groups, tests, n_paths", [(6, 2, 5), (10, 2, 9), (5, 1, 1), (4, 3, 3), (2, 1, 1)])
def test_there_are_as_many_paths_as_the_formula_says(groups, tests, n_paths):
    """Lopez de Prado (2018), section 12.3: tests / groups * comb(groups, tests)."""
    table = paths(groups, tests)
    assert table.shape == (n_paths, groups)
    assert n_paths == tests * comb(groups, tests) // groups
    assert np.bincount(table.ravel()).tolist() == [tests] * comb(groups, tests)


@pytest.mark.parametrize("groups, tests", [(1, 1), (6, 6), (6, 0), (2, 3)])
def test_numbers_of_groups_that_leave_nothing_to_train_on_or_to_test_are_refused(groups, tests):
    bar = np.arange(100)
    for asks in (lambda: paths(groups, tests), lambda: folds_of(bar, bar + 2, 100, groups, tests)):
        with pytest.raises(RecipeError, match=f"1 <= tests < groups; groups is {groups} and tests is {tests}"):
            asks()


def folds_of(bar, end, n_bars, groups, tests, embargo=0):
    """Return the splits of these groups, or of so many equal ones from the first row on."""
    if isinstance(groups, int):
        first = int(bar.min())
        equal = combinatorial(days(n_bars - first), groups, tests)
        groups = [Span(span.first + first, span.stop + first) for span in equal]
    return combinatorial_folds(bar, end, n_bars, groups, tests, embargo)


@pytest.fixture
def short():
    """Twelve bars of one symbol in four groups; labels end two bars later, the last two are not known."""
    bar = np.arange(12)
    return bar, np.where(bar < 10, bar + 2, NEVER)


@pytest.fixture
def twenty():
    """Twenty bars of one symbol; labels end two bars later, the last two are not known."""
    bar = np.arange(20)
    return bar, np.where(bar < 18, bar + 2, NEVER)


def test_a_split_is_purged_on_both_sides_of_each_test_group(short):
    splits = folds_of(*short, 12, 4, 1)
    assert [split.fold.test.tolist() for split in splits] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    # Group 1 is bars 3 to 5 and its labels end by bar 7: a label may end by bar 2, a row begin from bar 8 on.
    assert [split.fold.train.tolist() for split in splits] == [
        [5, 6, 7, 8, 9],
        [0, 8, 9],
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4, 5, 6],
    ]
    assert folds_of(*short, 12, 4, 1, embargo=1)[1].fold.train.tolist() == [9]


def test_test_groups_that_lie_apart_are_one_fold_with_training_rows_between_them(twenty):
    splits = folds_of(*twenty, 20, 4, 2)
    assert [split.groups for split in splits] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    apart = splits[2]
    assert apart.spans == (Span(0, 5), Span(15, 20))
    assert (apart.fold.index, apart.fold.first, apart.fold.stop) == (2, 0, 20)
    assert apart.fold.test.tolist() == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
    # The labels of group 0 end by bar 6, and those of the training rows before bar 15.
    assert apart.fold.train.tolist() == [7, 8, 9, 10, 11, 12]
    # Groups 0 and 2: one row between them, and one after the labels of group 2, which end by bar 16.
    assert splits[1].fold.train.tolist() == [7, 17]


def test_groups_begin_with_the_first_row_and_differ_by_a_bar_at_most():
    bar = np.arange(7, 30)
    spans = [s.spans[0] for s in folds_of(bar, bar + 1, 30, 4, 1)]
    assert spans == [Span(7, 12), Span(12, 18), Span(18, 24), Span(24, 30)]


def test_every_path_walks_through_all_groups_with_the_values_of_its_splits(twenty):
    bar, end = twenty
    splits = folds_of(bar, end, 20, 4, 2)
    walked = along_paths(splits, [np.full(len(split.fold.test), float(k)) for k, split in enumerate(splits)], bar)
    assert walked.tolist() == np.repeat(paths(4, 2), 5, axis=1).tolist()


def test_rows_of_no_group_are_on_no_path(short):
    bar, end = short
    splits = folds_of(bar, end, 12, [Span(4, 8), Span(8, 12)], 1)
    assert [split.fold.train.tolist() for split in splits] == [[0, 1], [0, 1, 2, 3, 4, 5]]
    walked = along_paths(splits, [split.fold.test + 0.5 for split in splits], bar)
    assert np.isnan(walked[0, :4]).all()
    assert walked[0, 4:].tolist() == [k + 0.5 for k in range(4, 12)]


@pytest.mark.parametrize(
    "groups, tests, embargo, said",
    [
        (13, 2, 0, "13 groups need at least as many bars; there are 12"),
        ([Span(0, 6), Span(7, 12)], 1, 0, "group 1 must begin where the one before stopped, bar 6.*it is 7..12"),
        ([Span(0, 6), Span(6, 11)], 1, 0, "the last group must stop at 12.*it stops at 11"),
        (3, 2, 4, "split 0, which predicts groups 0, 1 of 3, has no training row left by purge and embargo"),
    ],
)
def test_groups_that_leave_something_out_are_told(short, groups, tests, embargo, said):
    with pytest.raises((DataError, PluginError), match=said):
        folds_of(*short, 12, groups, tests, embargo)


def test_a_group_without_rows_is_told():
    bar = np.array([0, 1, 2, 9, 10, 11])
    with pytest.raises(DataError, match=r"group 1 \(bars 3..5\) has no row to predict"):
        folds_of(bar, bar + 1, 12, 4, 1)


def test_the_splitter_is_asked_for_groups_of_what_has_rows():
    assert group_spans(SPECS["combinatorial"], days(30), 4, 2, first=7) == [
        Span(7, 12),
        Span(12, 18),
        Span(18, 24),
        Span(24, 30),
    ]
    with pytest.raises(DataError, match="31 groups need at least as many bars; there are 30"):
        group_spans(SPECS["combinatorial"], days(30), 31, 2)


@pytest.mark.parametrize(
    "function, error, said",
    [
        (lambda s, groups, tests: [(0, len(s))], PluginError, "must yield 4 groups, as it is asked to; it yielded 1"),
        (lambda s, groups, tests: [(5 * k, 5 * k + 5) for k in range(4)], PluginError, "must stop at 23.*stops at 20"),
        (lambda s, groups, tests: 1 / 0, PluginError, "splitter 'mine' failed on 23 bars: ZeroDivisionError"),
    ],
    ids=["too few", "rest dropped", "fails"],
)
def test_a_combinatorial_splitter_that_breaks_its_contract_is_named(function, error, said):
    with pytest.raises(error, match=said):
        group_spans(SplitterSpec("mine", function, combinatorial=True), days(23), 4, 2)


def test_neither_kind_of_splitter_does_the_work_of_the_other():
    told = (
        "splitter 'combinatorial' is combinatorial and trains on later data, too, so only the gate of the strict preset"
    )
    with pytest.raises(RecipeError, match=told):
        check_walk_forward(SPECS["combinatorial"])
    with pytest.raises(
        RecipeError, match=r"splitter 'rolling' lays out a walk-forward; .* needs one that yields groups"
    ):
        group_spans(SPECS["rolling"], days(300), 6, 2)
    for name in set(SPECS) - {"combinatorial"}:
        check_walk_forward(SPECS[name])


# --- what it is for


def market(seed, n_bars=3000, horizon=20):
    """Return features, labels, bars and label ends of a market without memory: trailing and later returns."""
    returns = np.random.default_rng(seed).normal(0, 0.01, n_bars)
    log_price = np.concatenate(([0.0], np.cumsum(returns)))[1:]
    bar = np.arange(250, n_bars - 1 - horizon)
    X = np.column_stack([(log_price[bar] - log_price[bar - w]) / np.sqrt(w) for w in (20, 40, 60, 120, 250)])
    return X, log_price[bar + 1 + horizon] - log_price[bar + 1], bar, bar + 1 + horizon


def test_neighbours_predict_chance_only_when_the_folds_are_shuffled():
    """Labels of 20 overlapping bars on a null market: the information coefficient is about .75 shuffled, 0 purged."""
    from sklearn.model_selection import KFold
    from sklearn.neighbors import KNeighborsRegressor

    shuffled, purged = [], []
    for seed in range(6):
        X, y, bar, end = market(seed)
        leaky = list(KFold(5, shuffle=True, random_state=seed).split(X))
        for train, test in leaky:
            with pytest.raises(IntegrityError, match="no label interval of a training row may overlap"):
                audit_split(train, test, bar, end)
        found = np.empty(len(y))
        for train, test in leaky:
            found[test] = KNeighborsRegressor().fit(X[train], y[train]).predict(X[test])
        shuffled.append(np.corrcoef(found, y)[0, 1])
        splits = folds_of(bar, end, 3000, 6, 2)
        values = []
        for fold in (split.fold for split in splits):
            audit_split(fold.train, fold.test, bar, end)
            values.append(KNeighborsRegressor().fit(X[fold.train], y[fold.train]).predict(X[fold.test]))
        purged.append(np.mean([np.corrcoef(path, y)[0, 1] for path in along_paths(splits, values, bar)]))
    assert 0.70 < np.mean(shuffled) < 0.80
    # Its standard error over six markets is about .024.
    assert abs(np.mean(purged)) < 0.08


def test_the_fit_machinery_fits_a_split_of_two_separate_groups_as_it_is():
    rng = np.random.default_rng(1)
    n = 400
    bar = np.arange(n)
    X = rng.normal(size=(n, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.float64)
    ohlcv = np.full((n, 5), 100.0)
    nothing = np.empty((0, 3), dtype=np.float32)
    dataset = Dataset(X, ("a", "b", "c"), bar, np.zeros(n, dtype=np.int64), y, bar + 2, ohlcv, bar, nothing)
    splits = folds_of(bar, bar + 2, n, 4, 2)
    data = FitData(dataset, tuple(split.fold for split in splits))
    plugin = Reference("model", "logistic", "quorate_plugins.models", None)
    tasks = with_keys([FitTask("logistic", k, plugin, {}, 1, 1, True) for k in range(len(splits))], data)
    assert len({task.key for task in tasks}) == len(splits) == 6
    values = []
    for task, split in zip(tasks, splits, strict=True):
        result = run_fit(task, data)
        assert not result.error
        assert result.n_train == len(split.fold.train)
        assert len(result.predictions) == len(split.fold.test)
        values.append(result.predictions)
    walked = along_paths(splits, values, bar)
    assert walked.shape == (3, n)
    assert (((walked > 0.5) == (y == 1)).mean(axis=1) > 0.9).all()
