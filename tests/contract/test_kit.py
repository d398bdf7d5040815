"""The kit itself: the runner that survives plugins, ``quorate check``, and the rules as pytest tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import quorate
import quorate.testing
from quorate.cli._app import app
from quorate.plugins.specs import KINDS
from quorate.testing.runner import Outcome, check, rules

ZOO = Path(__file__).parents[1] / "plugins" / "faulty"
FEATURE = """
import numpy as np
import quorate


def {name}(close):
    out = np.zeros_like(close)
    {body}
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("{name}", {name}, lookback=2{more})
"""
SOUND = ("step", "out[1:] = close[1:] / close[:-1] - 1", "")
AHEAD = ("ahead", "out[:-1] = close[1:] / close[:-1] - 1", "")


def write(folder: Path, name: str, body: str, more: str = "") -> Path:
    path = folder / f"{name}.py"
    path.write_text(FEATURE.format(name=name, body=body, more=more))
    return path


def quorate_check(*arguments: str, **more: str) -> Result:
    return CliRunner(env=more).invoke(app, ["check", *arguments])


# --- the runner


def test_a_target_that_hangs_while_it_is_loaded_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "stuck.py"
    path.write_text("import time\ntime.sleep(600)\n")
    [outcome] = check(path, seconds=4)
    assert (outcome.kind, outcome.rule, outcome.state) == ("plugin", "imports", "failed")
    assert outcome.message == "while it was loaded: it did not finish within 4 s"


def test_after_a_death_the_rest_is_not_checked_and_other_plugins_are(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text(
        "import os\nimport quorate\n\n\ndef fatal(close):\n    os._exit(5)\n\n\n"
        "def level(close):\n    return close * 1.0\n\n\n@quorate.hookimpl\ndef quorate_features():\n"
        '    yield quorate.FeatureSpec("fatal", fatal)\n    yield quorate.FeatureSpec("level", level)\n'
    )
    outcomes = check(path, seconds=30)
    fatal = [o for o in outcomes if o.plugin == "fatal"]
    assert [o.state for o in fatal if o.state not in ("passed", "not-checked")] == ["failed"]
    assert any("it exited with code 5" in o.message for o in fatal if o.state == "failed")
    assert sum(o.state == "not-checked" for o in fatal) > 5
    assert {o.state for o in outcomes if o.plugin == "level"} == {"passed"}


def test_what_is_broken_only_because_another_rule_is_says_nothing(tmp_path: Path) -> None:
    outcomes = {o.rule: o for o in check(write(tmp_path, *AHEAD), isolate=False)}
    assert outcomes["prefix-invariant"].state == "failed"
    assert outcomes["symbols-independent"].state == "not-applicable"
    assert "'prefix-invariant' is broken" in outcomes["lookback-enough"].message
    assert outcomes["prefix-invariant"].example["symbol"] == "AAA"
    assert outcomes["prefix-invariant"].example["found"] != outcomes["prefix-invariant"].example["expected"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_rules_rest_only_on_rules_that_exist(kind: str) -> None:
    names = {rule.name for rule in rules(kind)}
    assert all(set(rule.after) <= names - {rule.name} for rule in rules(kind))


def test_an_edited_file_is_another_target(tmp_path: Path) -> None:
    path = write(tmp_path, *SOUND)
    assert {o.state for o in check(path, isolate=False)} <= {"passed", "not-applicable"}
    path.write_text(path.read_text().replace("out[1:] = close[1:] / close[:-1]", "out[:-1] = close[1:] / close[:-1]"))
    assert any(o.state == "failed" for o in check(path, isolate=False))


def test_a_known_gap_excuses_with_its_reason_and_never_the_future(tmp_path: Path) -> None:
    path = write(tmp_path, "late", SOUND[1], ', known_gaps={"lookback-tight": "kept for old recipes"}')
    path.write_text(path.read_text().replace("lookback=2", "lookback=9"))
    outcomes = {o.rule: o for o in check(path, isolate=False)}
    assert outcomes["lookback-tight"].state == "excused"
    assert outcomes["lookback-tight"].message.startswith("kept for old recipes (")
    refused = {o.rule for o in check(ZOO / "plugin_excuses_the_future.py", isolate=False) if o.state == "failed"}
    assert {"known-gaps", "prefix-invariant"} <= refused


def test_the_isolated_and_the_plain_runner_agree(tmp_path: Path) -> None:
    path = write(tmp_path, *AHEAD)

    def told(outcomes: list[Outcome]) -> list[tuple[str, str, str, str]]:
        return [(o.kind, o.plugin, o.rule, o.state) for o in outcomes]

    assert told(check(path)) == told(check(path, isolate=False))


# --- quorate check


def test_check_exits_by_what_it_found_and_prints_the_worst_first(tmp_path: Path) -> None:
    sound, ahead = write(tmp_path, *SOUND), write(tmp_path, *AHEAD)
    good = quorate_check(str(sound), COLUMNS="100")
    assert (good.exit_code, good.stderr) == (0, "")
    assert "SOUND: 1 plugin" in good.stdout
    bad = quorate_check(str(ahead), COLUMNS="70")
    assert bad.exit_code == 1
    assert "FAULTY: 1 plugin" in bad.stdout
    assert max(map(len, bad.stdout.splitlines())) <= 70
    assert bad.stdout.index("FAIL") < bad.stdout.index("pass")


def test_a_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    write(tmp_path, *SOUND), write(tmp_path, *AHEAD)
    both = quorate_check(str(tmp_path), COLUMNS="100")
    assert both.exit_code == 1
    assert "2 plugins" in both.stdout


def test_check_as_json_says_the_same(tmp_path: Path) -> None:
    done = quorate_check(str(write(tmp_path, *AHEAD)), "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["sound"]) == (1, False)
    [row] = [r for r in document["rules"] if r["rule"] == "prefix-invariant"]
    assert (row["kind"], row["plugin"], row["state"]) == ("feature", "ahead", "failed")
    assert {"bar", "symbol", "expected", "found"} <= set(row["example"])
    assert "it reads the future" in row["message"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "check takes at least one TARGET"),
        (["nothing-like-it"], "there is nothing to check under 'nothing-like-it'"),
        (["modle:logistic"], "unknown kind 'modle'"),
        (["model:logistc"], "did you mean 'logistic'"),
        (["absent.py"], "cannot read the plugin file absent.py"),
        (["mine.toml"], "mine.toml is a recipe: quorate recipe show mine.toml checks it"),
    ],
)
def test_what_cannot_be_checked_is_an_error_of_the_command_line(arguments: list[str], said: str) -> None:
    done = quorate_check(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_an_option_reaches_the_plugin_that_needs_it(tmp_path: Path) -> None:
    from quorate.testing.markets import market

    path = tmp_path / "bars.csv"
    market(60).to_frame().to_csv(path, index=False)
    done = quorate_check("source:csv", "--set", f"path={path}", COLUMNS="120")
    assert done.exit_code == 0, done.stdout
    assert "panel-valid" in done.stdout
    without = quorate_check("source:csv", COLUMNS="120")
    assert "needs the option 'path'" in " ".join(without.stdout.split())


def test_all_rules_are_listed() -> None:
    rows = json.loads(quorate_check("--rules", "--json").stdout)
    assert {row["kind"] for row in rows} == set(KINDS)
    assert all(row["what"] for row in rows)
    assert len(rows) == sum(len(rules(kind)) for kind in KINDS)


# --- pytest


@pytest.mark.full
def test_the_rules_are_pytest_ids_classes_and_fixtures(tmp_path: Path) -> None:
    sound, ahead = write(tmp_path, *SOUND), write(tmp_path, *AHEAD)
    gap = write(tmp_path, "idle", SOUND[1], ', known_gaps={"lookback-tight": "old recipes"}')
    gap.write_text(gap.read_text().replace("lookback=2", "lookback=9"))
    (tmp_path / "test_mine.py").write_text(
        f"""
import quorate
import quorate.testing


@quorate.testing.parametrize_with_checks({str(sound)!r}, {str(ahead)!r}, {str(gap)!r})
def test_rules(check):
    check()


class TestStep(quorate.testing.FeatureTests):
    target = {str(sound)!r}


class TestInline(quorate.testing.MetricTests):
    target = quorate.MetricSpec("worst", lambda p: float(min(p.returns, default=float("nan"))), unit="fraction")


def test_fixtures(quorate_market, quorate_panel, quorate_home):
    assert len(quorate_market) == len(quorate_panel) == 300
    assert quorate_panel.present.sum(axis=0).tolist() == [300, 210]
    assert quorate.run({{"extends": "planted", "data": {{"n_bars": 700}}, "folds": {{"initial": 300, "test": 200}},
                        "models": {{"lightgbm": False, "gradient-boosting": False}}}}).source.home.path == quorate_home
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", str(tmp_path / "test_mine.py")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    out = done.stdout
    assert "test_rules[feature-step-prefix-invariant] PASSED" in out
    assert "test_rules[feature-ahead-prefix-invariant] FAILED" in out
    assert "test_rules[feature-ahead-lookback-enough] SKIPPED" in out
    assert "test_rules[feature-idle-lookback-tight] XFAIL" in out
    assert "TestStep::test_prefix_invariant PASSED" in out
    assert "TestInline::test_undefined_is_nan PASSED" in out
    assert "test_fixtures PASSED" in out, out[-3000:]
    assert "it reads the future" in out
    failed = [line for line in out.splitlines() if " FAILED" in line and "::" in line]
    assert {line.split("[")[1].split("]")[0] for line in failed if "[feature" in line} == {
        "feature-ahead-prefix-invariant",
        "feature-ahead-scramble-invariant",
    }


def test_a_target_that_offers_nothing_of_its_kind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import no_such_module")
    with pytest.raises(quorate.PluginError, match="no_such_module"):
        quorate.testing.plugins_of(path)
    with pytest.raises(AttributeError, match="NothingTests"):
        _ = quorate.testing.NothingTests
