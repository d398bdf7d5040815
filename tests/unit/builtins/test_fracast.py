"""Fracast-0 as a member: what it forecasts depends on the closes before it, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import quorate
from quorate_plugins.foundation import fracast
from quorate_plugins.foundation.prices import TENTHS, means

pytest.importorskip("fracast")


def bars(closes: np.ndarray, context: int, first: int, n: int) -> np.ndarray:
    rows = [np.repeat(closes[k : k + context, None], 5, axis=1) for k in range(first, first + n)]
    return np.stack(rows)


@pytest.fixture(scope="module")
def closes() -> np.ndarray:
    return 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 80)))


def test_a_row_is_forecast_as_if_it_were_alone(closes) -> None:
    X = bars(closes, 32, 0, 5)
    model = fracast.Fracast(32, "regression")
    together = model.predict(X)
    alone = [fracast._loaded().forecast(X[k, :, 3].astype(np.float32), horizon=1)[0] for k in (0, 4)]
    for k, found in zip((0, 4), alone, strict=True):
        np.testing.assert_array_equal(together[k, 1:], np.sort(found.astype(np.float64)) / X[k, -1, 3] - 1)
    np.testing.assert_array_equal(model.predict(X[::-1]), together[::-1])
    assert np.isfinite(together).all()
    assert (np.diff(together[:, 1:]) >= 0).all()


def test_the_label_s_horizon_is_what_it_forecasts(closes) -> None:
    X = bars(closes, 32, 0, 2)
    wide = [np.ptp(fracast.Fracast(32, "regression", (h,)).predict(X)[:, 1:], axis=1) for h in (1, 20)]
    assert (wide[1] > wide[0]).all()
    with pytest.raises(ValueError, match="it forecasts 48 bars at most, and labels span 60"):
        fracast.Fracast(32, "regression", (60,)).fit(X, None)
    with pytest.raises(ValueError, match="context must be 8 to 2048 bars; it was 5000"):
        fracast.Fracast(5000).fit(X, None)


def test_a_class_is_the_probability_that_the_return_is_above_zero(closes) -> None:
    X = bars(closes, 32, 0, 4)
    p = fracast.Fracast(32).predict_proba(X)
    told = fracast.Fracast(32, "regression").predict(X)[:, 1:]
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    for k in range(4):
        assert (p[k, 1] > 0.5) == (told[k, 4] > 0)


def test_rows_that_fill_up_a_block_have_no_forecast() -> None:
    assert (fracast.Fracast(32, "regression").predict(np.zeros((2, 32, 5))) == 0).all()


def test_the_mean_of_quantiles_is_that_of_the_line_through_them() -> None:
    assert means(np.array([TENTHS]), TENTHS)[0] == pytest.approx(0.5)
    normal = np.array([[-1.2815516, -0.8416212, -0.5244005, -0.2533471, 0, 0.2533471, 0.5244005, 0.8416212, 1.2815516]])
    assert means(3 + normal, TENTHS)[0] == pytest.approx(3.0)


def test_its_weights_are_known_and_until_when_they_were_trained_is_not() -> None:
    spec = next(one for one in quorate_models() if one.name == "fracast")
    told = spec.begins_with({})
    assert told is not None
    assert (told.licence, told.trained_until, told.released) == ("Apache-2.0", "", "2026-09-26")
    assert told.sha256 == "20a1215e9907013d07fc4dd3101eee5793bbc0c4b5757100147ad791a5d73905"


def quorate_models() -> list[quorate.ModelSpec]:
    from quorate_plugins.foundation import quorate_models as found

    return list(found())
