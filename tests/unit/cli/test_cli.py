"""The command line: exit codes, what goes to which stream, and one clear message for a mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.runs.stored import load_report
from quorate.store import Home
from quorate.walkforward.members import collect
from quorate_data.simulated import simulated

RECIPE = """
name = "tiny"
[data]
source = "simulated"
n_bars = 700
[holdout]
fraction = 0.2
[features]
use = ["return_1", "return_5"]
[folds]
initial = 300
test = 100
[models.logistic]
[threshold]
min_bars = 50
"""
CSV = RECIPE.replace('source = "simulated"\nn_bars = 700', 'source = "csv"\npath = "{path}"')
RESULT_COMMANDS = ["report", "gate", "promote", "reproduce", "predict", "runs"]
GATE_CODES = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def _finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(RECIPE)
    quorate.run(folder / "tiny.toml", home=folder / "home")
    quorate.audit(folder / "tiny.toml", home=folder / "home")  # once, for all that promote
    return folder / "home"


@pytest.fixture
def finished(_finished, home):
    """A home with one finished run."""
    for path in _finished.rglob("*"):
        if path.is_file():
            copy = home.path / path.relative_to(_finished)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return home


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def message_of(result, code):
    """Return what a failed command said, after checking how it said it."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    return result.stderr[result.stderr.index("error: ") :]


# --- results on stdout, all else on stderr


def test_run_prints_the_report_on_stdout_and_its_progress_on_stderr(recipe, home):
    result = call("run", recipe)
    assert result.exit_code == 0
    [run] = home.runs()
    assert run.id in result.stdout
    assert "DEVELOPMENT" in result.stdout
    assert "fits 9/9" in result.stderr
    assert "fits 9/9 (" not in result.stdout


def test_run_with_json_prints_the_stored_report_and_nothing_else_on_stdout(recipe, home):
    result = call("run", recipe, "--json")
    assert result.exit_code == 0
    [run] = home.runs()
    assert json.loads(result.stdout) == json.loads((run.path / "report.json").read_text())


def test_a_warning_of_a_run_is_on_stderr_and_in_the_report_not_in_the_json_stream(recipe, home, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import quorate\n\n@quorate.hookimpl\ndef quorate_models():\n"
        "    yield quorate.ModelSpec('mine', 'a:b', requires=('no-such-lib',))\n"
    )
    result = call("run", recipe, "--plugin", plugin, "--json")
    assert "warning: model 'mine' is left out: it needs no-such-lib" in result.stderr
    assert "no-such-lib" in json.loads(result.stdout)["results"]["development"]["warnings"][0]


@pytest.mark.parametrize("command", RESULT_COMMANDS)
def test_a_command_that_prints_results_prints_them_as_json_too(finished, command):
    result = call(command, "--json")
    assert result.exit_code in {0, *GATE_CODES.values()}, result.output
    found = json.loads(result.stdout)
    [run] = finished.runs()
    text = json.dumps(found)
    assert run.id in text
    assert "NaN" not in text


@pytest.mark.parametrize("command", RESULT_COMMANDS)
def test_a_command_without_json_prints_its_results_for_people(finished, command):
    result = call(command)
    assert result.exit_code in {0, *GATE_CODES.values()}, result.output
    assert result.stdout.strip()
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


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


# --- recipe show


def test_a_shown_recipe_is_a_recipe_file_with_the_same_digest(home, tmp_path):
    shown = call("recipe", "show", "nasdaq")
    copy = tmp_path / "copy.toml"
    copy.write_text(shown.stdout)
    again = call("recipe", "show", copy)
    assert (shown.exit_code, again.exit_code) == (0, 0)
    assert again.stdout == shown.stdout


def test_a_shown_recipe_runs_to_the_same_digest(recipe, finished, tmp_path):
    copy = tmp_path / "copy.toml"
    copy.write_text(call("recipe", "show", recipe).stdout)
    assert call("run", copy).exit_code == 0
    first, second = (load_report(run.id, home=finished.path) for run in finished.runs())
    assert second.provenance["recipe_digest"] == first.provenance["recipe_digest"]
    assert second.digest == first.digest


def test_recipe_show_takes_overrides(home):
    result = call("recipe", "show", "planted", "--set", "folds.test=111", "--json")
    assert json.loads(result.stdout)["folds"]["test"] == 111


def test_recipe_list_names_the_built_in_recipes(home):
    names = [row["name"] for row in json.loads(call("recipe", "list", "--json").stdout)]
    assert names == ["indices", "nasdaq", "noise", "planted", "sp500"]


# --- gate


def test_gate_exits_by_the_verdict(finished):
    verdict = load_report(home=finished.path).verdict
    result = call("gate", "--json")
    assert result.exit_code == GATE_CODES[verdict]
    assert json.loads(result.stdout)["verdict"] == verdict


@pytest.mark.parametrize(
    "overrides,code",
    [
        (["gates.sample-size=false", "gates.sharpe.threshold=-99.0", "gates.win-rate=false"], 0),
        (["gates.sharpe.threshold=99.0"], 10),
        (["gates.sharpe.threshold=-99.0", "gates.win-rate=false"], 11),
    ],
    ids=["pass", "fail", "insufficient"],
)
def test_gate_exits_0_10_and_11_while_run_exits_0(recipe, home, overrides, code):
    sets = [part for override in overrides for part in ("--set", override)]
    assert call("run", recipe, *sets).exit_code == 0
    assert call("gate").exit_code == code


def test_promote_exits_like_gate(finished):
    promoted = call("promote", "--json")
    assert promoted.exit_code == GATE_CODES[load_report(home=finished.path).verdict]
    assert call("gate").exit_code == promoted.exit_code
    assert json.loads(promoted.stdout)["results"]["holdout"]


@pytest.mark.parametrize(
    "command, code", [("gate", 12), ("promote", 12), ("report", 1), ("predict", 1), ("reproduce", 1)]
)
def test_a_changed_report_is_refused_wherever_it_is_read(finished, command, code):
    [run] = finished.runs()
    path = run.path / "report.json"
    path.write_text(path.read_text().replace('"verdict": "', '"verdict": "X', 1))
    assert "was changed after the run" in message_of(call(command), code)


def test_runs_goes_on_where_a_report_cannot_be_read(recipe, finished):
    [broken] = finished.runs()
    assert call("run", recipe).exit_code == 0
    (broken.path / "report.json").write_text("{")
    result = call("runs", "--json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["state"].split(":")[0] for row in rows] == ["unreadable", "finished"]


def test_reproduce_says_identical_and_exits_0_or_differs_and_exits_1(finished, monkeypatch):
    same = call("reproduce", "--json")
    assert (same.exit_code, json.loads(same.stdout)["identical"]) == (0, True)

    def otherwise(*args):
        predictions = collect(*args)
        row = int(np.isfinite(predictions[:, 0]).argmax())
        predictions[row, 0] = np.nextafter(predictions[row, 0], 1)
        return predictions

    monkeypatch.setattr("quorate.walkforward.part.collect", otherwise)
    other = call("reproduce", "--json")
    assert other.exit_code == 1
    assert (json.loads(other.stdout)["identical"], json.loads(other.stdout)["differing"]) == (False, 1)


@pytest.mark.own_executor
def test_what_a_plugin_prints_is_no_result(tmp_path, recipe, home, capfd):
    plugin = tmp_path / "loud.py"
    plugin.write_text(
        "import quorate\nprint('hello')\nclass Loud:\n    def fit(self, X, y):\n        print('fitting')\n"
        "    def predict(self, X):\n        return X[:, 0] * 0 + 0.5\n@quorate.hookimpl\n"
        "def quorate_models():\n    yield quorate.ModelSpec('loud', Loud, task='regression')\n"
    )
    result = call("run", recipe, "--plugin", str(plugin), "--json")
    assert json.loads(result.stdout)["provenance"]["seeds"]["loud"]
    assert "hello" in result.stderr
    assert "fitting" in capfd.readouterr().err  # printed by the process that fits


@pytest.mark.parametrize("item", ["models.xgbost=false", "gates.sharp=false"])
def test_leaving_out_what_does_not_exist_is_an_error(recipe, home, item):
    assert "did you mean" in message_of(call("run", recipe, "--set", item), 2)


@pytest.mark.parametrize(
    "item", ["gates.sharpe.threshold=inf", "threshold.grid=[nan]", "threshold.grid=[-0.1]", "backtest.capital=inf"]
)
def test_numbers_that_are_none_are_refused_before_any_work(recipe, home, item):
    assert item.split("=")[0].rsplit(".", 1)[-1] in message_of(call("run", recipe, "--set", item), 2)


# --- usage


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


def test_data_for_a_run_that_reads_no_file_is_a_usage_error(finished):
    message = message_of(call("predict", "--data", "x.csv"), 2)
    assert "the run's source 'simulated' reads no path" in message


def test_reproducing_with_an_override_that_is_no_recipe_key_is_a_usage_error(finished):
    assert "unknown key" in message_of(call("reproduce", "--set", "execution.exectuor=serial"), 2)


# --- traceback


def test_traceback_is_shown_when_asked_for_with_the_same_message_and_code(home):
    result = call("--traceback", "run", "nasdq")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback (most recent call last)" in result.stderr
    assert "error: unknown recipe 'nasdq'" in result.stderr


def test_the_next_command_shows_no_traceback_unless_asked_again(home):
    call("--traceback", "run", "nasdq")
    assert "unknown recipe" in message_of(call("run", "nasdq"), 2)


# --- wrong input


def lines_of(n_bars=400, seed=3):
    frame = simulated(n_bars=n_bars, seed=seed).to_frame()
    header = "date,open,high,low,close,volume"
    rows = [
        f"{t.date()},{o!r},{h!r},{low!r},{c!r},{v!r}"
        for t, o, h, low, c, v in zip(
            frame["time"], *(frame[k].tolist() for k in ("open", "high", "low", "close", "volume")), strict=True
        )
    ]
    return [header, *rows]


def swap(lines, i, j):
    lines[i], lines[j] = lines[j], lines[i]


def cell(lines, i, column, value):
    parts = lines[i].split(",")
    parts[column] = value
    lines[i] = ",".join(parts)


def rising(lines):
    for i in range(1, len(lines)):
        date = lines[i].split(",")[0]
        lines[i] = f"{date},{100 + i},{101 + i},{99 + i},{100.5 + i},1000"


def nothing(_):
    pass


WRONG_BARS = {
    "missing-column": (lambda x: x.__setitem__(0, x[0].replace("close", "settle")), [], "close"),
    "unsorted": (lambda x: swap(x, 5, 9), [], "sort"),
    "duplicated": (lambda x: x.insert(5, x[4]), [], "has two bars at"),
    "nan-price": (lambda x: cell(x, 7, 4, ""), [], "close"),
    "negative-price": (lambda x: cell(x, 7, 3, "-1"), [], "low"),
    "text-price": (lambda x: cell(x, 7, 1, "n/a!"), [], "open must be a number; it was 'n/a!'"),
    "high-below-low": (lambda x: cell(x, 7, 2, "0.5"), [], "high"),
    "no-rows": (lambda x: x.__delitem__(slice(1, None)), [], "no row below"),
    "one-class-labels": (rising, [], "class"),
    "too-few-bars": (lambda x: x.__delitem__(slice(150, None)), [], "first fold"),
    "fewer-bars-than-the-holdout-takes": (
        nothing,
        ["--set", "holdout.bars=400"],
        "holdout would take all 400 bars",
    ),
}


@pytest.mark.parametrize("edit,more,message", WRONG_BARS.values(), ids=WRONG_BARS)
def test_wrong_bars_give_one_message_and_leave_earlier_runs_as_they_were(finished, tmp_path, edit, more, message):
    file = tmp_path / "bars.csv"
    lines = lines_of()
    edit(lines)
    file.write_text("\n".join(lines) + "\n")
    recipe = tmp_path / "own.toml"
    recipe.write_text(CSV.format(path=file))
    [old] = finished.runs()
    before = contents(old.path)
    told = message_of(call("run", recipe, *more), 1)
    assert message in told
    assert contents(old.path) == before
    assert call("report").exit_code == 0


def test_the_bars_that_the_wrong_ones_are_made_of_are_right(home, tmp_path):
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines_of(500)) + "\n")
    recipe = tmp_path / "own.toml"
    recipe.write_text(CSV.format(path=file))
    assert call("run", recipe).exit_code == 0


@pytest.mark.parametrize("what", ["absent", "a-folder-without-files", "a-table-of-something-else"])
def test_a_data_file_that_cannot_be_read_as_bars_is_named(home, tmp_path, what):
    path = tmp_path / "there"
    if what == "a-folder-without-files":
        path.mkdir()
    elif what == "a-table-of-something-else":
        path = tmp_path / "there.csv"
        path.write_text("a,b\n1,2\n")
    recipe = tmp_path / "own.toml"
    recipe.write_text(CSV.format(path=path))
    assert str(path) in message_of(call("run", recipe), 1)


def test_an_unwritable_home_is_told_before_any_work(recipe, tmp_path):
    (tmp_path / "file").write_text("mine")
    result = call("run", recipe, "--home", tmp_path / "file" / "home")
    assert "cannot write" in message_of(result, 1)
    assert "fits" not in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_plugin_that_fails_while_it_fits_is_named_with_its_fold(recipe, home, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import quorate\n\nclass Bad:\n    def fit(self, X, y):\n        raise ValueError('no such luck')\n\n"
        "@quorate.hookimpl\ndef quorate_models():\n    yield quorate.ModelSpec('bad', Bad)\n"
    )
    message = message_of(call("run", recipe, "--plugin", plugin), 1)
    assert "model 'bad'" in message
    assert str(plugin) in message
    assert "fold " in message
    assert "ValueError: no such luck" in message


# --- the process itself


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
