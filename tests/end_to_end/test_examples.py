"""The examples run as they stand."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

import quorate
from quorate.testing import check

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = ["models.gradient-boosting=false", "data.n_bars=1600", "folds.initial=600"]


def test_every_example_is_tested() -> None:
    assert [p.name for p in sorted(EXAMPLES.glob("*.py"))] == [
        "01_run_and_promote.py",
        "02_own_bars.py",
        "03_model_plugin.py",
        "04_feature_and_gate.py",
        "05_torch_windows.py",
        "06_sklearn_model.py",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "03_model_plugin",
        "04_feature_and_gate",
        pytest.param("05_torch_windows", marks=pytest.mark.full),
        pytest.param("06_sklearn_model", marks=pytest.mark.full),
    ],
)
def test_every_plugin_keeps_all_rules(name: str) -> None:
    outcomes = check(EXAMPLES / f"{name}.py", isolate=False)
    assert {outcome.kind for outcome in outcomes} > {"plugin"}
    assert [o for o in outcomes if o.state not in ("passed", "not-applicable")] == []


@pytest.mark.parametrize("name,most", [("05_torch_windows", 25), ("06_sklearn_model", 5)])
def test_a_plugin_is_short(name: str, most: int) -> None:
    assert code_lines(EXAMPLES / f"{name}.py") <= most


def code_lines(path: Path) -> int:
    """Count the lines of a file that are neither empty, nor a comment, docstring or import."""
    text = path.read_text(encoding="utf-8")
    told: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        comment = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if comment or isinstance(node, ast.Import | ast.ImportFrom):
            told |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(1 for n, line in lines if n not in told and line.strip() and not line.strip().startswith("#"))


@pytest.mark.full
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


def test_torch_windows() -> None:
    report = quorate.run("planted", plugins=[EXAMPLES / "05_torch_windows.py"], overrides=QUICK)
    assert report.predictions["member/gru"].between(0, 1).all()
    assert report.predictions["member/gru"].std() > 0.01


def test_sklearn_model() -> None:
    report = quorate.run("planted", plugins=[EXAMPLES / "06_sklearn_model.py"], overrides=QUICK)
    assert "weight/extra-trees" in report.folds
    assert report.predictions["member/extra-trees"].std() > 0.01
    assert report.provenance["recipe"]["models"]["extra-trees"]["n_estimators"] == 200
