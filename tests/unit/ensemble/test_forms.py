"""What an ensembler may answer, what becomes of it, and that nothing later changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.ensemble.combine import combine_all, recent_volatility
from quorate.ensemble.combiner import EnsembleHistory, EnsembleRows
from quorate.errors import IntegrityError, PluginError
from quorate_plugins.ensemblers import quorate_ensemblers

N_BARS, FIRST, TEST, SYMBOLS = 160, 30, 26, 2
MEMBERS = ("a", "b", "c")
BUILT_IN = {spec.name: spec for spec in quorate_ensemblers()}
FOLDS_OF = [(s, min(s + TEST, N_BARS)) for s in range(FIRST, N_BARS, TEST)]
# Small enough that methods learn on what there is here.
OPTIONS = {name: {"least": 15} for name in ("ridge-stack", "logistic-stack", "nnls", "regime")}


def world(binary=True, seed=0, slow=True):
    """Return a dataset of two symbols, folds, out-of-fold predictions of three members, and volatilities.

    With `slow`, labels end up to five bars after the next, each at a bar of its own, and a tenth are never known.
    """
    rng = np.random.default_rng(seed)
    bar = np.repeat(np.arange(N_BARS), SYMBOLS)
    n = len(bar)
    truth = rng.normal(0, 0.01, n)
    y = (truth > 0).astype(float) if binary else truth.copy()
    end = bar + 1 + (rng.integers(1, 6, n) if slow else 2)
    lost = (end >= N_BARS) | (slow & (rng.random(n) < 0.1))
    y[lost], end[lost] = np.nan, NEVER
    signal = np.outer(truth / 0.01, [0.05, 0.02, 0.0]) + rng.normal(0, 0.08, (n, 3))
    predictions = np.clip(0.5 + signal, 0.01, 0.99) if binary else 0.01 * signal
    predictions[bar < FIRST] = np.nan
    x = np.zeros((n, 1), dtype=np.float32)
    symbol = np.tile(np.arange(SYMBOLS), N_BARS)
    dataset = Dataset(x, ("x",), bar, symbol, y, end, np.zeros((n, 5)), bar, x)
    folds = [
        Fold(k, s, e, np.flatnonzero(end < s), np.flatnonzero((bar >= s) & (bar < e)))
        for k, (s, e) in enumerate(FOLDS_OF)
    ]
    volatility = 0.01 * np.exp(rng.normal(0, 0.4, n))
    volatility[: 2 * FIRST + 8] = np.nan
    return dataset, folds, predictions, volatility


def combined(spec, binary=True, parts=None, calibration="none", **params):
    dataset, folds, predictions, volatility = parts or world(binary)
    more = {"volatility": volatility, "calibration": calibration}
    return combine_all([(spec, params)], MEMBERS, predictions, dataset, folds, binary, **more)[0]


def by_fold(function, **more):
    return quorate.EnsemblerSpec("tried", function, **more)


def by_bar(function):
    return quorate.EnsemblerSpec("tried", function, update="bar")


def sums(history):
    """Return the squared errors summed up, an entry per bar at which labels ended."""
    step = np.unique(history.ends, return_inverse=True)[1]
    errors = (history.predictions - history.labels[:, None]) ** 2
    return np.column_stack([np.bincount(step, column) for column in errors.T]).cumsum(axis=0)


# --- nothing later changes anything


def of_task(binary):
    return [n for n, s in BUILT_IN.items() if s.task in ("any", "classification" if binary else "regression")]


CASES = [(name, binary, "none") for binary in (True, False) for name in of_task(binary)]
CASES += [("past-performance", binary, c) for binary in (True, False) for c in ("isotonic", "platt", "z-score")]
CASES += [("hedge", True, "platt"), ("ridge-stack", False, "isotonic")]


@pytest.mark.parametrize("name, binary, calibration", CASES)
@settings(max_examples=6, deadline=None, database=None, derandomize=True)
@given(at=st.integers(FIRST, N_BARS - 2), seed=st.integers(0, 3))
def test_what_is_known_after_a_bar_changes_nothing_at_or_before_it(name, binary, calibration, at, seed):
    """A label that ends later may be any other, or none; a prediction made later may be any other."""
    dataset, folds, predictions, volatility = world(binary, seed)
    spec, params = BUILT_IN[name], OPTIONS.get(name, {})
    before = combined(spec, binary, (dataset, folds, predictions, volatility), calibration, **params)
    rng = np.random.default_rng(seed + 10)
    late = dataset.end > at
    y = np.where(late, rng.permutation(dataset.y), dataset.y)
    y[late & (rng.random(len(y)) < 0.5)] = np.nan
    end = np.where(np.isnan(y), NEVER, np.where(late & (dataset.end == NEVER), N_BARS + 1, dataset.end))
    other = predictions.copy()
    other[dataset.bar > at] = 1 - other[dataset.bar > at] if binary else -3 * other[dataset.bar > at]
    wild = np.where(dataset.bar > at, 1.0, volatility)
    after = combined(spec, binary, (replace(dataset, y=y, end=end), folds, other, wild), calibration, **params)
    known = dataset.bar <= at
    np.testing.assert_array_equal(after.predictions[known], before.predictions[known])
    np.testing.assert_array_equal(after.row_weights[known], before.row_weights[known])
    assert np.isfinite(before.predictions[dataset.bar >= FIRST]).all()


@pytest.mark.parametrize("name", ["hedge", "exponentiated-gradient"])
def test_weights_through_time_follow_labels_within_a_fold(name):
    parts = world()
    dataset, folds = parts[0], parts[1]
    before = combined(BUILT_IN[name], parts=parts).row_weights
    at = folds[2].first + 8
    y = np.where(dataset.end == at, 1 - dataset.y, dataset.y)
    after = combined(BUILT_IN[name], parts=(replace(dataset, y=y), *parts[1:])).row_weights
    changed = (after != before).any(axis=1) & (dataset.bar >= FIRST)
    assert dataset.bar[changed].min() == at


def test_calibration_within_a_fold_reads_no_label_that_ended_after_its_first_bar():
    dataset, folds, predictions, volatility = world()
    for method in ("isotonic", "platt", "z-score"):
        before = combined(BUILT_IN["mean"], calibration=method).predictions
        for fold in folds:
            y = np.where(dataset.end > fold.first, 1 - dataset.y, dataset.y)
            parts = (replace(dataset, y=y), folds, predictions, volatility)
            after = combined(BUILT_IN["mean"], parts=parts, calibration=method).predictions
            np.testing.assert_array_equal(after[dataset.bar < fold.stop], before[dataset.bar < fold.stop])
    assert not np.array_equal(before, combined(BUILT_IN["mean"]).predictions, equal_nan=True)


# --- what an ensembler is shown


def test_a_history_through_time_holds_every_label_that_ended_by_the_folds_last_bar_in_the_order_of_ends():
    dataset, folds, predictions, volatility = world()
    shown = []
    combined(by_bar(lambda history: shown.append(history) or np.ones((len(np.unique(history.ends)), 3))))
    for fold, seen in zip(folds, shown, strict=False):  # after one per fold comes the audit
        known = np.flatnonzero((dataset.bar >= FIRST) & (dataset.end < fold.stop))
        known = known[np.argsort(dataset.end[known], kind="stable")]
        for found, expected in (
            (seen.ends, dataset.end),
            (seen.bars, dataset.bar),
            (seen.labels, dataset.y),
            (seen.volatility, volatility),
            (seen.predictions, predictions),
        ):
            np.testing.assert_array_equal(found, expected[known])
    assert len(shown) > len(folds)


def test_a_history_is_read_only():
    def writes(history):
        history.labels[:] = 0

    with pytest.raises(PluginError, match=r"failed on a history of .* rows of 3 members: ValueError: .*read-only"):
        combined(by_fold(writes))


def test_a_history_made_without_volatility_and_ends_has_none_and_the_next_bar():
    one = EnsembleHistory(("a",), np.ones((3, 1)), np.ones(3), np.array([4, 5, 7]), True)
    assert np.isnan(one.volatility).all()
    assert one.ends.tolist() == [5, 6, 8]
    part = one.take(np.array([True, False, True]))
    assert (part.bars.tolist(), part.ends.tolist(), part.members) == ([4, 7], [5, 8], ("a",))


def test_the_volatility_of_a_row_is_that_of_the_last_twenty_returns_of_its_symbol():
    from quorate.dataset.labels import build_labels
    from quorate.dataset.rows import build_dataset
    from quorate.testing import panel
    from quorate_plugins.labels import quorate_labels

    bars = panel(140, late=50)
    label = next(spec for spec in quorate_labels() if spec.name == "direction")
    close = quorate.FeatureSpec("close", lambda close: close)
    dataset = build_dataset(bars, [close], build_labels(bars, label, 1, "open", {}))
    found = recent_volatility(bars, dataset)
    for row in range(0, len(dataset), 7):
        history = bars.close[: dataset.bar[row] + 1, dataset.symbol[row]]
        history = history[np.isfinite(history)][-21:]
        expected = np.std(history[1:] / history[:-1] - 1, ddof=1) if len(history) == 21 else np.nan
        np.testing.assert_allclose(found[row], expected, rtol=1e-8)
    assert np.isnan(found).sum() == 2 * 20


# --- what becomes of an answer


def test_entries_of_a_path_are_used_from_the_bar_on_at_which_their_labels_ended():
    dataset, folds, predictions, _ = world()
    found = combined(by_bar(lambda history: 1 / sums(history)))
    row = np.flatnonzero(dataset.bar >= FIRST)
    for i in row[::5]:
        known = (dataset.end <= dataset.bar[i]) & (dataset.bar >= FIRST)
        errors = ((predictions[known] - dataset.y[known, None]) ** 2).sum(axis=0)
        weights = (1 / errors) / (1 / errors).sum() if known.any() else np.full(3, 1 / 3)
        np.testing.assert_allclose(found.row_weights[i], weights, rtol=1e-9)
        np.testing.assert_allclose(found.predictions[i], predictions[i] @ weights, rtol=1e-9)
    for k, fold in enumerate(folds):
        np.testing.assert_allclose(found.weights[k], found.row_weights[fold.test].mean(axis=0))
    assert np.isnan(found.row_weights[dataset.bar < FIRST]).all()


def test_a_combiner_combines_every_row_but_those_of_the_first_fold():
    _, folds, predictions, _ = world()
    largest = by_fold(lambda history: quorate.Combiner(lambda rows: rows.predictions.max(axis=1)))
    found = combined(largest)
    first, rest = folds[0].test, np.concatenate([fold.test for fold in folds[1:]])
    np.testing.assert_allclose(found.predictions[first], predictions[first].mean(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(found.predictions[rest], predictions[rest].max(axis=1))
    assert (found.row_weights[first] == 1 / 3).all()
    assert np.isnan(found.row_weights[rest]).all()
    assert np.isnan(found.weights[1:]).all()


def test_the_weights_that_a_combiner_shows_are_kept_by_row_and_meant_by_fold():
    _, folds, _, volatility = world()

    def answer(history):
        def weights(rows):
            calm = np.nan_to_num(rows.volatility) < 0.01
            return np.where(calm[:, None], [1.0, 0.0, 0.0], [0.0, -1.0, 2.0])

        return quorate.Combiner(lambda rows: (weights(rows) * rows.predictions).sum(axis=1), weights)

    found = combined(by_fold(answer))
    rows = folds[3].test
    calm = np.nan_to_num(volatility[rows]) < 0.01
    assert 0 < calm.sum() < len(rows)
    np.testing.assert_array_equal(found.row_weights[rows], np.where(calm[:, None], [1, 0, 0], [0, -1, 2]))
    np.testing.assert_allclose(found.weights[3], found.row_weights[rows].mean(axis=0))


@pytest.mark.parametrize("form", ["weights", "path", "combiner"])
def test_a_member_that_failed_on_a_fold_takes_no_part_there_in_any_form(form):
    dataset, folds, predictions, volatility = world()
    predictions = predictions.copy()
    predictions[folds[2].test, 1] = np.nan
    seen = []

    def answer(history):
        seen.append(history.members)
        m = len(history.members)
        if form == "path":
            return np.ones((len(np.unique(history.ends)), m))
        return np.ones(m) if form == "weights" else quorate.Combiner(lambda rows: rows.predictions.mean(axis=1))

    spec = by_bar(answer) if form == "path" else by_fold(answer)
    found = combined(spec, parts=(dataset, folds, predictions, volatility))
    rows = folds[2].test
    np.testing.assert_allclose(found.predictions[rows], predictions[rows][:, [0, 2]].mean(axis=1), rtol=1e-12)
    assert (found.row_weights[rows][:, 1] == 0).all()
    assert found.weights[2, 1] == 0
    assert ("a", "c") in seen
    assert np.isfinite(found.predictions[dataset.bar >= FIRST]).all()


def test_a_fold_that_nobody_predicts_has_no_prediction_and_no_weight():
    dataset, folds, predictions, volatility = world()
    predictions = predictions.copy()
    predictions[folds[1].test] = np.nan
    for spec in (BUILT_IN["past-performance"], BUILT_IN["hedge"], BUILT_IN["median"]):
        found = combined(spec, parts=(dataset, folds, predictions, volatility))
        assert np.isnan(found.predictions[folds[1].test]).all()
        assert np.isnan(found.row_weights[folds[1].test]).all()
        assert (found.weights[1] == 0).all()


def test_several_methods_together_give_what_each_gives_alone():
    dataset, folds, predictions, volatility = world()
    methods = [(BUILT_IN[name], {}) for name in ("median", "hedge", "greedy")]
    together = combine_all(
        methods, MEMBERS, predictions, dataset, folds, True, volatility=volatility, calibration="platt"
    )
    for (spec, _), one in zip(methods, together, strict=True):
        for found, expected in zip(one, combined(spec, calibration="platt"), strict=True):
            np.testing.assert_array_equal(found, expected)


# --- answers that break the contract


def constant(value):
    return lambda history: quorate.Combiner(lambda rows: np.full(len(rows.bars), value))


@pytest.mark.parametrize(
    "spec, message",
    [
        (by_fold(lambda h: {"a": 1.0}), "'tried' must give weights, or a quorate.Combiner; it gave dict"),
        (by_fold(lambda h: [1, -1, 1]), "must give 3 finite weights, none negative"),
        (by_fold(lambda h: 1 / 0), "failed on a history of .* ZeroDivisionError"),
        (by_fold(constant(np.nan)), r"Combiner must give a finite prediction per row, \(52,\); .* 52 not finite"),
        (by_fold(lambda h: quorate.Combiner(lambda r: 0.5)), r"a finite prediction per row, \(52,\); it gave 0.5"),
        (
            by_fold(lambda h: quorate.Combiner(lambda r: 1 / 0)),
            r"failed on 52 rows of 3 members, which its Combiner was given: ZeroDiv",
        ),
        (by_fold(lambda h: replace(constant(0.5)(h), weights=np.ones(2))), r"must be finite and \(3,\)"),
        (by_fold(lambda h: replace(constant(0.5)(h), weights=lambda r: [np.inf] * 3)), r"function, \(52, 3\)"),
        (by_bar(lambda h: np.ones(3)), r"must give \d+ entries of 3 finite weights"),
        (by_bar(lambda h: -sums(h)), "none negative and no entry all zero"),
        (by_bar(lambda h: np.maximum(sums(h) - sums(h)[3], 0)), "none negative and no entry all zero"),
        (by_bar(constant(0.5)), "must give weights through time; it gave Combiner"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_refused(spec, message):
    with pytest.raises(PluginError, match=message):
        combined(spec)


def test_weights_that_read_later_labels_are_refused():
    with pytest.raises(IntegrityError, match=r"'tried' looks ahead: its weights for bar .* change when the labels"):
        combined(by_bar(lambda history: 1 / (sums(history) + sums(history)[-1])))


def test_a_combiner_that_reads_other_rows_is_refused():
    def ranks(rows):
        return rows.predictions.argsort(axis=0).argsort(axis=0).mean(axis=1)

    with pytest.raises(IntegrityError, match=r"'tried' looks at other rows: row .* of 52 must be combined by itself"):
        combined(by_fold(lambda history: quorate.Combiner(ranks)))


@pytest.mark.parametrize("task, binary, other", [("classification", False, "ridge"), ("regression", True, "logistic")])
def test_an_ensembler_for_other_labels_is_refused(task, binary, other):
    with pytest.raises(PluginError, match=f"'tried' combines predictions of labels .*{other}-stack"):
        combined(by_fold(lambda history: np.ones(3), task=task), binary)


@pytest.mark.parametrize("field", [{"update": "hourly"}, {"task": "ranking"}])
def test_a_spec_that_says_something_unknown_is_refused(field):
    with pytest.raises(PluginError, match="must be one of"):
        by_fold(lambda history: np.ones(3), **field)


def test_the_first_rows_are_those():
    rows = EnsembleRows(np.arange(6.0).reshape(3, 2), np.arange(3), np.ones(3))
    part = rows.first(2)
    assert (part.predictions.tolist(), part.bars.tolist(), len(part.volatility)) == ([[0, 1], [2, 3]], [0, 1], 2)
