"""However many workers there are, of whichever kind: the bytes are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import quorate
from support import homes

pytestmark = [pytest.mark.full, pytest.mark.own_executor]

RIDGE = """
import quorate

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "my-ridge", "sklearn.linear_model:Ridge", task="regression", params={"alpha": 1.0}, requires=("scikit-learn",)
    )
"""
MODELS = {
    "logistic": {},
    "random-forest": {"n_estimators": 10},
    "xgboost": {"n_estimators": 10},
    "catboost": {"iterations": 10},
    "mlp": {"epochs": 2},
}


def run(home: Path, executor: str, workers: int) -> quorate.Report:
    (home / "ridge.py").write_text(RIDGE)
    execution = {"executor": executor, "workers": workers, "cache": False}
    recipe = {**homes.recipe("small"), "models": MODELS, "execution": execution}
    return quorate.run(recipe, home=home, plugins=[home / "ridge.py"])


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> quorate.Report:
    return run(tmp_path_factory.mktemp("serial"), "serial", 0)


@pytest.mark.parametrize("executor, workers", [("ray", 2), ("processes", 4), ("auto", 0)])
def test_every_executor_and_number_of_workers_gives_the_same_bytes(
    tmp_path: Path, serial: quorate.Report, executor: str, workers: int
) -> None:
    report = run(tmp_path, executor, workers)
    assert executor in ("auto", report.telemetry["executor"])
    assert "member/my-ridge" in report.predictions
    assert set(report.fits["place"]).isdisjoint(serial.fits["place"])
    assert report.fits["key"].tolist() == serial.fits["key"].tolist()
    forecasts = [c for c in report.predictions if c.startswith(("member/", "ensemble/"))]
    assert [c for c in serial.predictions if c.startswith(("member/", "ensemble/"))] == forecasts
    for column in forecasts:
        assert report.predictions[column].to_numpy().tobytes() == serial.predictions[column].to_numpy().tobytes()
    assert report.digest == serial.digest
