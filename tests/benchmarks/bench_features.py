"""How much faster the built-in features are than pandas' grouped windows, with equal values.

Both sides start from what they are given in practice: pandas from a long frame sorted by symbol and
time, ours from arrays (n_bars, n_symbols). Each pandas version is what a careful user writes: grouped
operations of pandas only, none per symbol in Python, and no index work that the result does not need.
Symbols are text, as readers and `Bars.to_frame` give them; as categories pandas takes about half the time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from figures import Figures, bench
from measure import seconds

from quorate_plugins.features import quorate_features

Frame = pd.DataFrame
Series = pd.Series


def by(b: Frame, x: Series) -> object:
    return x.groupby(b.symbol, sort=False, observed=True)


def shift(b: Frame, x: Series, n: int = 1) -> Series:
    return by(b, x).shift(n)


def roll(b: Frame, x: Series, n: int, what: str) -> Series:
    """A moving statistic; the rows keep their order, so the old index is put back without a sort."""
    return pd.Series(getattr(by(b, x).rolling(n), what)().to_numpy(), x.index)


def mean(b: Frame, x: Series, n: int) -> Series:
    return roll(b, x, n, "mean")


def total(b: Frame, x: Series, n: int) -> Series:
    return roll(b, x, n, "sum")


def std(b: Frame, x: Series, n: int) -> Series:
    return roll(b, x, n, "std")


def ema(b: Frame, x: Series, **decay: float) -> Series:
    return pd.Series(by(b, x).ewm(adjust=False, **decay).mean().to_numpy(), x.index)


def corr(b: Frame, x: Series, y: Series, n: int) -> Series:
    """Correlation from moving moments: grouped ``rolling().corr`` is many times slower."""
    product = mean(b, x * y, n) - mean(b, x, n) * mean(b, y, n)
    return product / (roll(b, x, n, "std") * roll(b, y, n, "std")) * (n / (n - 1))


def change(b: Frame, n: int = 1) -> Series:
    return b.close / shift(b, b.close, n) - 1


def step(b: Frame) -> Series:
    return b.close - shift(b, b.close)


def true_range(b: Frame) -> Series:
    before = shift(b, b.close)
    return np.maximum(b.high, before) - np.minimum(b.low, before)


def typical(b: Frame) -> Series:
    return (b.high + b.low + b.close) / 3


def location(b: Frame) -> Series:
    return (2 * b.close - b.high - b.low) / (b.high - b.low)


def overnight(b: Frame) -> Series:
    return b.open / shift(b, b.close) - 1


def return_to_volatility(b: Frame, n: int) -> Series:
    r = change(b)
    return total(b, r, n) / (n * total(b, r * r, n)) ** 0.5


def rsi(b: Frame, n: int) -> Series:
    d = step(b)
    return ema(b, d, alpha=1 / n) / ema(b, d.abs(), alpha=1 / n)


def macd_line(b: Frame) -> Series:
    return ema(b, b.close, span=8) - ema(b, b.close, span=17)


def macd_histogram(b: Frame) -> Series:
    line = macd_line(b)
    return (line - ema(b, line, span=9)) / b.close


def stochastic(b: Frame, n: int) -> Series:
    top, bottom = roll(b, b.high, n, "max"), roll(b, b.low, n, "min")
    return (2 * b.close - top - bottom) / (top - bottom)


def efficiency(b: Frame, n: int) -> Series:
    return (b.close - shift(b, b.close, n)).abs() / total(b, step(b).abs(), n)


def directional(b: Frame, n: int) -> Series:
    up, down = b.high - shift(b, b.high), shift(b, b.low) - b.low
    net = pd.Series(np.where(up > down, up.clip(lower=0), -down.clip(lower=0)), b.index)
    return total(b, net, n) / total(b, true_range(b), n)


def volatility_ratio(b: Frame, fast: int, slow: int) -> Series:
    r = change(b)
    return std(b, r, fast) / std(b, r, slow) - 1


def ratio_of_means(b: Frame, x: Series, fast: int, slow: int) -> Series:
    return mean(b, x, fast) / mean(b, x, slow) - 1


def garman_klass(b: Frame, n: int) -> Series:
    spread, body = np.log(b.high / b.low), np.log(b.close / b.open)
    return mean(b, 0.5 * spread**2 - (2 * np.log(2) - 1) * body**2, n).clip(lower=0) ** 0.5


def downside(b: Frame, n: int) -> Series:
    r = change(b)
    return -total(b, r * r.abs(), n) / total(b, r * r, n)


def autocorrelation(b: Frame, n: int) -> Series:
    r = change(b)
    return corr(b, r, shift(b, r), n)


def money_flow(b: Frame, n: int) -> Series:
    price = typical(b)
    value = price * b.volume
    return total(b, np.sign(price - shift(b, price)) * value, n) / total(b, value, n)


def impact(b: Frame) -> Series:
    return change(b).abs() / (b.close * b.volume)


def versions() -> dict[str, Callable[[Frame], Series]]:
    """Return the pandas version of every built-in feature, by its name."""
    out: dict[str, Callable[[Frame], Series]] = {
        "acceleration_10": lambda b: (lambda r: r - shift(b, r, 10))(change(b, 10)),
        "macd": lambda b: macd_line(b) / b.close,
        "macd_histogram": macd_histogram,
        "drawdown_126": lambda b: b.close / roll(b, b.close, 126, "max") - 1,
        "directional_movement_14": lambda b: directional(b, 14),
        "overnight_volatility_20": lambda b: std(b, overnight(b), 20),
        "atr_14": lambda b: ema(b, true_range(b), alpha=1 / 14) / b.close,
        "parkinson_20": lambda b: (mean(b, np.log(b.high / b.low) ** 2, 20) / (4 * np.log(2))) ** 0.5,
        "garman_klass_20": lambda b: garman_klass(b, 20),
        "bollinger_width_20": lambda b: std(b, b.close, 20) / mean(b, b.close, 20),
        "range_trend_5_20": lambda b: ratio_of_means(b, (b.high - b.low) / b.close, 5, 20),
        "downside_share_20": lambda b: downside(b, 20),
        "autocorrelation_20": lambda b: autocorrelation(b, 20),
        "gap": overnight,
        "overnight_return_20": lambda b: total(b, overnight(b), 20),
        "body": lambda b: b.close / b.open - 1,
        "body_share": lambda b: (b.close - b.open) / (b.high - b.low),
        "upper_shadow": lambda b: (b.high - np.maximum(b.open, b.close)) / b.close,
        "lower_shadow": lambda b: (np.minimum(b.open, b.close) - b.low) / b.close,
        "bar_range": lambda b: (b.high - b.low) / b.close,
        "range_ratio_20": lambda b: (lambda size: size / mean(b, size, 20) - 1)(b.high - b.low),
        "close_location": location,
        "close_location_10": lambda b: mean(b, location(b), 10),
        "volume_zscore_20": lambda b: (b.volume - mean(b, b.volume, 20)) / std(b, b.volume, 20),
        "volume_variation_20": lambda b: std(b, b.volume, 20) / mean(b, b.volume, 20),
        "money_flow_14": lambda b: money_flow(b, 14),
        "signed_volume_20": lambda b: total(b, np.sign(step(b)) * b.volume, 20) / total(b, b.volume, 20),
        "accumulation_20": lambda b: total(b, location(b) * b.volume, 20) / total(b, b.volume, 20),
        "volume_return_correlation_20": lambda b: corr(b, change(b), b.volume, 20),
        "vwap_distance_20": lambda b: b.close * total(b, b.volume, 20) / total(b, typical(b) * b.volume, 20) - 1,
    }
    return out | _families()


def _families() -> dict[str, Callable[[Frame], Series]]:
    families: dict[str, tuple[tuple[int, ...], Callable[[Frame, int], Series]]] = {
        "return": ((1, 2, 5, 10, 20, 60, 126), change),
        "return_to_volatility": ((20, 60), return_to_volatility),
        "up_share": ((10, 20), lambda b, n: mean(b, np.sign(step(b)), n)),
        "rsi": ((5, 14), rsi),
        "sma_ratio": ((5, 10, 20, 50, 100), lambda b, n: b.close / mean(b, b.close, n) - 1),
        "zscore": ((20, 60), lambda b, n: (b.close - mean(b, b.close, n)) / std(b, b.close, n)),
        "stochastic": ((14, 60), stochastic),
        "high_distance": ((20, 60), lambda b, n: b.close / roll(b, b.high, n, "max") - 1),
        "low_distance": ((20, 60), lambda b, n: b.close / roll(b, b.low, n, "min") - 1),
        "efficiency_ratio": ((10, 60), efficiency),
        "volatility": ((5, 20, 60), lambda b, n: std(b, change(b), n)),
        "skewness": ((20, 60), lambda b, n: roll(b, change(b), n, "skew")),
        "volume_ratio": ((5, 20, 60), lambda b, n: b.volume / mean(b, b.volume, n) - 1),
    }
    pairs: dict[str, tuple[tuple[tuple[int, int], ...], Callable[[Frame, int, int], Series]]] = {
        "sma_cross": (((5, 20), (20, 100)), lambda b, f, s: ratio_of_means(b, b.close, f, s)),
        "volatility_ratio": (((5, 20), (20, 60)), volatility_ratio),
        "volume_trend": (((5, 20), (20, 60)), lambda b, f, s: ratio_of_means(b, b.volume, f, s)),
        "illiquidity": (((5, 20), (20, 60)), lambda b, f, s: ratio_of_means(b, impact(b), f, s)),
    }
    out = {f"{name}_{n}": (lambda b, n=n, of=of: of(b, n)) for name, (ns, of) in families.items() for n in ns}
    for name, (windows, of2) in pairs.items():
        out |= {f"{name}_{f}_{s}": (lambda b, f=f, s=s, of2=of2: of2(b, f, s)) for f, s in windows}
    return out


def make(n_symbols: int, n_bars: int) -> tuple[Frame, dict[str, np.ndarray]]:
    """Return the same random bars as a long frame and as arrays."""
    rng = np.random.default_rng(0)
    shape = (n_bars, n_symbols)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.015, shape), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.008, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.005, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.005, shape)))
    fields = {"open": open_, "high": high, "low": low, "close": close, "volume": np.exp(rng.normal(12, 0.6, shape))}
    arrays = {name: np.asfortranarray(values) for name, values in fields.items()}
    frame = pd.DataFrame({name: values.T.ravel() for name, values in arrays.items()})
    frame.insert(0, "symbol", np.repeat([f"S{i:04d}" for i in range(n_symbols)], n_bars))
    return frame, arrays


def paired(theirs: Callable[[], object], ours: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Return the median seconds of both, and the median of the ratios of neighbouring runs."""
    ours()
    times = np.array([(seconds(theirs), seconds(ours)) for _ in range(repeats)])
    median = np.median(times, axis=0)
    return float(median[0]), float(median[1]), float(np.median(times[:, 0] / times[:, 1]))


def check(name: str, theirs: Series, ours: np.ndarray, first: int) -> None:
    expected = theirs.to_numpy().reshape(ours.shape[1], ours.shape[0]).T[first:]
    # pandas' running sums lose digits where a window's values nearly cancel.
    np.testing.assert_allclose(ours[first:], expected, rtol=1e-5, atol=2e-5 * np.nanstd(expected), err_msg=name)


def bench_features(figures: Figures, repeats: int, quick: bool) -> None:
    """Compare the built-in features, each computed on its own."""
    symbols, bars = (50, 2500) if quick else (500, 2500)
    figures.title(f"features of {symbols} symbols x {bars:,} bars, one thread, against pandas' grouped windows")
    frame, arrays = make(symbols, bars)
    by_group: dict[str, list[tuple[float, float, float]]] = {}
    reference = versions()
    for spec in quorate_features():
        function, inputs = spec.resolve(), [arrays[name] for name in spec.inputs]

        def theirs(name: str = spec.name) -> Series:
            return reference[name](frame)

        def ours(function=function, inputs=inputs, params=spec.params) -> np.ndarray:
            return function(*inputs, **params)

        # What a recursion starts from differs, and fades.
        check(spec.name, theirs(), ours(), 2 * spec.lookback if spec.recursive else spec.lookback - 1)
        by_group.setdefault(spec.group, []).append(paired(theirs, ours, repeats))
    every = [timed for rows in by_group.values() for timed in rows]
    for group, rows in by_group.items():
        a, b, _ = np.sum(rows, axis=0)
        print(f"  {group:14s} {len(rows):3d} features: pandas {a:.2f} s, ours {b:.3f} s, {a / b:.1f} times")
    a, b, _ = np.sum(every, axis=0)
    figures.add(f"pandas' grouped windows over ours, {len(every)} features of {symbols} symbols", [a / b], least=30)
    figures.add("  the median feature", [float(np.median(every, axis=0)[2])])
    figures.add("  all of ours", [b], "s")


PARTS = {"features": bench_features}

if __name__ == "__main__":
    bench(PARTS, __doc__)
