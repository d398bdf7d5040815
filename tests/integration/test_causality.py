"""Nothing that happens later changes anything earlier: features, predictions, weights, thresholds, trades."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quorate.bars.panel import FIELDS, Bars
from quorate.execution.processes import Processes
from quorate.execution.progress import Clock, Progress
from quorate.runs.session import open_session
from quorate.walkforward import part as parts
from quorate.walkforward.members import Fitting
from quorate_data.simulated import simulated

CUT = 601  # the second bar of a fold: what it uses was fixed at the first


def scrambled(bars: Bars, start: int) -> Bars:
    """Shuffle the bars from `start` on and triple their prices: the worst future there could be."""
    order = np.arange(len(bars))
    np.random.default_rng(5).shuffle(order[start:])
    frame = bars.to_frame().sort_values(["symbol", "time"]).reset_index(drop=True)
    for name in FIELDS:
        wide = getattr(bars, name)[order].copy()
        wide[start:] *= 3
        frame[name] = wide.T.ravel()
    return Bars.from_frame(frame, bars.calendar)


@pytest.fixture(scope="module")
def market() -> Bars:
    return simulated(n_bars=800, n_symbols=2, signal=0.4, seed=3)


RECIPE = {
    "name": "causal",
    "data": {"source": "simulated"},
    "holdout": {"bars": 0},
    "folds": {"initial": 300, "test": 100},
    "models": {
        "logistic": {},
        "ridge": {},
        "random-forest": {"n_estimators": 10},
        "gradient-boosting": {"max_iter": 10},
        "xgboost": {"n_estimators": 10},
        "lightgbm": {"n_estimators": 10},
        "catboost": {"iterations": 10},
        "mlp": {"epochs": 2},
    },
    "threshold": {"min_bars": 60},
}


def compute(bars: Bars, pool: type[Processes]) -> parts.Part:
    session = open_session(RECIPE)
    with pool(1) as executor:
        fitting = Fitting(executor, Progress())
        clock = Clock(Progress())
        laid = parts.lay_out_development(session.recipe, session.registry, bars, clock)
        return parts.development(laid, fitting, clock)


@pytest.fixture(scope="module")
def whole(market: Bars, pool: type[Processes]) -> parts.Part:
    return compute(market, pool)


@pytest.fixture(scope="module", params=["truncated", "scrambled"])
def altered(request: pytest.FixtureRequest, market: Bars, pool: type[Processes]) -> parts.Part:
    return compute(market.until(CUT) if request.param == "truncated" else scrambled(market, CUT), pool)


def before(frame: pd.DataFrame, market: Bars, column: str = "time") -> pd.DataFrame:
    last = pd.Timestamp(market.times[CUT - 1], tz="UTC")
    return frame[frame[column] <= last].reset_index(drop=True)


def test_features_do_not_depend_on_the_future(whole: parts.Part, altered: parts.Part) -> None:
    n = int((whole.walk.dataset.bar < CUT).sum())
    assert n > 500
    assert whole.walk.dataset.X[:n].tobytes() == altered.walk.dataset.X[:n].tobytes()


def test_predictions_do_not_depend_on_the_future(whole: parts.Part, altered: parts.Part, market: Bars) -> None:
    one, other = (before(p.frames["predictions"], market) for p in (whole, altered))
    members = [c for c in one if c.startswith(("member/", "ensemble/"))]
    assert len(members) == 12
    assert len(one) > 500
    for column in members:
        assert one[column].to_numpy().tobytes() == other[column].to_numpy().tobytes(), column


def test_weights_and_thresholds_do_not_depend_on_the_future(whole: parts.Part, altered: parts.Part) -> None:
    known = [f for f in whole.section["folds"] if f["test_first"] < str(whole.walk.bars.sessions[CUT])]
    assert len(known) == 4
    for fold, other in zip(known, altered.section["folds"], strict=False):
        for key in ("weights", "threshold", "train_rows", "train_last", "label_end"):
            assert fold[key] == other[key], (fold["fold"], key)


def test_targets_equity_and_trades_do_not_depend_on_the_future(
    whole: parts.Part, altered: parts.Part, market: Bars
) -> None:
    for name in ("weights", "equity"):
        pd.testing.assert_frame_equal(
            before(whole.frames[name], market), before(altered.frames[name], market), check_exact=True
        )
    last = pd.Timestamp(market.times[CUT - 1], tz="UTC")
    closed = [before(p.frames["trades"], market, "exited") for p in (whole, altered)]
    # A trade that is open at the cut is valued there in one run and goes on in the other.
    one, other = (frame[frame["closed"] & (frame["exited"] <= last)].reset_index(drop=True) for frame in closed)
    assert len(one) > 50
    pd.testing.assert_frame_equal(one, other, check_exact=True)
