"""Members on one scale within the bar: as the label `rank` has it, from the rows of the bar alone."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.ensemble.within import WITHIN, within_bars
from quorate_plugins.labels.cross_section import rank

BAR = np.repeat(np.arange(40), 5)
SCORES = np.random.default_rng(3).normal(size=200)


def test_ranks_are_those_of_the_label():
    prices = np.exp(np.cumsum(0.01 * np.random.default_rng(0).normal(size=(42, 5)), axis=0))
    values, _ = rank(prices, 1)
    earned = (prices[2:] / prices[1:-1] - 1).ravel()
    assert within_bars("bar-rank", earned, BAR[: len(earned)]) == pytest.approx(values[:-2].ravel())


def test_z_scores_have_the_mean_0_and_the_deviation_1_of_each_bar():
    found = within_bars("bar-z-score", SCORES * 1e-9 + 3.0, BAR).reshape(40, 5)
    assert found.mean(axis=1) == pytest.approx(0, abs=1e-6)
    assert found.std(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("method", WITHIN)
def test_only_the_order_within_the_bar_and_the_rows_of_the_bar_count(method):
    found = within_bars(method, SCORES, BAR)
    level, size = np.random.default_rng(1).normal(size=(2, 40))
    other = within_bars(method, SCORES * np.exp(size)[BAR] + level[BAR], BAR)
    assert other == pytest.approx(found)
    few = (BAR > 10) & (BAR < 20)
    assert within_bars(method, SCORES[few], BAR[few]).tobytes() == found[few].tobytes()


@pytest.mark.parametrize("method", WITHIN)
def test_what_is_not_forecast_has_no_place_and_equal_scores_share_theirs(method):
    scores = np.array([np.nan, 0.1, 0.1, 0.1, np.nan])
    found = within_bars(method, scores, np.zeros(5, dtype=np.int64))
    assert np.isnan(found).tolist() == np.isnan(scores).tolist()
    assert found[1:4].tolist() == [0.0, 0.0, 0.0]


def test_other_calibrations_leave_predictions_as_they_are():
    assert within_bars("isotonic", SCORES, BAR) is SCORES
