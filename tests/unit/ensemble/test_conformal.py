"""Quantiles of past errors: nominal where these are exchangeable, adaptive where they drift, never from the future."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.ensemble.conformal import LEAST_ROWS, conformal

LEVELS = [0.05, 0.5, 0.95]


def rows(errors, symbols=1, horizon=1):
    """Rows of each bar and symbol whose label is its error: the forecast is zero."""
    n = len(errors) // symbols
    bar, symbol = np.repeat(np.arange(n), symbols), np.tile(np.arange(symbols), n)
    X = np.zeros((len(errors), 1), dtype=np.float32)
    end = bar + 1 + horizon
    y = np.where(end < n, errors, math.nan)
    end = np.where(end < n, end, NEVER)
    return Dataset(X, ("x",), bar, symbol, y, end, np.ones((n, 5)), bar, X)


def folds_of(dataset, test=100, first=50):
    last = int(dataset.bar.max()) + 1
    spans = [(k, min(k + test, last)) for k in range(first, last, test)]
    return [
        Fold(i, a, b, np.arange(1), np.flatnonzero((dataset.bar >= a) & (dataset.bar < b)))
        for i, (a, b) in enumerate(spans)
    ]


def quantiles(errors, method, levels=LEVELS, forecast=None, **more):
    dataset = rows(errors, **more)
    folds = folds_of(dataset)
    predictions = np.zeros(len(dataset)) if forecast is None else forecast
    predictions = np.where(dataset.bar >= folds[0].first, predictions, math.nan)
    return conformal(predictions, dataset, folds, levels, method), dataset


def covered(found, dataset, since=0):
    known = np.isfinite(found).all(axis=1) & np.isfinite(dataset.y) & (dataset.bar >= since)
    y = dataset.y[known]
    return np.mean((y >= found[known, 0]) & (y <= found[known, -1]))


@pytest.mark.parametrize("method", ["split", "adaptive"])
@pytest.mark.parametrize("draws", [4, pytest.param(40, marks=pytest.mark.full)])
def test_errors_that_are_exchangeable_are_covered_as_often_as_it_says(method, draws):
    """Skewed and heavy-tailed, so that no normal distribution would do."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(draws):
        found, dataset = quantiles(rng.standard_t(4, 3000) + rng.exponential(1, 3000), method)
        shares.append(covered(found, dataset))
    assert np.mean(shares) == pytest.approx(0.9, abs=0.015 if draws < 10 else 0.008)


@pytest.mark.parametrize("draws", [3, pytest.param(40, marks=pytest.mark.full)])
def test_where_errors_grow_the_adaptive_one_holds_and_the_split_one_does_not(draws):
    rng = np.random.default_rng(2)
    split, adaptive = [], []
    for _ in range(draws):
        errors = rng.normal(size=3000) * np.linspace(1, 6, 3000)
        for method, shares in (("split", split), ("adaptive", adaptive)):
            shares.append(covered(*quantiles(errors, method), since=1000))
    assert np.mean(split) < 0.84
    assert np.mean(adaptive) == pytest.approx(0.9, abs=0.02)


def test_errors_that_jump_are_caught_up_with():
    rng = np.random.default_rng(3)
    errors = rng.normal(size=3000) * np.where(np.arange(3000) < 1500, 1.0, 4.0)
    split, adaptive = (covered(*quantiles(errors, method), since=1800) for method in ("split", "adaptive"))
    assert adaptive == pytest.approx(0.9, abs=0.03)
    assert split < adaptive - 0.05


@pytest.mark.parametrize("method", ["split", "adaptive"])
def test_what_comes_later_changes_nothing_before_it(method):
    errors = np.random.default_rng(4).normal(size=1200)
    whole, dataset = quantiles(errors, method, horizon=5, symbols=2)
    cut = 311
    other, _ = quantiles(np.where(dataset.bar + 6 > cut, 50.0, errors), method, horizon=5, symbols=2)
    before = dataset.bar <= cut
    assert np.array_equal(whole[before], other[before], equal_nan=True)
    assert not np.array_equal(whole[~before], other[~before], equal_nan=True)
    known = np.isfinite(whole).all(axis=1)
    first = dataset.bar[known].min()
    ended = (dataset.bar >= 50) & (dataset.end <= first)
    assert ended.sum() >= LEAST_ROWS


def test_the_ranks_are_those_of_the_proof():
    """Of 100 errors 0..99 the quantile 0.95 is the 96th, the quantile 0.05 the fifth, and there is no 0.995."""
    errors = np.random.default_rng(5).permutation(100).astype(float)
    dataset = rows(np.concatenate([errors, np.zeros(60)]))
    fold = Fold(0, 101, 160, np.arange(1), np.arange(101, 160))
    predictions = np.where(np.arange(160) < 100, 0.0, 7.0)
    known = replace(dataset, y=np.concatenate([errors, np.full(60, math.nan)]))
    found = conformal(predictions, known, [fold], [0.05, 0.5, 0.95], "split")
    assert found[120].tolist() == [7.0 + 4, 7.0 + 50, 7.0 + 95]
    beyond = conformal(predictions, known, [fold], [0.5, 0.995], "split")
    assert np.isnan(beyond[120]).any()


def test_quantiles_follow_the_forecast_and_never_cross():
    rng = np.random.default_rng(6)
    forecast = rng.normal(0, 5, 2000)
    found, dataset = quantiles(forecast + rng.normal(size=2000), "adaptive", [0.1, 0.2, 0.5, 0.8, 0.9], forecast)
    known = np.isfinite(found).all(axis=1)
    assert (np.diff(found[known], axis=1) >= 0).all()
    assert np.corrcoef(found[known, 2], forecast[known])[0, 1] > 0.99
    assert covered(found, dataset) == pytest.approx(0.8, abs=0.03)
