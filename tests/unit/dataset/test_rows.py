"""Rows: each symbol's own features whatever the panel, labels that say when they are known, contracts at the border."""

from __future__ import annotations

import numpy as np
import pytest

import quorate
from quorate.dataset.columns import feature_columns
from quorate.dataset.folds import NEVER
from quorate.dataset.labels import Labels, build_labels
from quorate.dataset.rows import build_dataset, entry_prices
from quorate.errors import DataError, PluginError
from quorate_data.simulated import simulated
from quorate_plugins.labels import quorate_labels

LABELS = {spec.name: spec for spec in quorate_labels()}


def ragged(seed=0, n_bars=60, n_symbols=4):
    """A panel in which symbols list late, end early and miss bars; the first has all of them."""
    frame = simulated(n_bars=n_bars, n_symbols=n_symbols, seed=seed).to_frame()
    rng = np.random.default_rng(seed)
    number = frame["time"].rank(method="dense").to_numpy() - 1
    keep = rng.random(len(frame)) < 0.8
    for i, symbol in enumerate(sorted(frame["symbol"].unique())):
        mine = (frame["symbol"] == symbol).to_numpy()
        keep[mine & ((number < 5 * i) | (number >= n_bars - 4 * i))] = False
        keep |= mine & (i == 0)
    return quorate.Bars.from_frame(frame[keep])


def feature(function, lookback=1, name="f", **more):
    return quorate.FeatureSpec(name, function, lookback=lookback, **more)


def change(close, span=2):
    out = np.full_like(close, np.nan)
    out[span:] = close[span:] / close[:-span] - 1
    return out


def spread(high, low, close):
    return (high - low) / close


CHANGE = feature(change, lookback=3, name="change")
SPREAD = feature(spread, inputs=("high", "low", "close"), name="spread")


def no_labels(bars):
    return Labels(np.full(bars.close.shape, np.nan), np.full(bars.close.shape, NEVER))


def rows_of(bars, *features, labels=None, **more):
    return build_dataset(bars, features, labels or no_labels(bars), **more)


# --- features


@pytest.mark.parametrize("seed", range(3))
def test_a_symbols_features_are_those_it_would_have_alone(seed):
    bars = ragged(seed)
    together = rows_of(bars, CHANGE, SPREAD)
    for s, symbol in enumerate(bars.symbols):
        own = bars.select([symbol])
        alone = rows_of(own, CHANGE, SPREAD)
        mine = together.symbol == s
        assert bars.times[together.bar[mine]].tolist() == own.times[alone.bar].tolist()
        assert together.X[mine].tobytes() == alone.X.tobytes()
        close = own.close[:, 0]
        np.testing.assert_allclose(alone.X[:, 0], close[2:] / close[:-2] - 1, rtol=1e-4, atol=1e-7)


def test_rows_are_ordered_by_bar_and_then_by_symbol_and_begin_after_warm_up():
    bars = ragged()
    data = rows_of(bars, CHANGE, SPREAD)
    age = np.cumsum(bars.present, axis=0)
    expected = np.argwhere(bars.present & (age >= 3))
    assert np.column_stack([data.bar, data.symbol]).tolist() == expected.tolist()
    assert len(data) == len(expected)
    assert data.feature_names == ("change", "spread")


@pytest.mark.parametrize("lookback, history, first", [(1, 1, 1), (5, 1, 5), (3, 8, 8)])
def test_a_row_needs_the_longest_lookback_or_the_models_history(lookback, history, first):
    bars = simulated(n_bars=12)
    data = rows_of(bars, feature(lambda close: close, lookback), SPREAD, least_history=history)
    assert data.bar.tolist() == list(range(first - 1, 12))


def test_the_context_of_a_row_is_its_own_bar_and_before_it_the_symbols_own_bars():
    bars = ragged()
    data = rows_of(bars, CHANGE)
    assert data.ohlcv.shape == (bars.present.sum(), 5)
    fields = np.stack([getattr(bars, name) for name in ("open", "high", "low", "close", "volume")], axis=2)
    assert np.array_equal(data.ohlcv[data.context], fields[data.bar, data.symbol])
    for s in range(len(bars.symbols)):
        own = fields[bars.present[:, s], s]
        here = data.context[data.symbol == s]
        assert np.array_equal(data.ohlcv[here - 2], own[: len(here)])  # two bars before the first row is its first bar


def test_a_cross_sectional_feature_sees_the_panel_in_time_with_gaps():
    bars = ragged()

    def rank(close):
        assert np.array_equal(close, bars.close, equal_nan=True)
        return np.nanmean(close, axis=1, keepdims=True) - close

    data = rows_of(bars, feature(rank, cross_sectional=True))
    expected = (np.nanmean(bars.close, axis=1)[data.bar] - bars.close[data.bar, data.symbol]).astype(np.float32)
    assert np.array_equal(data.X[:, 0], expected)


def test_features_are_given_arrays_they_cannot_write_to():
    def greedy(close):
        close[0] = 1.0
        return close

    for bars in (simulated(n_bars=9), ragged()):
        with pytest.raises(PluginError, match="read-only"):
            rows_of(bars, feature(greedy))


def test_the_dataset_is_read_only_contiguous_and_of_the_promised_types():
    data = rows_of(ragged(), CHANGE, SPREAD)
    types = {
        "X": "float32",
        "bar": "int64",
        "symbol": "int64",
        "y": "float64",
        "end": "int64",
        "ohlcv": "float64",
        "context": "int64",
    }
    for name, dtype in types.items():
        array = getattr(data, name)
        assert array.dtype == dtype
        assert not array.flags.writeable
    assert data.X.flags.c_contiguous


def late_nan(close):
    return np.where(np.arange(len(close))[:, None] == 7, np.nan, close)


@pytest.mark.parametrize(
    "spec, message",
    [
        (feature(change, lookback=2), "'f' must be finite from its 2th bar on; it is nan for SIM001 on 2000-01-04"),
        (feature(late_nan), r"it is nan for SIM001 on 2000-01-12 \(1 of 10 rows\).*features.exclude"),
        (feature(lambda close: close / 0.0), "it is inf for SIM001"),
        (feature(lambda close: close * 1e200), "it is inf for SIM001"),
        (feature(lambda close: close[1:]), r"'f' must give an array \(10, 1\); it gave \(9, 1\)"),
        (feature(lambda close: close[:, 0]), r"must give an array \(10, 1\); it gave \(10,\)"),
        (feature(lambda close: 1 / 0), r"'f' failed on Bars\(SIM001; 10 x 1d.*ZeroDivisionError"),
        (
            feature(lambda x: x, inputs=("klose",)),
            "'f': unknown input 'klose': it must be one of open, high, low, close, volume",
        ),
    ],
    ids=[
        "lookback too short",
        "gap",
        "infinite",
        "too large for float32",
        "too few rows",
        "one column",
        "raises",
        "unknown input",
    ],
)
def test_a_feature_that_breaks_its_contract_is_told(spec, message):
    with pytest.raises(PluginError, match=message):
        rows_of(simulated(n_bars=10), spec)


def test_a_history_shorter_than_every_lookback_is_told():
    with pytest.raises(DataError, match=r"longest lookback is 11 bars .* no symbol has as many; the longest has 10"):
        rows_of(simulated(n_bars=10), feature(lambda close: close, lookback=11))


# --- labels


@pytest.mark.parametrize("fill", ["open", "close"])
@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_a_label_is_what_the_trade_earns_and_known_when_it_ends(fill, horizon):
    bars = ragged()
    labels = build_labels(bars, LABELS["return"], horizon, fill, {})
    rises = build_labels(bars, LABELS["direction"], horizon, fill, {})
    prices, known = getattr(bars, fill), 0
    for t, s in np.ndindex(bars.close.shape):
        whole = t + 1 + horizon < len(bars) and np.isfinite(prices[[t, t + 1, t + 1 + horizon], s]).all()
        if whole:
            value = prices[t + 1 + horizon, s] / prices[t + 1, s] - 1
            assert labels.values[t, s] == value
            assert rises.values[t, s] == (value > 0)
            assert labels.ends[t, s] == rises.ends[t, s] == t + 1 + horizon
            known += 1
        else:  # the symbol or the history has no bar there
            assert np.isnan(labels.values[t, s])
            assert np.isnan(rises.values[t, s])
            assert labels.ends[t, s] == rises.ends[t, s] == NEVER
    assert 20 < known < bars.close.size - 20


@pytest.mark.parametrize("fill", ["open", "close"])
def test_prices_are_rebuilt_from_labels_that_are_returns_and_from_no_others(fill):
    bars = ragged()
    labels = {spec.name: build_labels(bars, spec, 2, fill, {}) for spec in quorate_labels()}
    momentum = feature(change, 3)
    dataset = build_dataset(bars, [momentum], labels["return"])
    prices, known = entry_prices(bars, dataset, fill), dataset.end != NEVER
    assert np.isnan(prices[~known]).all()
    rebuilt = prices[known] * (1 + dataset.y[known])
    assert rebuilt == pytest.approx(bars.fill(fill)[dataset.bar[known] + 3, dataset.symbol[known]])
    assert np.isnan(entry_prices(bars, build_dataset(bars, [momentum], labels["direction"]), fill)).all()
    double = Labels(2 * labels["return"].values, labels["return"].ends)
    assert np.isnan(entry_prices(bars, build_dataset(bars, [momentum], double), fill)).all()


def test_a_rise_must_be_above_the_given_fraction():
    bars = simulated(n_bars=300)
    earned = build_labels(bars, LABELS["return"], 1, "open", {}).values
    labels = build_labels(bars, LABELS["direction"], 1, "open", {"above": 0.005}).values
    assert np.array_equal(labels, np.where(np.isnan(earned), np.nan, earned > 0.005), equal_nan=True)
    assert 0.1 < np.nanmean(labels) < 0.45


@pytest.mark.parametrize("horizon", [8, 9, 20])
def test_a_horizon_beyond_the_data_has_no_label(horizon):
    labels = build_labels(simulated(n_bars=9), LABELS["return"], horizon, "open", {})
    assert np.isnan(labels.values).all()
    assert (labels.ends == NEVER).all()


def test_labels_do_not_change_when_bars_are_added():
    bars = ragged()
    whole = build_labels(bars, LABELS["return"], 3, "open", {})
    for stop in (10, 30, 59):
        part = build_labels(bars.until(stop), LABELS["return"], 3, "open", {})
        known = whole.ends[:stop] < stop
        assert np.array_equal(part.ends != NEVER, known)
        assert np.array_equal(part.values[known], whole.values[:stop][known])


def test_rows_carry_their_label_and_never_where_there_is_none():
    bars = ragged()
    labels = build_labels(bars, LABELS["direction"], 2, "open", {})
    data = rows_of(bars, CHANGE, labels=labels)
    assert np.array_equal(data.y, labels.values[data.bar, data.symbol], equal_nan=True)
    unknown = np.isnan(data.y)
    assert 0 < unknown.sum() < len(data)
    assert np.array_equal(data.end == NEVER, unknown)
    assert (data.end[~unknown] == data.bar[~unknown] + 3).all()


def label(values=0.0, ends=2, task="classification", last=3):
    """A label with this value that ends so many bars after its own; the last bars have none."""

    def function(prices, horizon):
        rows = np.arange(len(prices))[:, None]
        out = np.where(rows < len(prices) - last, values, np.nan)
        return np.broadcast_to(out, prices.shape), np.broadcast_to(rows + ends, prices.shape)

    return quorate.LabelSpec("mine", function, task=task)


@pytest.mark.parametrize(
    "spec, message",
    [
        (label(last=1), "ends after the last bar: it reads prices that do not exist"),
        (label(ends=0), "ends at or before its own bar: it is no forecast"),
        (label(ends=-1), "ends at or before its own bar: it is no forecast"),
        (label(0.5), "is a classification: its values must be 0 and 1"),
        (label(-1.0), "is a classification: its values must be 0 and 1"),
        (label(np.inf, task="regression"), "has an infinite value"),
        (
            quorate.LabelSpec("mine", lambda p, horizon: (p[1:], p[1:])),
            r"must give two arrays \(10, 1\); it gave \(9, 1\)",
        ),
    ],
    ids=["past the end", "at its own bar", "before its bar", "one half", "minus one", "infinite", "wrong shape"],
)
def test_a_label_that_breaks_its_contract_is_told(spec, message):
    with pytest.raises(PluginError, match="label 'mine' .*" + message):
        build_labels(simulated(n_bars=10), spec, 1, "open", {})


def test_a_label_within_its_contract_passes():
    bars = simulated(n_bars=10)
    labels = build_labels(bars, label(1.0), 1, "open", {})
    assert labels.values[:7, 0].tolist() == [1.0] * 7
    assert labels.ends[:, 0].tolist() == [*range(2, 9), NEVER, NEVER, NEVER]
    assert build_labels(bars, label(0.5, task="regression"), 1, "open", {}).values[0, 0] == 0.5


# --- features on longer bars


def test_a_feature_on_weeks_is_that_of_the_last_week_that_was_over():
    bars = simulated(n_bars=80, n_symbols=2)
    data = rows_of(bars, CHANGE.at("1w"), SPREAD)
    friday = (bars.sessions.astype(np.int64) + 3) % 7 == 4
    close = bars.close[friday]
    weeks = np.cumsum(friday)
    assert data.bar[0] == np.flatnonzero(friday)[2]  # three weeks are over
    for row, bar, symbol in zip(data.X, data.bar, data.symbol, strict=True):
        last = weeks[bar] - 1
        assert row[0] == np.float32(close[last, symbol] / close[last - 2, symbol] - 1)
    assert data.feature_names == ("change@1w", "spread")


def test_windows_hold_longer_bars_as_each_day_knew_them():
    bars = ragged()
    features = (CHANGE.at("1w"), CHANGE)
    rows = rows_of(bars, *features)
    data = rows_of(bars, *features, window=4, least_history=2)
    first = {s: rows.bar[rows.symbol == s][3] for s in range(len(bars.symbols)) if (rows.symbol == s).sum() > 3}
    assert {s: data.bar[data.symbol == s][0] for s in first} == first
    assert data.window == 4
    for k in range(0, len(data), 7):
        own = rows.X[(rows.symbol == data.symbol[k]) & (rows.bar <= data.bar[k])][-4:]
        assert data.sequence[data.context[k] - 3 : data.context[k] + 1].tobytes() == own.tobytes()


def test_what_longer_bars_lack_is_told():
    with pytest.raises(DataError, match=r"'change@1mo' looks back 3 bars of 1mo, and no symbol has as many; .* has 2"):
        rows_of(ragged(), CHANGE.at("1mo"), SPREAD)
    with pytest.raises(DataError, match=r"the bars are of 1d, and there are none of 60min: .*data.resample"):
        rows_of(ragged(), CHANGE.at("60min"))


def test_features_one_after_the_other_are_those_of_the_rows():
    bars, features = ragged(), (CHANGE, SPREAD, CHANGE.at("1w"))
    data, columns = rows_of(bars, *features, window=3), feature_columns(bars, features, window=3)
    assert (columns.bar == data.bar).all()
    assert (columns.symbol == data.symbol).all()
    for j, values in enumerate(columns.values):
        assert values.tobytes() == data.X[:, j].tobytes()


def test_a_part_of_one_symbol_is_no_copy_and_a_part_of_several_lies_in_columns():
    one, several = simulated(n_bars=30), ragged()
    assert np.shares_memory(one.take(5, 20).close, one.close)
    assert not one.take(5, 20).close.flags.writeable
    part = several.take(2, len(several) - 1)
    assert part.close.flags.f_contiguous
    assert not np.shares_memory(part.close, several.close)


def test_bars_are_not_named_as_long_as_there_is_nothing_to_tell(monkeypatch):
    """Their name is a hash of them all, which takes longer than most features."""
    monkeypatch.setattr(quorate.Bars, "fingerprint", property(lambda bars: pytest.fail("hashed")))
    assert len(rows_of(simulated(n_bars=30), CHANGE))
