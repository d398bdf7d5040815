"""The command line without a run: exit codes, what goes to which stream, and one clear message for a mistake."""

import json
import os
import subprocess
import sys

import pytest

import quorate
from quorate.store import Home
from support.command import call, message_of

RESULT_COMMANDS = ["report", "gate", "promote", "reproduce", "predict", "runs"]


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    "arguments",
    [["plugins"], ["plugins", "--kind", "metric"], ["recipe", "list"], ["recipe", "show", "planted"]],
    ids=lambda a: "-".join(a).replace("--", ""),
)
def test_listings_are_printed_as_json_too(home, arguments):
    plain, as_json = call(*arguments), call(*arguments, "--json")
    assert (plain.exit_code, as_json.exit_code) == (0, 0)
    assert plain.stdout.strip()
    assert json.loads(as_json.stdout)
    assert (plain.stderr, as_json.stderr) == ("", "")


def test_plugins_says_name_kind_version_origin_and_state(home):
    rows = json.loads(call("plugins", "--kind", "model", "--json").stdout)
    [row] = [r for r in rows if r["name"] == "logistic"]
    assert row["kind"] == "model"
    assert row["version"] == quorate.__version__
    assert row["origin"] == "quorate: quorate_plugins.models"
    assert (row["state"], row["reason"]) == ("ok", "")
    assert {r["kind"] for r in rows} == {"model"}


def test_plugins_shows_a_file_a_disabled_plugin_and_a_conflict(home, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import quorate\n\n@quorate.hookimpl\ndef quorate_models():\n"
        "    yield quorate.ModelSpec('mine', 'a:b')\n    yield quorate.ModelSpec('ridge', 'a:b')\n"
        "    yield quorate.ModelSpec('away', 'a:b', requires=('no-such-lib',))\n"
    )
    result = call("plugins", "--plugin", plugin, "--json")
    rows = {r["name"]: r for r in json.loads(result.stdout) if r["kind"] == "model"}
    assert result.exit_code == 0
    assert rows["mine"]["origin"] == str(plugin)
    assert rows["away"]["state"] == "disabled"
    assert rows["ridge"]["state"] == "conflict"
    assert str(plugin) in rows["ridge"]["reason"]


def test_plugins_shows_a_broken_one_with_its_reason_brackets_and_all(home, tmp_path, monkeypatch):
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('[/bold] no [red]licence[1]')\n")
    info = tmp_path / "acme_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[quorate]\nextra = acme_broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    result = call("plugins")
    assert result.exit_code == 0
    assert "broken: RuntimeError: [/bold] no [red]licence[1]" in result.stdout


def test_version_and_help_are_results(home):
    version, usage = call("--version"), call("--help")
    assert (version.exit_code, version.stdout.strip()) == (0, f"quorate {quorate.__version__}")
    assert usage.exit_code == 0
    assert "promote" in usage.stdout
    assert version.stderr + usage.stderr == ""


@pytest.mark.parametrize("command", ["run", *RESULT_COMMANDS, "plugins", "recipe"])
def test_every_command_has_help(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 3


def test_a_shown_recipe_is_a_recipe_file_with_the_same_digest(home, tmp_path):
    shown = call("recipe", "show", "nasdaq")
    copy = tmp_path / "copy.toml"
    copy.write_text(shown.stdout)
    again = call("recipe", "show", copy)
    assert (shown.exit_code, again.exit_code) == (0, 0)
    assert again.stdout == shown.stdout


def test_recipe_show_takes_overrides(home):
    result = call("recipe", "show", "planted", "--set", "folds.test=111", "--json")
    assert json.loads(result.stdout)["folds"]["test"] == 111


def test_recipe_list_names_the_built_in_recipes(home):
    names = [row["name"] for row in json.loads(call("recipe", "list", "--json").stdout)]
    assert names == ["grid", "indices", "nasdaq", "noise", "panel", "planted", "sp500"]


USAGE = {
    "unknown-command": ["rnu"],
    "unknown-option": ["run", "planted", "--hoem", "x"],
    "no-recipe": ["run"],
    "no-subcommand": ["recipe"],
    "nothing": [],
    "too-many": ["report", "a", "b"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_a_wrong_command_line_exits_2_with_a_hint_and_no_traceback(home, arguments):
    result = call(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "Traceback" not in result.output
    assert not home.path.exists()


MISTAKES = {
    "unknown-recipe": (["run", "nasdq"], 2, "unknown recipe 'nasdq'"),
    "absent-recipe-file": (["run", "absent.toml"], 2, "there is no recipe file absent.toml"),
    "unknown-key": (["run", "planted", "--set", "folds.tset=5"], 2, "folds: splitter 'expanding' has no option 'tset'"),
    "wrong-type": (["run", "planted", "--set", "folds.test=x"], 2, "folds.test must be a valid integer; it was 'x'"),
    "no-value": (["run", "planted", "--set", "folds.test"], 2, "--set takes key=value"),
    "unknown-model": (["run", "planted", "--set", "models.logistc={}"], 2, "models.logistc: unknown model 'logistc'"),
    "unknown-feature": (["run", "planted", "--set", "features.use=['x']"], 2, "features.use: unknown feature 'x'"),
    "unknown-source": (["run", "planted", "--set", "data.source=x"], 2, "data.source: unknown source 'x'"),
    "unknown-option-of-data": (["run", "planted", "--set", "data.x=1"], 2, "source 'simulated' has no option 'x'"),
    "unset-variable": (["run", "planted", "--set", "data.start=${QT_NOT}"], 2, "data.start needs the environment"),
    "absent-plugin-file": (["run", "planted", "--plugin", "no.py"], 2, "cannot read the plugin file no.py"),
    "shown-recipe": (["recipe", "show", "nasdq"], 2, "unknown recipe 'nasdq'"),
    "unknown-kind": (["plugins", "--kind", "modle"], 2, "--kind must be one of"),
    "absent-plugin-file-listed": (["plugins", "--plugin", "no.py"], 2, "cannot read the plugin file no.py"),
    "data-out-of-range": (["run", "planted", "--set", "data.n_bars=0"], 1, "n_bars must be between 1 and 100000"),
    "no-report": (["report"], 1, "there is no finished run"),
    "no-gate": (["gate"], 1, "there is no finished run"),
    "no-promote": (["promote"], 1, "there is no finished run"),
    "no-predict": (["predict"], 1, "there is no finished run"),
    "no-reproduce": (["reproduce"], 1, "there is no finished run"),
    "unknown-run": (["report", "nothing"], 1, "there is no run 'nothing'"),
}


@pytest.mark.parametrize("arguments,code,message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_gives_one_message_and_an_exit_code_that_tells_its_kind(home, arguments, code, message):
    assert message in message_of(call(*arguments), code)


def test_no_runs_is_no_failure_and_said_on_stderr(home):
    plain, as_json = call("runs"), call("runs", "--json")
    assert (plain.exit_code, plain.stdout) == (0, "")
    assert "no runs in" in plain.stderr
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (0, [])


def test_traceback_is_shown_when_asked_for_with_the_same_message_and_code(home):
    result = call("--traceback", "run", "nasdq")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback (most recent call last)" in result.stderr
    assert "error: unknown recipe 'nasdq'" in result.stderr


def test_the_next_command_shows_no_traceback_unless_asked_again(home):
    call("--traceback", "run", "nasdq")
    assert "unknown recipe" in message_of(call("run", "nasdq"), 2)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_installed_command_keeps_results_and_messages_apart(tmp_path, stream):
    command = [sys.executable, "-m", "quorate"]
    arguments = ["recipe", "show", "planted"] if stream == "stdout" else ["run", "nasdq"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=tmp_path)
    full, empty = (done.stdout, done.stderr) if stream == "stdout" else (done.stderr, done.stdout)
    assert full.strip()
    assert empty == ""
    assert done.returncode == (0 if stream == "stdout" else 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["plugins", "--json"], ["recipe", "show", "planted"]], ids=["long", "short"])
def test_a_reader_that_has_gone_is_no_error(tmp_path, arguments):
    code = "from quorate.cli import main; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
