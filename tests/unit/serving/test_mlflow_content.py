"""What a tracking server is sent: names that MLflow takes, and numbers of the report."""

from __future__ import annotations

import re
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quorate
from quorate.errors import StoreError
from quorate.serving.mlflow_content import LONGEST, _flat, _safe, ends_of, fold_returns, of_run
from quorate.serving.mlflow_server import SECRETS, URI, Server, _asking, _shown


def test_metrics_are_those_of_the_report_and_folds_are_steps(finished):
    report = quorate.load_report(home=finished.path)
    content = of_run(report)
    found = {(name, step): value for name, value, step in content.metrics}
    for series in report.results["development"]["series"]:
        for name, value in series["metrics"].items():
            key = (f"development/{series['name']}/{series['strategy']}/{name}", 0)
            assert found.get(key) == value, key  # what has no value is not sent
        earned = [v for (name, _), v in found.items()
                  if name == f"development/{series['name']}/{series['strategy']}/fold-return"]  # fmt: skip
        assert len(earned) == len(report.results["development"]["folds"])
        assert np.prod([1 + one for one in earned]) - 1 == pytest.approx(series["metrics"]["total-return"], abs=1e-12)
    for fold in report.results["development"]["folds"]:
        assert found["development/fold/threshold", fold["fold"]] == fold["threshold"]
    assert content.tags["quorate.results_digest"] == report.provenance["results_digest"]
    assert content.tags["quorate.verdict"] == report.verdict
    assert content.params["models.logistic.plugin"] == "logistic"
    assert content.params["features.use"] == '["return_1", "return_5", "zscore_20"]'


def test_folds_that_overlap_have_no_returns():
    times = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"] * 2)
    assert ends_of(pd.DataFrame({"fold": [0, 0, 0, 1, 1, 1]}, index=times)) is None
    assert ends_of(pd.DataFrame({"fold": [0, 0, 1]}, index=times[:3])).tolist() == [times[1], times[2]]


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=40), st.data())
def test_returns_of_folds_come_to_the_whole(steps, data):
    times = pd.date_range("2024-01-01", periods=len(steps), name="time")
    account = pd.DataFrame({"a": 100.0 * np.cumprod([1.0, *steps[1:]])}, index=times)
    cuts = [*sorted(data.draw(st.sets(st.integers(0, len(steps) - 2)))), len(steps) - 1]
    found = fold_returns(account, pd.Series(times[cuts], index=range(len(cuts))))
    assert np.prod(1 + found["a"]) == pytest.approx(account["a"].iloc[-1] / 100.0)


@given(st.text(max_size=400))
def test_every_name_is_one_that_mlflow_takes(name):
    assert re.fullmatch(r"[/\w.\- :]{0,250}", _safe(name))  # of mlflow.utils.validation


def test_a_long_value_is_cut_and_nothing_is_lost_of_others():
    found = _flat({"a": {"b": "x" * (LONGEST + 1), "c": {}}, "d": [1, 2.5], "e": None})
    assert len(found["a.b"]) == LONGEST
    assert found["a.b"].endswith("...")
    assert {name: found[name] for name in ("a.c", "d", "e")} == {"a.c": "{}", "d": "[1, 2.5]", "e": "null"}


@pytest.mark.parametrize(
    "uri",
    ["http://desk:T0Zq83Lm10Wv52@mlflow:5000/", "postgresql://desk:T0Zq83Lm%2110@db/m?password=T0Zq83Lm10Wv52",
     "http://T0Zq83Lm10Wv52@h"],
)  # fmt: skip
def test_errors_tell_no_secret(uri, monkeypatch):
    monkeypatch.setenv(URI, uri)
    monkeypatch.setenv(SECRETS[1], "Kw91-token-aX")
    with pytest.raises(StoreError, match="cannot be used: OSError: no route to") as e, _asking():
        raise OSError(f"no route to {uri} or {unquote(uri)} with Kw91-token-aX")
    for text in (str(e.value), _shown()):
        assert not any(word in text for word in ("T0Zq83Lm", "Kw91"))
    assert e.value.__cause__ is None


def test_without_an_address_nothing_is_asked(monkeypatch):
    monkeypatch.delenv(URI, raising=False)
    with pytest.raises(quorate.RecipeError, match=f"{URI} names the tracking server, and is not set"):
        Server()


def test_a_database_that_is_gone_is_told_at_once(monkeypatch):
    monkeypatch.setenv(URI, "postgresql+psycopg2://desk:T0Zq83Lm10Wv52@127.0.0.1:9/mlflow")
    with pytest.raises(StoreError, match=r"postgresql\+psycopg2://127.0.0.1:9/mlflow cannot be used: .*refused") as e:
        Server()
    assert "T0Zq83Lm" not in str(e.value)
