"""Every built-in feature: right, free of scale, finite and causal to the bit on nasty bars."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_plugins.features import quorate_features

SPECS = {spec.name: spec for spec in quorate_features()}
BY_NAME = pytest.mark.parametrize("name", sorted(SPECS))
N_BARS = 300
Panel = dict[str, np.ndarray]


def walk(seed: int, n_bars: int = N_BARS, n_symbols: int = 3) -> Panel:
    """Ordinary bars."""
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_symbols)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.015, shape), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.008, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.005, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.005, shape)))
    return columns(open_, high, low, close, np.round(np.exp(rng.normal(12, 0.6, shape))))


def nasty(seed: int, n_bars: int = N_BARS) -> Panel:
    """Flat stretches, tiny and huge prices and jumps between them, days without volume, even growth."""
    rng = np.random.default_rng(seed)
    bars = walk(seed, n_bars, 8)
    open_, high, low, close, volume = (bars[name].copy() for name in ("open", "high", "low", "close", "volume"))
    for price in (open_, high, low, close):
        price[:, 0] = 7.3
        price[:, 1] = 5.0 * 1.01 ** np.arange(n_bars)
        price[:, 2] *= 1e-4 / 50
        price[:, 3] *= 1e6 / 50
        price[rng.integers(0, n_bars) :, 4] *= 1e6
        price[rng.integers(0, n_bars) :, 5] *= 1e-6
    start = rng.integers(0, n_bars // 2)
    for price in (open_, high, low, close):
        price[start : start + 140, 6] = close[start, 6]
    volume[:, :2] = [0.0, 1000.0]
    volume[rng.random(volume.shape) < 0.3] = 0.0
    volume[start : start + 140, 6] = 0.0
    volume[: n_bars // 2, 7] *= 1e9
    return columns(open_, high, low, close, volume)


def columns(*fields: np.ndarray) -> Panel:
    panel = {}
    for name, values in zip(("open", "high", "low", "close", "volume"), fields, strict=True):
        panel[name] = np.array(values, order="F")
        panel[name].flags.writeable = False
    return panel


def ragged(panel: Panel, seed: int) -> Panel:
    """The same bars, some symbols ending early."""
    ends = np.random.default_rng(seed).integers(1, N_BARS + 1, panel["close"].shape[1])
    over = np.arange(len(panel["close"]))[:, None] >= ends
    over[:, 0] = False
    return columns(*(np.where(over, np.nan, values) for values in panel.values()))


def compute(name: str, panel: Panel, rows: slice = slice(None), symbols: object = slice(None)) -> np.ndarray:
    spec = SPECS[name]
    return spec.resolve()(*(panel[i][rows][:, symbols] for i in spec.inputs), **spec.params)


@BY_NAME
def test_on_nasty_bars_neither_the_future_nor_other_symbols_change_a_bit(name: str) -> None:
    """On ordinary and rough bars the kit asks it of every built-in, and of lookback, see tests/contract/test_zoo.py."""
    spec = SPECS[name]
    for seed in (21, 22):
        panel = ragged(nasty(seed), seed)
        whole = compute(name, panel)
        for cut in np.random.default_rng(seed).integers(1, N_BARS + 1, 3):
            np.testing.assert_array_equal(compute(name, panel, slice(cut)), whole[:cut])
            copied = {field: values[:cut].copy(order="F") for field, values in panel.items()}
            np.testing.assert_array_equal(compute(name, copied), whole[:cut])
            other = {field: np.asfortranarray(np.r_[v[:cut], 1e3 * v[cut:]]) for field, v in panel.items()}
            np.testing.assert_array_equal(compute(name, other)[:cut], whole[:cut])
        symbol = seed % 8
        np.testing.assert_array_equal(compute(name, panel, symbols=[symbol])[:, 0], whole[:, symbol])
        np.testing.assert_array_equal(compute(name, panel, symbols=[7, 3, symbol])[:, 2], whole[:, symbol])
    if not spec.recursive:
        whole = compute(name, nasty(22))
        for end in range(spec.lookback, N_BARS + 1, 17):
            last = compute(name, nasty(22), slice(end - spec.lookback, end))[-1]
            np.testing.assert_allclose(last, whole[end - 1], rtol=1e-6, atol=1e-12)


@BY_NAME
def test_finite_on_nasty_bars(name: str) -> None:
    for seed in (31, 32, 33):
        panel = nasty(seed)
        values = compute(name, panel)
        assert values.shape == panel["close"].shape
        assert values.dtype == np.float64
        assert np.isfinite(values[SPECS[name].lookback - 1 :]).all()
        ended = ragged(panel, seed)
        there = np.isfinite(ended["close"])
        there[: SPECS[name].lookback - 1] = False
        assert np.isfinite(compute(name, ended)[there]).all()


@BY_NAME
@pytest.mark.filterwarnings("error")
def test_silent_and_leaves_its_inputs_alone(name: str) -> None:
    panel = ragged(nasty(34), 34)
    before = {field: values.tobytes() for field, values in panel.items()}
    compute(name, panel)
    assert {field: values.tobytes() for field, values in panel.items()} == before


@BY_NAME
@pytest.mark.parametrize("make", [walk, nasty], ids=["walk", "nasty"])
def test_free_of_scale(name: str, make: Callable[[int], Panel]) -> None:
    panel = make(41)
    values = compute(name, panel)
    for price, volume in [(10.0, 1.0), (1.0, 10.0), (0.01, 1000.0)]:
        scaled = {field: values * (volume if field == "volume" else price) for field, values in panel.items()}
        np.testing.assert_allclose(compute(name, scaled), values, rtol=1e-6, atol=1e-8)


@BY_NAME
def test_of_order_one(name: str) -> None:
    values = compute(name, walk(51, 600))[SPECS[name].lookback - 1 :]
    assert np.abs(values).max() < 20
    assert values.std() > 5e-4


@BY_NAME
def test_nothing_on_a_price_that_stands_still(name: str) -> None:
    price = np.full((N_BARS, 2), 7.3)
    values = compute(name, columns(price, price, price, price, np.zeros_like(price)))
    np.testing.assert_allclose(values[SPECS[name].lookback - 1 :], 0.0, atol=1e-12)


@BY_NAME
def test_spec_is_complete(name: str) -> None:
    spec = SPECS[name]
    arguments = list(inspect.signature(spec.resolve()).parameters)
    assert arguments[len(spec.inputs) :] == list(spec.params)
    assert spec.lookback <= 127
    assert spec.description
    assert spec.resolve().__module__ == f"quorate_plugins.features.{spec.group}"


def test_the_set() -> None:
    assert len(SPECS) == len(list(quorate_features())) >= 44
    assert sum("volume" not in spec.inputs for spec in SPECS.values()) >= 44
    assert {spec.group for spec in SPECS.values()} == {"momentum", "trend", "volatility", "shape", "volume"}
    assert all(isinstance(spec, quorate.FeatureSpec) and isinstance(spec.function, str) for spec in SPECS.values())


def test_no_feature_is_another_one_rescaled() -> None:
    panel = walk(61, 1000, 2)
    table = np.column_stack([compute(name, panel)[127:].ravel() for name in SPECS])
    likeness = np.abs(np.corrcoef(table, rowvar=False)) - np.eye(len(SPECS))
    first, second = np.unravel_index(likeness.argmax(), likeness.shape)
    assert likeness.max() < 0.998, (list(SPECS)[first], list(SPECS)[second])


def test_listing_needs_no_numpy() -> None:
    code = "import sys, quorate_plugins.features as f; list(f.quorate_features()); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def wilder(values: np.ndarray, n: int) -> np.ndarray:
    """Wilder's mean as his book has it: a plain mean of the first n, then 1/n of each new one."""
    out = np.full(len(values), np.nan)
    out[n - 1] = values[:n].mean()
    for t in range(n, len(values)):
        out[t] = out[t - 1] + (values[t] - out[t - 1]) / n
    return out


def wilder_rsi(b: pd.DataFrame) -> np.ndarray:
    change = b.close.diff().to_numpy()[1:]
    gain, loss = wilder(np.maximum(change, 0), 14), wilder(np.maximum(-change, 0), 14)
    return np.r_[np.nan, 100 - 100 / (1 + gain / loss)] / 50 - 1


def true_range(b: pd.DataFrame) -> pd.Series:
    before = b.close.shift()
    sizes = [b.high - b.low, (b.high - before).abs(), (b.low - before).abs()]
    return pd.concat(sizes, axis=1).max(axis=1, skipna=False)


def moved(b: pd.DataFrame, up: pd.Series, n: int) -> pd.Series:
    return (up * (b.high + b.low + b.close) / 3 * b.volume).rolling(n).sum()


def macd(b: pd.DataFrame) -> pd.Series:
    return b.close.ewm(span=8, adjust=False).mean() - b.close.ewm(span=17, adjust=False).mean()


def low_high(b: pd.DataFrame, n: int) -> tuple[pd.Series, pd.Series]:
    return b.low.rolling(n).min(), b.high.rolling(n).max()


REFERENCES: dict[str, Callable[[pd.DataFrame], object]] = {
    "return_20": lambda b: b.close.pct_change(20),
    "rsi_14": wilder_rsi,
    "atr_14": lambda b: np.r_[np.nan, wilder(true_range(b).to_numpy()[1:], 14)] / b.close,
    "macd_histogram": lambda b: (macd(b) - macd(b).ewm(span=9, adjust=False).mean()) / b.close,
    "sma_ratio_50": lambda b: b.close / b.close.rolling(50).mean() - 1,
    "zscore_20": lambda b: (b.close - b.close.rolling(20).mean()) / b.close.rolling(20).std(),
    "stochastic_14": lambda b: 2 * (b.close - low_high(b, 14)[0]) / (low_high(b, 14)[1] - low_high(b, 14)[0]) - 1,
    "drawdown_126": lambda b: b.close / b.close.rolling(126).max() - 1,
    "efficiency_ratio_10": lambda b: (b.close - b.close.shift(10)).abs() / b.close.diff().abs().rolling(10).sum(),
    "volatility_20": lambda b: b.close.pct_change().rolling(20).std(),
    "parkinson_20": lambda b: (np.log(b.high / b.low) ** 2 / (4 * np.log(2))).rolling(20).mean() ** 0.5,
    "skewness_20": lambda b: b.close.pct_change().rolling(20).skew(),
    "autocorrelation_20": lambda b: b.close.pct_change().rolling(20).corr(b.close.pct_change().shift()),
    "gap": lambda b: b.open / b.close.shift() - 1,
    "close_location": lambda b: 2 * (b.close - b.low) / (b.high - b.low) - 1,
    "volume_zscore_20": lambda b: (b.volume - b.volume.rolling(20).mean()) / b.volume.rolling(20).std(),
    "money_flow_14": lambda b: (
        moved(b, np.sign((b.high + b.low + b.close).diff()), 14) / moved(b, pd.Series(1.0, b.index), 14)
    ),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_agrees_with_a_reference(name: str) -> None:
    panel = walk(71)
    values = compute(name, panel)[SPECS[name].lookback - 1 :]
    for symbol in range(values.shape[1]):
        bars = pd.DataFrame({field: array[:, symbol] for field, array in panel.items()})
        expected = np.asarray(REFERENCES[name](bars))[SPECS[name].lookback - 1 :]
        np.testing.assert_allclose(values[:, symbol], expected, rtol=1e-7, atol=1e-10)
