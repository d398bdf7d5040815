"""The examples run as they stand."""

from __future__ import annotations

import ast
import json
import runpy
from pathlib import Path

import pytest

import quorate
import quorate_data.simulated
from quorate.serving.record import ForwardRecord
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
        "07_quant.py",
        "08_data_scientist.py",
        "09_ml_engineer.py",
        "10_academic.py",
        "11_panel.py",
        "12_covariates.py",
        "13_blocks.py",
        "14_from_bars_to_a_server.py",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "03_model_plugin",
        "04_feature_and_gate",
        pytest.param("05_torch_windows", marks=pytest.mark.full),
        pytest.param("06_sklearn_model", marks=pytest.mark.full),
        "07_quant",
    ],
)
def test_every_plugin_keeps_all_rules(name: str) -> None:
    outcomes = check(EXAMPLES / f"{name}.py", isolate=False)
    assert {outcome.kind for outcome in outcomes} > {"plugin"}
    assert [o for o in outcomes if o.state not in ("passed", "not-applicable", "excused")] == []


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
    assert report.predictions["member/recurrent"].between(0, 1).all()
    assert report.predictions["member/recurrent"].std() > 0.01


def test_sklearn_model() -> None:
    report = quorate.run("planted", plugins=[EXAMPLES / "06_sklearn_model.py"], overrides=QUICK)
    assert "weight/extra-trees" in report.folds
    assert report.predictions["member/extra-trees"].std() > 0.01
    assert report.provenance["recipe"]["models"]["extra-trees"]["n_estimators"] == 200


@pytest.mark.full
def test_the_quant_sees_his_rule_beside_the_ensemble_and_what_costs_take(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "07_quant.py"), run_name="__main__")
    usual, costly = (text.splitlines() for text in capsys.readouterr().out.split("costly: "))
    sharpes = [
        {line.split()[1]: float(line.split()[2]) for line in lines if line.split()[:1] == ["past-performance"]}
        for lines in (usual, costly)
    ]
    assert [set(one) for one in sharpes] == [{"long-flat", "crossing"}] * 2
    assert all(sharpes[1][name] < sharpes[0][name] for name in sharpes[0])
    assert costly[-1].startswith("B earned less for its risk than A")
    assert quorate.load_report().fits["cached"].all()


@pytest.mark.full
def test_the_data_scientist_is_told_of_his_slip(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "08_data_scientist.py"))
    out = capsys.readouterr().out
    assert "refused: feature 'centred_5' looks ahead: for SIM" in out
    assert [float(line.split()[1]) > 0.1 for line in out.splitlines() if line.startswith("200")] == [True, True]
    assert ", 0 alarms" in out


@pytest.mark.full
def test_the_ml_engineer_gets_artefacts_and_an_exit_code(tmp_path: Path) -> None:
    main = runpy.run_path(str(EXAMPLES / "09_ml_engineer.py"))["main"]
    code = main(tmp_path)
    home = tmp_path / "home"
    report = quorate.load_report(home=home)
    assert code == {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}[report.verdict]
    weights = json.loads((tmp_path / "artefacts" / "weights.json").read_text())
    assert (weights["run"], len(weights["targets"])) == (report.run_id, 1)
    assert (tmp_path / "artefacts" / "gates.csv").read_text().count("\n") == len(report.gates) + 1
    assert report.run_id in (tmp_path / "artefacts" / "report.html").read_text()


@pytest.mark.full
def test_the_academic_has_a_table_that_knows_how_many_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    found = runpy.run_path(str(EXAMPLES / "10_academic.py"))
    table = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.split()}
    assert {"1", "5", "20"} <= set(table)
    for row in found["rows"]:
        assert 0 <= 1 - row["probabilistic"] < row["selection p"] <= 1  # many were tried
        assert 0 <= row["alpha p"] <= 1
    trials = [report.results["development"]["trials"]["n"] for report in found["reports"]]
    assert trials == sorted(set(trials))


def test_covariates_are_read_as_they_were_known(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "12_covariates.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "known 20 h after what they are of" in out
    assert float(out.split("% of forecasts were right")[0].split()[-1]) > 52
    assert "without a lag: covariates.mood: nothing says when the values were known" in out
    assert "with {'lag': '2h'}: 1,499 records" in out


@pytest.mark.full
def test_a_panel_is_neutral_in_each_sector_and_calmer_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = runpy.run_path(str(EXAMPLES / "11_panel.py"))
    out = capsys.readouterr().out
    calm, wild = (report.metrics.iloc[0]["volatility"] for report in (found["by_sector"], found["as_one"]))
    assert calm < 0.6 * wild
    assert out.count("gross 1.00, net ") == 2
    assert "PASS: the mean is above 0.0" in out
    assert found["as_one"].fits["cached"].all()


BLOCKS = """name = "blocks"
data = {source = "store", collection = "market"}
holdout = {bars = 100}
features = {use = ["return_1", "return_5", "zscore_20"]}
folds = {initial = 250, test = 60}
models = {logistic = {}, ridge = {}}
threshold = {min_bars = 60}
execution = {executor = "serial"}
[gates]
preset = "headline"
sharpe = {threshold = -5.0}
max-drawdown = {threshold = 0.99}
win-rate = {threshold = 0.1}
sample-size = {trades = 1, least_trades = 1, bars = 20}
"""


def test_blocks_take_the_planted_market_to_a_version_or_to_an_alert(
    tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(EXAMPLES / "13_blocks.py"))["main"]
    frame = quorate_data.simulated.simulated(n_bars=520, signal=0.4).to_frame().drop(columns="symbol")
    frame.assign(time=frame["time"].dt.strftime("%Y-%m-%d")).to_csv(tmp_path / "planted.csv", index=False)
    recipe = tmp_path / "blocks.toml"
    recipe.write_text(BLOCKS)
    assert main(str(tmp_path / "planted.csv"), str(recipe), str(home)) == 0
    out = capfd.readouterr().out
    blocks = ["data", "run", "validate", "promote", "register"]
    assert [line for line in out.splitlines() if ": exit " in line] == [f"{name}: exit 0" for name in blocks]
    recipe.write_text(BLOCKS.replace("-5.0", "50.0"))
    assert main(str(tmp_path / "planted.csv"), str(recipe), str(home)) == 10
    assert "alert: exit 0" in capfd.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(str(tmp_path / "planted.csv"), str(tmp_path / "none.toml"), str(home))


def test_bars_become_a_served_champion_or_an_alert(
    tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(EXAMPLES / "14_from_bars_to_a_server.py"))["main"]
    recipe = tmp_path / "served.toml"
    own = '{source = "simulated", n_bars = 520, signal = 0.4}'
    whole = BLOCKS.replace('{source = "store", collection = "market"}', own)
    recipe.write_text(whole.replace("-5.0", "50.0"))
    assert main(str(recipe), str(home)) == 10
    assert "promotion-failed" in capfd.readouterr().out
    assert quorate.ModelRegistry(home).versions().empty
    recipe.write_text(whole)
    assert main(str(recipe), str(home)) == 0
    out = capfd.readouterr().out
    assert "nothing differs" in out
    assert "TOO EARLY" in out
    assert "sound: " in out
    assert len(ForwardRecord(home).entries()) == 2
