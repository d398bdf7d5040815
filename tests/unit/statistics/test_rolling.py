"""Moving windows: right (against pandas), causal, exact to the window, independent of everything else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate import rolling

WINDOWED = {
    "total": rolling.total,
    "mean": rolling.mean,
    "std": rolling.std,
    "minimum": rolling.minimum,
    "maximum": rolling.maximum,
    "zscore": rolling.zscore,
    "correlation": lambda x, window: rolling.correlation(x, rolling.shift(x), window),
}
ALL = {**WINDOWED, "ewm": lambda x, window: rolling.ewm(x, 2 / (window + 1), seed=window)}
BY_NAME = pytest.mark.parametrize("name", sorted(ALL))


def numbers(seed: int, n_bars: int = 160, n_symbols: int = 11) -> np.ndarray:
    """Noise with stretches of equal values, of huge values and, at the end of some columns, of nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 1.0, (n_bars, n_symbols))
    for column in x.T[1:]:
        start = rng.integers(0, n_bars)
        column[start : start + rng.integers(1, 60)] = rng.choice([0.0, 0.1, 7.3])
        column[rng.integers(0, n_bars)] = rng.choice([1.0, 1e9])
    for column in x.T[::3]:
        column[rng.integers(1, n_bars + 1) :] = np.nan
    return np.asfortranarray(x)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def nan_equal(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("window", [2, 3, 5, 15, 20, 64, 126])
@pytest.mark.parametrize(
    "name, reference", [("total", "sum"), ("mean", "mean"), ("std", "std"), ("minimum", "min"), ("maximum", "max")]
)
def test_agrees_with_pandas(name: str, reference: str, window: int) -> None:
    rng = np.random.default_rng(window)
    x = np.asfortranarray(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (300, 5)), axis=0)))
    expected = getattr(pd.DataFrame(x).rolling(window), reference)()
    # pandas' running update loses digits where a window's values are close to each other.
    np.testing.assert_allclose(ALL[name](x, window), expected, rtol=1e-7)


@pytest.mark.parametrize("window", [5, 30])
def test_zscore_and_correlation_agree_with_pandas(window: int) -> None:
    x, y = (np.random.default_rng(seed).normal(0.1, 1.0, (200, 3)) for seed in (1, 2))
    frame, other = pd.DataFrame(x), pd.DataFrame(y)
    moving = frame.rolling(window)
    np.testing.assert_allclose(rolling.zscore(x, window), (frame - moving.mean()) / moving.std(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rolling.correlation(x, y, window), moving.corr(other), rtol=1e-9, atol=1e-12)


def test_ewm_is_the_recursive_mean() -> None:
    x = np.random.default_rng(3).normal(size=(50, 4))
    expected = pd.DataFrame(x).ewm(alpha=0.3, adjust=False).mean()
    np.testing.assert_allclose(rolling.ewm(x, 0.3), expected, rtol=1e-12)
    assert same(rolling.ewm(x, 0.3)[0], x[0])


def test_ewm_starts_from_a_mean_when_asked() -> None:
    x = np.random.default_rng(3).normal(size=(50, 4))
    level = x[1:5].mean(axis=0)
    y = rolling.ewm(x, 0.25, first=1, seed=4)
    assert np.isnan(y[:4]).all()
    np.testing.assert_allclose(y[4], level)
    np.testing.assert_allclose(y[5], level + 0.25 * (x[5] - level))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-3, 1.0), st.integers(1, 40), st.sampled_from([1e-9, 1.0, 1e12]))
def test_ewm_has_the_same_bits_whether_few_or_many_values_are_taken(seed, alpha, n_bars, scale) -> None:
    x = np.random.default_rng(seed).normal(size=(n_bars, 3)) * scale
    x[n_bars // 2 :, 1] = np.nan  # a symbol that has ended
    x[:, 2] = np.round(x[:, 2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling, "_FEW", 0)
        many = rolling.ewm(x, alpha)
        patch.setattr(rolling, "_recurse_compiled", rolling._recurse)
        assert same(rolling.ewm(x, alpha), many)


@pytest.mark.parametrize("window", [3, 7, 15, 20, 31, 60, 63, 126])
@pytest.mark.parametrize("value", [0.1, 1e-4, 7.3, 123456.789])
def test_equal_values_have_no_deviation(window: int, value: float) -> None:
    x = np.full((150, 2), value)
    x[:10] = 5.0
    assert (rolling.std(x, window)[10 + window - 1 :] == 0).all()
    assert (rolling.zscore(x, window)[10 + window - 1 :] == 0).all()


@pytest.mark.parametrize("window", [2, 3, 20])
@pytest.mark.parametrize("level", [0.0, 30.0, 3e3, 3e5, 2.0**30])
def test_deviation_is_right_at_any_level(level: float, window: int) -> None:
    x = np.random.default_rng(4).normal(0, 1, (200, 3)) + level
    rtol = 1e-9 + np.spacing(level)
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=0)
    np.testing.assert_allclose(
        rolling.std(x, window)[window - 1 :], windows.std(axis=-1, ddof=1), rtol, np.spacing(level)
    )


@pytest.mark.parametrize("name", sorted(WINDOWED))
def test_a_spike_leaves_no_trace_after_the_window(name: str) -> None:
    calm = np.random.default_rng(5).normal(1.0, 0.1, (120, 2))
    spiked = calm.copy()
    spiked[30] = 1e14
    function, window = ALL[name], 20
    assert same(function(spiked, window)[52:], function(calm, window)[52:])


@BY_NAME
@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), window=st.integers(2, 70), cut=st.integers(1, 160))
def test_cutting_the_future_changes_no_bit(name: str, seed: int, window: int, cut: int) -> None:
    x, function = numbers(seed), ALL[name]
    whole = function(x, window)[:cut]
    assert nan_equal(function(x[:cut], window), whole)
    assert nan_equal(function(x[:cut].copy(order="F"), window), whole)


@BY_NAME
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), window=st.integers(2, 70), column=st.integers(0, 10))
def test_columns_do_not_touch(name: str, seed: int, window: int, column: int) -> None:
    x, function = numbers(seed), ALL[name]
    assert nan_equal(function(x[:, [column]], window)[:, 0], function(x, window)[:, column])
    other = np.where(np.arange(x.shape[1]) == column, x, 1e12 * numbers(seed + 1))
    assert nan_equal(function(other, window)[:, column], function(x, window)[:, column])


@pytest.mark.parametrize("name", sorted(WINDOWED))
def test_nan_before_a_full_window_and_after_the_end_only(name: str) -> None:
    x, window = np.random.default_rng(6).normal(size=(60, 2)), 10
    x[40:, 1] = np.nan
    first = window if name == "correlation" else window - 1
    known = np.isfinite(ALL[name](x, window))
    assert not known[:first].any()
    assert known[first:, 0].all()
    assert known[first:40, 1].all()
    assert not known[40:, 1].any()


@BY_NAME
def test_a_short_history_is_all_nan(name: str) -> None:
    for n_bars in (0, 1, 9):
        y = ALL[name](np.ones((n_bars, 2)), 10)
        assert y.shape == (n_bars, 2)
        assert np.isnan(y).all()


@BY_NAME
def test_order_and_writability_of_the_input_do_not_matter(name: str) -> None:
    x = numbers(7)
    x.flags.writeable = False
    y = ALL[name](x, 20)
    assert y.flags.f_contiguous
    assert nan_equal(y, ALL[name](np.ascontiguousarray(x), 20))


@pytest.mark.parametrize("n_bars", [32_767, 32_768, 32_769, 33_000])
def test_long_columns_are_done_in_pieces(n_bars: int) -> None:
    x = np.random.default_rng(8).normal(size=(n_bars, 2))
    frame = pd.DataFrame(x)
    np.testing.assert_allclose(rolling.mean(x, 300), frame.rolling(300).mean(), atol=1e-12)
    np.testing.assert_array_equal(rolling.maximum(x, 300), frame.rolling(300).max())


def test_a_window_longer_than_a_piece() -> None:
    x = np.random.default_rng(9).normal(size=(33_500, 2))
    np.testing.assert_allclose(rolling.mean(x, 33_000), pd.DataFrame(x).rolling(33_000).mean(), atol=1e-12)


def test_a_window_of_one_bar() -> None:
    x = numbers(10)
    for name in ("total", "mean", "minimum", "maximum"):
        assert nan_equal(ALL[name](x, 1), x)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 bar; it was 0"):
        rolling.mean(np.ones((3, 1)), 0)


def test_shift_ratio_and_relative() -> None:
    x = np.array([[1.0], [2.0], [4.0]])
    assert nan_equal(rolling.shift(x, 2), np.array([[np.nan], [np.nan], [1.0]]))
    assert np.isnan(rolling.shift(x, 5)).all()
    zero = np.array([[0.0], [1e-13], [2.0]])
    assert nan_equal(rolling.ratio(x, zero, least=1e-12), np.array([[0.0], [0.0], [2.0]]))
    assert nan_equal(rolling.relative(x, zero, least=1e-12), np.array([[0.0], [0.0], [1.0]]))
    assert np.isnan(rolling.ratio(x, x * np.nan)).all()


def test_by_symbols_keeps_signature_and_columns() -> None:
    def scaled(x: np.ndarray, y: np.ndarray, factor: float = 1.0) -> np.ndarray:
        """Multiply."""
        assert x.shape[1] <= 8
        return x * y * factor

    blocked = rolling.by_symbols(scaled)
    x = np.random.default_rng(11).normal(size=(5, 21))
    assert blocked.__name__ == "scaled"
    assert blocked(x[:, :0], x[:, :0]).shape == (5, 0)
    np.testing.assert_array_equal(blocked(x, x, factor=3.0), x * x * 3.0)
