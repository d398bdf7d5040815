"""The examples run as they stand."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import quorate

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = ["models.gradient-boosting=false", "data.n_bars=1600", "folds.initial=600"]

pytestmark = pytest.mark.slow


def test_every_example_is_tested() -> None:
    assert [p.name for p in sorted(EXAMPLES.glob("*.py"))] == [
        "01_run_and_promote.py",
        "02_own_bars.py",
        "03_model_plugin.py",
        "04_feature_and_gate.py",
    ]


def test_run_and_promote(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "01_run_and_promote.py"))
    assert "promoted: True" in capsys.readouterr().out


def test_own_bars(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "02_own_bars.py"))
    assert "ACME: desired weight" in capsys.readouterr().out


def test_model_plugin() -> None:
    report = quorate.run("planted", plugins=[EXAMPLES / "03_model_plugin.py"], overrides=QUICK)
    assert "weight/nearest-days" in report.folds
    assert report.predictions["member/nearest-days"].between(0, 1).all()


def test_feature_and_gate() -> None:
    report = quorate.run("planted", plugins=[EXAMPLES / "04_feature_and_gate.py"], overrides=QUICK)
    assert {"reversal_3", "reversal_10"} <= set(report.provenance["features"])
    gate = report.gates.set_index("gate").loc["losing-streak"]
    assert gate["verdict"] == "PASS"
    assert 1 <= gate["value"] <= 30
