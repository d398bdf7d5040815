"""What every public statistic takes and refuses, and the figures at the edge of what is defined."""

from __future__ import annotations

import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quorate import statistics
from quorate.statistics import _boundary as boundary

FUNCTIONS = {
    name: function
    for name in sorted(statistics.__all__)
    if inspect.isfunction(function := getattr(statistics, name)) and inspect.signature(function).parameters
}
N = 24
DRAW = np.random.default_rng(5)
VALUES = DRAW.normal(0.001, 0.01, N)
# What every argument can be, by its name; further ones by what their annotation asks.
GIVEN = {
    "equity": 100 * np.cumprod(1 + VALUES),
    "returns": VALUES,
    "market": DRAW.normal(0, 0.01, N),
    "predictions": DRAW.random(N),
    "naive": DRAW.normal(0, 0.01, N),
    "bar": np.repeat(np.arange(N // 2), 2),
    "times": np.datetime64("2020-01-01", "us") + np.arange(N) * np.timedelta64(1, "D"),
    "wins": 3,
    "n": 5,
    "blocks": 4,
    "by": "mean",
    "dependence": "any",
    "draws": 20,
    "block": 2.0,
    "levels": np.array([0.1, 0.5, 0.9]),
}


def rules_of(function):
    """Return what the annotations of a function ask, by argument."""
    hints = inspect.get_annotations(inspect.unwrap(function), eval_str=True)
    return {name: boundary._rule(name, hint) for name, hint in hints.items() if name != "return"}


def fitting(name, rule):
    """Return an argument that is right, with as many dimensions as are asked."""
    if isinstance(rule, boundary.Binary):
        return DRAW.random(N) < 0.5
    value = GIVEN.get(name, DRAW.normal(0, 0.01, N) if isinstance(rule, boundary.Array) else 0.75)
    if isinstance(rule, boundary.Array):
        return np.column_stack([value, value[::-1], value**2]) if 1 not in rule.dims else value
    return (1 if rule.whole and name not in GIVEN else value) if isinstance(rule, boundary.Number) else value


CALLS = {name: {p: fitting(p, rule) for p, rule in rules_of(function).items()} for name, function in FUNCTIONS.items()}


def arguments(of):
    """Return all public functions with the arguments whose rule is of a kind."""
    found = {f: [p for p, rule in rules_of(function).items() if of(rule)] for f, function in FUNCTIONS.items()}
    found = {f: names for f, names in found.items() if names}
    return pytest.mark.parametrize("function, names", found.items(), ids=found)


def called(function, **changed):
    return FUNCTIONS[function](**{**CALLS[function], **changed})


def same(one, other):
    """Return whether two results are the same in every bit."""
    return repr(one) == repr(other)


def known(found):
    """Return whether a result tells anything: None, nothing at all and a NaN do not."""
    parts = list(vars(found).values()) if hasattr(found, "__dict__") else [found]
    values = [x for part in parts if part is not None for x in np.ravel(np.asarray(part, dtype=float))]
    return bool(values) and not np.isnan(values).any()


def refused(function, name, value, *texts):
    with pytest.raises(ValueError, match=rf"{name}\b") as told:
        called(function, **{name: value})
    assert all(text in str(told.value) for text in texts), told.value


def is_array(rule):
    return isinstance(rule, boundary.Array)


def is_numeric(rule):
    return is_array(rule) and not isinstance(rule, boundary.Stamps)


def is_beside(rule):
    return is_array(rule) and rule.beside


def is_number(rule):
    return isinstance(rule, boundary.Number)


# --- every argument of every function


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_statistic_has_the_boundary_and_says_so(name):
    assert "Raises\n------\nValueError" in FUNCTIONS[name].__doc__
    called(name)


def test_an_annotation_that_says_nothing_is_refused():
    def new(returns: boundary.Values, level: float) -> float:
        return level

    with pytest.raises(TypeError, match="annotation of level"):
        boundary.checked(new)


@arguments(is_array)
def test_an_array_of_other_dimensions_or_without_numbers_is_refused(function, names):
    for name in names:
        right, rule = np.asarray(CALLS[function][name]), rules_of(FUNCTIONS[function])[name]
        wrong = right.reshape(N, *[1] * max(rule.dims)) if right.ndim == 1 else right[..., None]
        refused(function, name, wrong, f"its shape was {wrong.shape}")
        if rule.dims == (1,):
            refused(function, name, pd.DataFrame(wrong), f"its shape was ({N}, 1)")
        for nonsense in (None, 1.0, "abc", {}, object(), ["a"] * N, [1, [2, 3]], np.full(N, 1j), iter([1.0])):
            if not (nonsense is None and name == "bar"):
                refused(function, name, nonsense)


@arguments(is_numeric)
def test_whatever_holds_the_numbers_gives_the_same_in_every_bit(function, names):
    for name in names:
        right = np.asarray(CALLS[function][name]).astype(float)
        expected = called(function, **{name: right})
        frozen = right.copy()
        frozen.flags.writeable = False
        ways = [right.tolist(), frozen, right.astype(object), right.astype(">f8"), np.ma.masked_array(right)]
        ways += [right.astype(np.longdouble), np.repeat(right, 2, axis=0)[::2]]
        if right.ndim == 1:
            ways += [
                tuple(right),
                pd.Series(right, index=range(7, 7 + N)),
                pd.Series(right, dtype="Float64"),
                pd.Index(right),
            ]
        else:
            ways += [pd.DataFrame(right)]
        if name == "bar":
            ways += [right.astype(t) for t in (np.int8, np.uint16, np.int64)]
        for way in ways:
            assert same(called(function, **{name: way}), expected), (name, type(way))
        assert np.array_equal(frozen, right)


@arguments(is_numeric)
def test_small_types_neither_wrap_nor_round(function, names):
    for name in names:
        wide = np.where(np.asarray(CALLS[function][name]).astype(float) > np.median(CALLS[function][name]), 1.0, 0.0)
        for small in (np.int8, np.uint8, np.float16, np.float32, bool):
            assert same(called(function, **{name: wide.astype(small)}), called(function, **{name: wide})), (name, small)


@arguments(is_beside)
def test_arrays_side_by_side_have_one_length_and_one_index(function, names):
    for name in names:
        others = [p for p, rule in rules_of(FUNCTIONS[function]).items() if is_beside(rule) and p != name]
        if not others:
            continue
        right, other = CALLS[function][name], CALLS[function][others[0]]
        with pytest.raises(ValueError, match="must be as long as"):
            called(function, **{name: right[:-1]})

        def framed(value, index):
            return pd.Series(value, index=index) if np.ndim(value) == 1 else pd.DataFrame(value, index=index)

        days = pd.date_range("2020-01-01", periods=N)
        expected = called(function)
        assert same(called(function, **{name: framed(right, days), others[0]: framed(other, days)}), expected)
        assert same(called(function, **{name: framed(right, days)}), expected)
        for index in (days + pd.Timedelta("1D"), days[::-1], days.tz_localize("UTC"), range(N)):
            with pytest.raises(ValueError, match="must have the index of"):
                called(function, **{name: framed(right, index), others[0]: framed(other, days)})


@arguments(lambda rule: is_array(rule) and not isinstance(rule, boundary.Whole | boundary.Stamps))
def test_what_is_not_known_is_nan_however_it_is_written(function, names):
    for name in names:
        right = np.asarray(CALLS[function][name]).astype(float)
        hole = right.copy()
        hole[3] = math.nan
        found = called(function, **{name: hole})
        assert not known(found), name
        for unknown in (math.nan, None, pd.NA, np.ma.masked):
            written = np.ma.masked_array(right) if unknown is np.ma.masked else right.astype(object)
            written[3] = unknown
            assert same(called(function, **{name: written}), found), (name, unknown)


@arguments(is_number)
def test_a_number_outside_its_range_is_refused_with_its_range(function, names):
    for name in names:
        rule = rules_of(FUNCTIONS[function])[name]
        wrong = ["1", None, [1.0], 1j, True, np.ones(2)]
        wrong += [rule.least - 1, -math.inf] if rule.least is not None else []
        wrong += [rule.above, rule.above - 1, math.nan, math.inf] if rule.above is not None else []
        wrong += [rule.most + 1] if rule.most is not None else []
        wrong += [rule.below, rule.below + 1] if rule.below is not None else []
        wrong += [1.5, math.nan, math.inf, "2"] if rule.whole else []
        for value in wrong:
            if not (value is None and name == "block"):
                refused(function, name, value, rule.must)
        value = CALLS[function][name]
        for way in (np.float64(value), np.array([value])[0], Fraction(value), np.float32(value)):
            assert same(called(function, **{name: way}), called(function))


def test_a_message_says_the_function_the_argument_what_it_must_be_and_what_it_was():
    ones = np.ones(3)
    with pytest.raises(
        ValueError, match=r"^mse: predictions must be an array \(n,\) of real numbers; its shape was \(3, 1\)$"
    ):
        statistics.mse(ones, ones[:, None])
    with pytest.raises(ValueError, match=r"^mse: predictions must be as long as labels, 3; it has length 2$"):
        statistics.mse(ones, ones[:2])
    with pytest.raises(ValueError, match=r"^sharpe: bars_per_year must be a finite number above 0; it was -1$"):
        statistics.sharpe(ones, -1)
    with pytest.raises(
        ValueError, match=r"^recall: actual must be an array \(n,\) of booleans or of 0 and 1; it has -1$"
    ):
        statistics.recall(-ones, ones)
    with pytest.raises(TypeError):
        statistics.sharpe(ones, 252, returns=ones)
    with pytest.raises(TypeError):
        statistics.mse()


# --- what came wrong, and is right


@given(hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 1)), st.data())
def test_masks_of_numbers_are_those_of_booleans(actual, data):
    forecast = data.draw(hnp.arrays(np.int64, len(actual), elements=st.integers(0, 1)))
    for name in ("accuracy", "precision", "recall", "mcc"):
        expected = getattr(statistics, name)(actual == 1, forecast == 1)
        for kind in (np.int64, np.uint8, np.float32, object):
            assert same(getattr(statistics, name)(actual.astype(kind), forecast.astype(kind)), expected)


def test_integers_are_no_positions_and_do_not_wrap():
    actual, forecast = [1, 1, 1, 0, 1], [1, 1, 1, 1, 0]
    assert statistics.precision(np.array(actual), np.array(forecast)) == 0.75
    assert statistics.recall(actual, forecast) == 0.75
    assert statistics.mae(np.array([0, 1, 1], np.uint8), np.array([1, 1, 1], np.uint8)) == pytest.approx(1 / 3)
    assert statistics.mse([Decimal(1), Fraction(1, 2)], [0, 0]) == 0.625


@pytest.mark.parametrize("block", [0, -1, 0.5, math.nan, math.inf, 50, 51, 1e9])
def test_a_block_is_at_least_a_bar_and_shorter_than_the_series(block):
    noise = DRAW.normal(size=(50, 2))
    for call in (lambda: statistics.spa(noise[:, 0], noise, block=block), lambda: statistics.mcs(noise, block=block)):
        with pytest.raises(ValueError, match="block must be a finite number at least 1"):
            call()


def test_a_sure_forecast_that_is_wrong_costs_what_the_clip_says():
    for kind in (np.float16, np.float32, np.float64, int):
        assert statistics.log_loss(np.array([0, 1]), np.array([1, 0]).astype(kind)) == pytest.approx(34.539, abs=1e-2)
    assert statistics.log_loss([0], [1.0]) < 34.54
    for labels in ([-1, 1], [0.01, -0.02], [0.5, 1]):
        for function in (statistics.log_loss, statistics.brier, statistics.auc):
            with pytest.raises(ValueError, match="labels must be"):
                function(labels, [0.5, 0.5])


def test_no_drawdown_is_deeper_than_everything_and_nothing_recovers_from_it():
    assert math.isnan(statistics.worst_drawdown(np.zeros(5)).depth)
    for equity in ([1.0, 2.0, -2.0, 3.0], [1.0, 2.0, 0.0, 3.0]):
        worst = statistics.worst_drawdown(equity)
        assert (worst.depth, worst.peak, worst.trough, worst.recovery, worst.bars) == (-1, 1, 2, None, 2)
        assert statistics.max_drawdown(equity) == statistics.drawdowns(equity).min() == -1
    assert np.isnan(statistics.drawdowns([0.0, -1.0])).all()
    assert statistics.drawdown_quantile(np.tile([0.1, -1.5], 20), 0) == -1
    for figure in (statistics.cagr, statistics.calmar):
        assert math.isnan(figure([0.0, 1.0], 252))
    assert math.isnan(statistics.cagr_calendar([-1.0, 1.0], GIVEN["times"][:2]))


def test_what_is_undefined_is_nan_and_never_infinite():
    assert math.isnan(statistics.expected_max(1e17))
    assert math.isnan(statistics.expected_max_exact(10**17))
    assert statistics.value_at_risk(VALUES, 1e-12) == -VALUES.max()
    assert statistics.expected_shortfall(VALUES, 1e-12) == pytest.approx(-VALUES.mean())
    assert math.isnan(statistics.min_track_record(1e-200))
    assert math.isnan(statistics.min_backtest_length(10, 1e-200))
    assert math.isnan(statistics.lo_eta([math.nan], 252))
    assert math.isnan(statistics.block_length([math.nan] * 20))
    for wins, n in ((1, -3), (-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="wilson_lower"):
            statistics.wilson_lower(wins, n)


@pytest.mark.parametrize("n", [2, 9])
def test_a_few_observations_prove_nothing(n):
    x = VALUES[:n]
    assert math.isnan(statistics.psr(x))
    for test in (statistics.clark_west, statistics.forecast_covariance):
        found = test(x, x * 0, x * 0.5 + 0.01)
        assert math.isnan(found.p_better)
        assert found.verdict() == "no evidence"
    assert math.isnan(statistics.sharpe_interval(x[:2], 252)[0])
    assert math.isfinite(statistics.psr(VALUES[:10]))
    assert math.isfinite(statistics.clark_west(VALUES[:10], np.zeros(10), VALUES[:10] * 0.5).p_better)


@pytest.mark.parametrize("other", [VALUES, -VALUES], ids=["the same", "the same losses"])
def test_equal_losses_are_no_evidence(other):
    found = statistics.diebold_mariano(VALUES, other)
    assert (found.statistic, found.p_value, found.verdict()) == (0, 1, "no evidence")
    assert (found.p_better, found.p_worse, found.n) == (0.5, 0.5, N)


def test_coefficients_need_the_bar_of_every_forecast_and_overfitting_a_figure_that_is_known():
    for bar in (np.arange(N - 1), np.arange(N + 1), np.full(N, 0.5), np.full(N, math.nan)):
        with pytest.raises(ValueError, match="bar must be"):
            statistics.ic(VALUES, VALUES, bar)
    for by in ("median", "Sharpe", None, ["mean"]):
        with pytest.raises(ValueError, match="by must be 'sharpe' or 'mean'"):
            statistics.pbo(np.column_stack([VALUES, VALUES]), 4, by)
    with pytest.raises(ValueError, match="even number of blocks"):
        statistics.pbo(np.column_stack([VALUES, VALUES]), 10**6)


def test_stamps_with_a_zone_are_compared_in_utc():
    equity, days = [1.0, 1.1, 1.2], pd.date_range("2020-01-01", periods=3, freq="200D")
    expected = statistics.cagr_calendar(equity, days.to_numpy())
    for times in (days, days.tz_localize("Asia/Tokyo"), list(days.to_pydatetime()), pd.Series(days)):
        assert statistics.cagr_calendar(equity, times) == pytest.approx(expected)
    assert math.isnan(statistics.cagr_calendar([], []))


@pytest.mark.parametrize("name", [f for f in FUNCTIONS if all(is_array(r) for r in rules_of(FUNCTIONS[f]).values())])
def test_of_nothing_nothing_is_known(name):
    rules = rules_of(FUNCTIONS[name]).values()
    found = FUNCTIONS[name](*[np.empty(0) if 1 in rule.dims else np.empty((0, 2)) for rule in rules])
    # The capital is there before the first return, and a bootstrap has a block of one bar at least.
    assert not known(found) or (name, np.ravel(found).tolist()) in (("equity_curve", [1.0]), ("block_length", [1.0]))
