"""Weights of training rows: the book's formulas worked by hand, and what holds of any labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.dataset.folds import NEVER
from quorate.dataset.labels import build_labels
from quorate.dataset.rows import Dataset, build_dataset
from quorate.dataset.weights import Weighting, sample_weights, training_rows
from quorate.errors import DataError, PluginError
from quorate.plugins.specs import FeatureSpec, WeightSpec
from quorate.testing import market
from quorate_plugins.labels import quorate_labels
from quorate_plugins.weights import quorate_weights

BUILT_IN = {spec.name: spec for spec in quorate_weights()}
MOVES = np.array([0.5, 0.04, 0.02, -0.01, 0.3, -0.03])


def dataset(intervals, symbols=None, y=None, moves=None):
    """Rows with these intervals of labels, (bar, end), in the order of their bars."""
    bar, end = (np.array(column, dtype=np.int64) for column in zip(*intervals, strict=True))
    n, symbol = len(bar), np.zeros(len(bar), dtype=np.int64) if symbols is None else np.array(symbols)
    labels = np.arange(n, dtype=float) if y is None else np.array(y, dtype=float)
    empty = np.empty((n, 1), dtype=np.float32)
    found = Dataset(empty, ("f",), bar, symbol, labels, end, np.empty((n, 5)), np.arange(n), empty)
    return replace(found, moves=np.empty((0, 0)) if moves is None else moves)


def weighing(name, **params):
    return Weighting(BUILT_IN[name], params)


def weights(rows, *how, train=None):
    train = np.arange(len(rows)) if train is None else np.array(train)
    return sample_weights(rows, train, [one if isinstance(one, Weighting) else weighing(one) for one in how])


# Of [0, 2], [1, 3] and [4, 5] there are 1, 2, 2, 1, 1, 1 at the bars 0 to 5: average uniqueness 2/3, 2/3 and 1.
THREE = dataset([(0, 2), (1, 3), (4, 5)], moves=MOVES[:, None])
UNIQUE = np.array([2 / 3, 2 / 3, 1.0])


def test_average_uniqueness_is_that_of_the_book():
    assert weights(THREE, "uniqueness") == pytest.approx(UNIQUE / UNIQUE.mean())


def test_a_return_is_shared_among_the_labels_that_overlap():
    # Bars 1 and 2 are shared by two labels; the move into the row's own bar was known before.
    sizes = np.array([0.04 / 2 + 0.02 / 2, 0.02 / 2 - 0.01, 0.03])
    assert weights(THREE, "return") == pytest.approx(sizes / sizes.mean())


@pytest.mark.parametrize(
    ("last", "expected"), [(0.5, [9 / 14, 11 / 14, 1.0]), (0.0, [2 / 7, 4 / 7, 1.0]), (-0.5, [0.0, 1 / 7, 1.0])]
)
def test_age_is_counted_in_uniqueness(last, expected):
    found = weights(THREE, weighing("time-decay", last=last))
    assert found == pytest.approx(np.array(expected) / np.mean(expected))


def test_without_decay_all_weigh_the_same():
    assert weights(THREE, weighing("time-decay", last=1.0)) == pytest.approx(np.ones(3))


def test_both_classes_weigh_the_same_together():
    found = weights(dataset([(t, t + 1) for t in range(5)], y=[0, 0, 0, 1, 0]), "class-balance")
    assert found[:3].sum() + found[4] == pytest.approx(found[3])


def test_labels_overlap_within_their_symbol_or_over_the_panel():
    both = dataset([(0, 1), (0, 1), (2, 3)], symbols=[0, 1, 0])
    assert weights(both, "uniqueness") == pytest.approx(np.ones(3))
    assert weights(both, weighing("uniqueness", over="panel")) == pytest.approx(np.array([0.5, 0.5, 1]) * 1.5)


def test_rows_of_one_bar_are_of_one_age():
    both = dataset([(0, 1), (0, 1), (2, 3), (2, 3)], symbols=[0, 1, 0, 1])
    found = weights(both, weighing("time-decay", last=0.2))
    assert found[0] == found[1] < found[2] == found[3]


def test_several_are_multiplied():
    product = weights(THREE, "uniqueness") * weights(THREE, "return")
    assert weights(THREE, "uniqueness", "return") == pytest.approx(product / product.mean())


def test_rows_that_do_not_train_count_for_nothing():
    whole = dataset([(0, 2), (1, 3), (1, 9), (4, 5), (5, NEVER)], moves=np.vstack([MOVES[:, None], np.ones((9, 1))]))
    for how in ("uniqueness", "return", "time-decay"):
        assert weights(whole, how, train=[0, 1, 3]) == pytest.approx(weights(THREE, how))


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(DataError, match=r"labels\.weights: all 3 rows weigh nothing \(return\)"):
        weights(replace(THREE, moves=np.zeros((6, 1))), "return")


LENGTHS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.integers(0, 2)), min_size=1, max_size=25)


@settings(max_examples=40)
@given(LENGTHS, st.sampled_from(sorted(BUILT_IN)), st.sampled_from(["symbol", "panel"]), st.integers(0, 99))
def test_weights_are_positive_with_mean_one_and_know_nothing_later(rows, name, over, seed):
    rows = sorted(set(rows))
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, len(rows))
    moves = random.normal(size=(60, 3))
    some = dataset([(bar, bar + n) for bar, n, _ in rows], [s for *_, s in rows], y, moves)
    how = weighing(name, **{"class-balance": {}, "time-decay": {"over": over, "last": 0.1}}.get(name, {"over": over}))
    found = weights(some, how)
    assert found.mean() == pytest.approx(1.0)
    assert (found >= 0).all()
    after = int(some.end.max()) + 1
    moves[after:] = 7.0
    later = dataset([*zip(some.bar, some.end, strict=True), (after, after + 3)], [*some.symbol, 0], [*y, 1], moves)
    assert weights(later, how, train=range(len(rows))).tobytes() == found.tobytes()


@pytest.mark.parametrize("horizon", [1, 4])
def test_in_the_middle_labels_of_one_horizon_are_as_unique_as_they_are_long(horizon):
    some = dataset([(t, t + horizon + 1) for t in range(60)])
    found = BUILT_IN["uniqueness"].resolve()(training_rows(some, np.arange(60), False))
    assert found[2 * horizon + 2 : -2 * horizon - 2] == pytest.approx(1 / (horizon + 2))


def test_moves_are_log_returns_of_each_symbol():
    bars = market(60, 2)
    label = next(spec for spec in quorate_labels() if spec.name == "return")
    feature = FeatureSpec("range", lambda high, low: high / low, inputs=("high", "low"))
    rows = build_dataset(bars, [feature], build_labels(bars, label, 1, "open", {}), moves=True)
    assert rows.moves[1:] == pytest.approx(np.diff(np.log(bars.close), axis=0))
    assert not rows.moves[0].any()
    assert rows.times is bars.times
    assert not build_dataset(bars, [feature], build_labels(bars, label, 1, "open", {})).moves.size


def test_a_weight_is_shown_the_rows_that_train_alone_and_nothing_else_can_be_reached():
    whole = dataset(
        [(2, 4), (3, 5), (3, 6), (6, 9), (7, 9)], symbols=[1, 0, 3, 1, 2], moves=np.arange(60.0).reshape(15, 4)
    )
    times = np.datetime64("2024-01-01T21", "us") + np.arange(15) * np.timedelta64(1, "D")
    shown = training_rows(replace(whole, times=times), np.array([0, 2, 3]), moves=True)
    assert shown.bar.tolist() == [0, 1, 4]
    assert shown.end.tolist() == [2, 4, 7]
    assert shown.symbol.tolist() == [0, 1, 0]
    assert shown.time.tolist() == times[[2, 3, 6]].tolist()
    assert shown.labels.tolist() == [0.0, 2.0, 3.0]
    assert shown.moves.tolist() == np.arange(60.0).reshape(15, 4)[2:10, [1, 3]].tolist()
    for values in vars(shown).values():
        owner = values if values.base is None else values.base
        assert owner.size <= values.size
        with pytest.raises(ValueError, match="read-only"):
            values[:] = values
    assert not training_rows(whole, np.arange(5), moves=False).moves.size


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda rows: np.ones(2), r"it must give a number for each of 3 rows, .* it gave ndarray of shape \(2,\)"),
        (lambda rows: "much", "it gave str"),
        (lambda rows: [1.0, -1.0, np.nan], "2 of 3 are not, the first is -1, of row 1"),
        (lambda rows: 1 / 0, "weight 'own' failed on 3 training rows"),
    ],
)
def test_what_is_no_weight_is_the_plugins_fault(function, told):
    with pytest.raises(PluginError, match=told):
        weights(THREE, Weighting(WeightSpec("own", function), {}))


def test_weights_that_are_whole_numbers_or_booleans_count_as_such():
    found = weights(THREE, Weighting(WeightSpec("own", lambda rows: rows.bar > 0), {}))
    assert found.tolist() == [0.0, 1.5, 1.5]
