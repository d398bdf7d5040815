"""What looks ahead is stopped and named, in every run; what does not draws no alarm."""

import numpy as np
import pytest

import quorate
from quorate.walkforward.causality import cuts

TINY = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 700, "n_symbols": 2, "signal": 0.0},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "return_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 60},
}

HEAD = "import numpy as np\nimport quorate\n"
FEATURE = """
@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("tip", tip, inputs=("open", "close"), lookback=10)
"""
LABEL = """
@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("hasty", hasty)
"""
STRATEGY = """
@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("knowing", knowing)
"""
AHEAD = {
    "tomorrow's return": "def tip(open, close):\n    return np.vstack([open[2:] / open[1:-1] - 1, 0 * open[:2]])",
    "one bar late": "def tip(open, close):\n    return np.vstack([close[1:] / close[:-1] - 1, close[-1:] * 0])",
    "centred mean": "def tip(open, close):\n    k = np.ones(5) / 5\n"
    "    return np.column_stack([np.convolve(c, k, 'same') / c - 1 for c in close.T])",
    "scaled by all bars": "def tip(open, close):\n    return (close - close.mean(axis=0)) / close.std(axis=0)",
}


def run(tmp_path, code, **changes):
    path = tmp_path / "plugin.py"
    path.write_text(HEAD + code)
    return quorate.run({**TINY, **changes}, plugins=[path])


@pytest.mark.parametrize("name", AHEAD)
def test_a_feature_that_looks_ahead_is_named_with_bar_and_values(tmp_path, name):
    with pytest.raises(
        quorate.IntegrityError, match=r"feature 'tip' looks ahead: for SIM00\d on \d{4}-.* it is .*, but "
    ):
        run(tmp_path, AHEAD[name] + FEATURE)


def test_a_feature_that_rounds_by_the_length_of_its_input_draws_no_alarm(tmp_path):
    code = "def tip(open, close):\n    return np.cumsum(close / open - 1, axis=0) * (1 + len(close) * 1e-12)" + FEATURE
    assert "tip" in run(tmp_path, code).provenance["features"]


def test_a_label_that_claims_to_end_too_early_is_stopped(tmp_path):
    code = (
        "def hasty(prices, horizon):\n    n, h = len(prices), 20\n    values = np.full_like(prices, np.nan)\n"
        "    values[: n - h] = prices[h:] > prices[: n - h]\n"
        "    return values, np.broadcast_to(np.minimum(np.arange(n)[:, None] + 2, n - 1), prices.shape)\n"
    )
    with pytest.raises(quorate.IntegrityError, match="the label looks past its own end"):
        run(tmp_path, code + LABEL, labels={"name": "hasty"})


HINDSIGHT = {
    "rows left out for what follows their end": "    later = np.abs(prices[5:] / prices[2:-3] - 1)\n"
    "    values[: n - 5][later < 0.01] = np.nan\n    ends = np.arange(n) + 2\n",
    "an end that moves with the data": "    ends = np.minimum(np.arange(n) + 30, n - 1)\n",
}


@pytest.mark.parametrize("name", HINDSIGHT)
def test_a_label_known_by_its_end_that_later_bars_change_is_stopped(tmp_path, name):
    code = (
        "def hasty(prices, horizon):\n    n = len(prices)\n    values = np.full_like(prices, np.nan)\n"
        "    values[: n - 2] = prices[2:] > prices[1:-1]\n" + HINDSIGHT[name] + "    values[ends >= n] = np.nan\n"
        "    return values, np.broadcast_to(ends[:, None], prices.shape)\n"
    )
    with pytest.raises(quorate.IntegrityError, match=r"the label looks past its own end: .* are missing"):
        run(tmp_path, code + LABEL, labels={"name": "hasty"})


def test_a_strategy_that_reads_later_scores_is_stopped(tmp_path):
    code = "def knowing(score, threshold):\n    return np.where(score > np.nanmean(score), 1.0, 0.0)\n"
    with pytest.raises(quorate.IntegrityError, match="strategy 'knowing' looks ahead"):
        run(tmp_path, code + STRATEGY, strategy={"name": "knowing"})


def test_cuts_lie_between_the_first_prediction_and_the_end():
    assert cuts(300, 700) == [301, 500, 699]
    assert cuts(699, 700) == [699]
    assert all(0 < k < n for n in range(2, 40) for first in range(n) for k in cuts(first, n))


def test_a_plugin_that_waits_for_the_holdout_to_look_ahead_is_caught_there(tmp_path, monkeypatch):
    """The audit's cuts miss a rare look ahead; that the development comes out otherwise does not."""
    code = (
        "def tip(open, close):\n    out = np.zeros_like(close)\n"
        "    if len(close) == 700:\n        out[400:500] = close[600:700] / close[400:500]\n    return out\n"
    )
    report = run(tmp_path, code + FEATURE)
    monkeypatch.setattr("quorate.walkforward.causality.cuts", lambda first, n: [])
    with pytest.raises(
        quorate.IntegrityError, match=r"with the holdout in sight the features of run .* before it are others"
    ):
        quorate.promote(report.run_id)
    assert quorate.load_report(report.run_id).results["holdout"] is None


def test_weights_that_do_not_depend_on_the_future_pass(tmp_path):
    code = "def knowing(score, threshold):\n    return np.where(np.nan_to_num(score) > threshold, 0.5, 0.0)\n"
    report = run(tmp_path, code + STRATEGY, strategy={"name": "knowing"})
    assert np.isin(report.weights["weight"], (0, 0.25, 0.5)).all()


def test_folds_that_train_on_their_own_test_span_stop_every_run(monkeypatch):
    from quorate.dataset import folds

    honest = folds.walk_forward

    def leaky(bar, end, *more):
        return honest(bar, np.where(end > 400, 299, end), *more)

    monkeypatch.setattr(folds, "walk_forward", leaky)
    with pytest.raises(quorate.IntegrityError, match="a training label ends at or after the first test bar"):
        quorate.run(TINY)
