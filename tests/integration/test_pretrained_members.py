"""Members with pre-trained weights: judged rows that these may have seen are told, and are no evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.errors import RecipeError
from support.homes import recipe

NOT_FOR_PROFIT = "CC-BY-NC-4.0"


PLUGIN = """
import json
import os

import numpy as np
import quorate


class Trend:
    '''Forecasts that the last bar's move goes on.'''

    def __init__(self, strength=0.1, task="classification", horizons=(1,)):
        self.strength, self.task, self.horizons = strength, task, tuple(horizons)
        assert self.horizons == (1,)

    def fit(self, X, y):
        return self

    def predict(self, X):
        before = np.where(X[:, -2, 3] > 0, X[:, -2, 3], 1.0)
        return self.strength * (X[:, -1, 3] / before - 1)

    def predict_proba(self, X):
        p = 0.5 + 0.4 * np.tanh(self.predict(X))
        return np.column_stack((1 - p, p))


def weights(params):
    return quorate.Pretrained(**json.loads(os.environ["TREND"]))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "trend", Trend, task="any", outputs=lambda params: (), input="bars", lookback=2,
        labels=("return", "direction"), pretrained=weights,
        state_dict=lambda model: {"strength": model.strength}, load_state_dict=lambda model, state: model,
    )
"""


Ran = Callable[..., quorate.Report]
TABLE = {"models": {"trend": {}, "logistic": {}}}


@pytest.fixture
def ran(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Run a recipe with a model that begins with weights of which this is told; its code is always the same."""
    path = tmp_path / "trend.py"
    path.write_text(PLUGIN)

    def run(told: dict[str, Any], **changes: Any) -> quorate.Report:
        whole = {"weights": "Trend-1", "licence": "MIT", "sha256": "0" * 64, **told}
        monkeypatch.setenv("TREND", json.dumps(whole))
        return quorate.run(recipe("tiny") | TABLE | changes, home=home, plugins=[path])

    return run


def integrity(report: quorate.Report) -> dict[str, Any]:
    return next(gate for gate in report.results["development"]["gates"] if gate["gate"] == "integrity")


def test_rows_that_weights_may_have_seen_are_told_and_are_no_evidence(ran: Ran) -> None:
    report = ran({})
    [told] = report.results["development"]["pretrained"]
    assert told["seen"] == told["rows"] > 0  # neither day is known
    gate = integrity(report)
    assert gate["verdict"] == "FAIL"
    assert "trend: all" in gate["reason"]
    assert "tell neither until when their training data reach nor when they came out" in gate["reason"]
    assert any("may be known to its weights" in warning for warning in report.results["development"]["warnings"])


def test_a_day_between_parts_the_rows(ran: Ran) -> None:
    days = ran({}).stored("predictions")["time"]
    middle = days.iloc[len(days) // 2]
    [told] = ran({"trained_until": f"{middle:%Y-%m-%d}"}).results["development"]["pretrained"]
    assert told["seen"] == int((days.dt.date <= middle.date()).sum())
    assert 0 < told["seen"] < told["rows"]
    before = days.min() - np.timedelta64(1, "D")
    report = ran({"trained_until": f"{before:%Y-%m-%d}", "released": "2030-01-01"})
    assert report.results["development"]["pretrained"][0]["seen"] == 0
    assert integrity(report)["verdict"] == "PASS"
    # Nothing else of the run knows of the day.
    assert report.results["development"]["digests"] == ran({}).results["development"]["digests"]


def test_other_weights_are_another_fit(ran: Ran) -> None:
    keys = [set(ran({"sha256": digit * 64}).stored("fits").query("model == 'trend'")["key"]) for digit in "00f"]
    assert keys[0] == keys[1]
    assert not keys[0] & keys[2]


def test_weights_that_forbid_profit_are_promoted_only_if_that_is_accepted_on_record(ran: Ran, home: Path) -> None:
    plugin = {"licence": NOT_FOR_PROFIT, "commercial": False, "trained_until": "1990-01-01"}
    told = f"the licence of Trend-1, {NOT_FOR_PROFIT!r}, forbids use for profit"
    for models in ({}, {"models": {"trend": {"accept_licence": "MIT"}, "logistic": {}}}):
        report = ran(plugin, **models)
        with pytest.raises(RecipeError, match=told):
            quorate.promote(report.run_id, home=home)
    report = ran(plugin, models={"trend": {"accept_licence": NOT_FOR_PROFIT}, "logistic": {}})
    assert quorate.promote(report.run_id, home=home).results["holdout"] is not None
    assert report.provenance["recipe"]["models"]["trend"]["accept_licence"] == NOT_FOR_PROFIT


def test_a_model_of_prices_refuses_labels_that_do_not_follow_from_them(ran: Ran) -> None:
    with pytest.raises(RecipeError, match=r"models.trend forecasts prices, from which label 'triple-barrier' does not"):
        ran({}, labels={"name": "triple-barrier"})


def test_a_model_of_one_step_refuses_several(ran: Ran) -> None:
    with pytest.raises(RecipeError, match=r"models.trend forecasts one step, and labels.steps asks for several"):
        ran({}, labels={"name": "return", "horizon": 1, "steps": [1, 5]}, models={"trend": {}, "ridge": {}})
