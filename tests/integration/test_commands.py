"""Commands that run a recipe or read a run: exit codes, what goes to which stream, what a mistake leaves behind."""

import json
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from quorate.report.sections import sections_of
from quorate.report.sections.model import Table
from quorate.runs.loaded import load_report
from quorate.store import Home
from quorate.walkforward.members import collect
from quorate_data.simulated import simulated
from support.command import call, message_of

RESULT_COMMANDS = ["report", "gate", "promote", "reproduce", "predict", "runs"]


@pytest.fixture
def recipe(tmp_path, tiny):
    return written(tmp_path / "tiny.toml", tiny)


@pytest.fixture
def home(home):
    return Home(home)


def written(path, recipe):
    path.write_text(tomli_w.dumps(recipe))
    return str(path)


EASY = ["gates.sharpe.threshold=-99.0", "gates.mcs=false", "gates.delay=false", "gates.win-rate=false"]
GATE_CODES = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_run_prints_the_report_on_stdout_and_its_progress_on_stderr(recipe, home):
    result = call("run", recipe)
    assert result.exit_code == 0
    [run] = home.runs()
    assert run.id in result.stdout
    assert "WALK-FORWARD" in result.stdout
    assert "fits 12/12" in result.stderr
    assert "fits 12/12" not in result.stdout


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


def test_a_shown_recipe_runs_to_the_same_digest(recipe, finished, tmp_path):
    copy = tmp_path / "copy.toml"
    copy.write_text(call("recipe", "show", recipe).stdout)
    assert call("run", copy).exit_code == 0
    first, second = (load_report(run.id, home=finished.path) for run in finished.runs())
    assert second.provenance["recipe_digest"] == first.provenance["recipe_digest"]
    assert second.digest == first.digest


def test_gate_exits_by_the_verdict(finished):
    verdict = load_report(home=finished.path).verdict
    result = call("gate", "--json")
    assert result.exit_code == GATE_CODES[verdict]
    assert json.loads(result.stdout)["verdict"] == verdict


@pytest.mark.parametrize(
    "overrides,code",
    [
        ([*EASY, "gates.sample-size=false"], 0),
        (["gates.sharpe.threshold=99.0"], 10),
        (EASY, 11),
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


def test_data_for_a_run_that_reads_no_file_is_a_usage_error(finished):
    message = message_of(call("predict", "--data", "x.csv"), 2)
    assert "the run's source 'simulated' reads no path" in message


def test_reproducing_with_an_override_that_is_no_recipe_key_is_a_usage_error(finished):
    assert "unknown key" in message_of(call("reproduce", "--set", "execution.exectuor=serial"), 2)


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
    "missing-column": (lambda x: x.__setitem__(0, x[0].replace("close", "ending")), [], "close"),
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
def test_wrong_bars_give_one_message_and_leave_earlier_runs_as_they_were(finished, tiny, tmp_path, edit, more, message):
    file = tmp_path / "bars.csv"
    lines = lines_of()
    edit(lines)
    file.write_text("\n".join(lines) + "\n")
    recipe = tmp_path / "own.toml"
    written(recipe, {**tiny, "data": {"source": "csv", "path": str(file)}})
    [old] = finished.runs()
    before = contents(old.path)
    told = message_of(call("run", recipe, *more), 1)
    assert message in told
    assert contents(old.path) == before
    assert call("report").exit_code == 0


def test_the_bars_that_the_wrong_ones_are_made_of_are_right(home, tiny, tmp_path):
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines_of(500)) + "\n")
    recipe = tmp_path / "own.toml"
    written(recipe, {**tiny, "data": {"source": "csv", "path": str(file)}})
    assert call("run", recipe).exit_code == 0


@pytest.mark.parametrize("what", ["absent", "a-folder-without-files", "a-table-of-something-else"])
def test_a_data_file_that_cannot_be_read_as_bars_is_named(home, tiny, tmp_path, what):
    path = tmp_path / "there"
    if what == "a-folder-without-files":
        path.mkdir()
    elif what == "a-table-of-something-else":
        path = tmp_path / "there.csv"
        path.write_text("a,b\n1,2\n")
    recipe = tmp_path / "own.toml"
    written(recipe, {**tiny, "data": {"source": "csv", "path": str(path)}})
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


def test_a_dry_run_says_what_would_be_fitted_and_leaves_no_home(recipe, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "60")
    result = call("run", recipe, "--dry-run", "--home", tmp_path / "none")
    assert result.exit_code == 0
    assert "4 models, 12 fits" in result.stdout
    assert "nothing was fitted or stored" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 60
    document = json.loads(call("run", recipe, "--dry-run", "--json", "--home", tmp_path / "none").stdout)
    assert (len(document["folds"]), document["cached"]) == (3, 0)
    assert not (tmp_path / "none").exists()
    assert "first fold" in message_of(call("run", recipe, "--dry-run", "--set", "folds.initial=600"), 1)


def test_runs_says_on_what_each_was_and_why_one_failed(recipe, finished, tmp_path, monkeypatch):
    path = tmp_path / "a folder of a rather long name" / "bars.csv"
    path.parent.mkdir()
    path.write_text("\n".join(lines_of()) + "\n")
    wrong = ["--set", "data.source=csv", "--set", f"data.path={path}", "--set", "models.ridge.alpha=-1.0"]
    message_of(call("run", recipe, *wrong), 1)
    first, second = finished.runs()
    for width in (60, 80, 130):
        monkeypatch.setenv("COLUMNS", str(width))
        out = call("runs").stdout
        assert max(map(len, out.splitlines())) <= width
        for run in (first, second):
            assert len([line for line in out.splitlines() if f" {run.id[-9:]} " in line]) == 1
        assert "bars.csv" in out
        assert "SIM001" in out
        assert f"{second.id[-9:]}  failed: model 'ridge'" in out
    one, other = json.loads(call("runs", "--json").stdout)
    assert (one["recipe"], one["source"], one["data"], one["reason"]) == ("tiny", "simulated", "SIM001", "")
    assert (other["state"], other["source"], other["data"]) == ("failed", "csv", str(path))
    assert "'alpha'" in other["reason"]


def test_a_report_is_written_to_files(finished: Home, tmp_path: Path) -> None:
    html, markdown, folder = tmp_path / "r.html", tmp_path / "r.md", tmp_path / "pictures"
    folder.mkdir()
    done = call("report", "--html", html, "--markdown", markdown, "--png", folder, "--home", finished.path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.count("wrote ") == 2 + len(list(folder.iterdir())) >= 4
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())
    assert {path.stem for path in folder.iterdir()} == {
        *("equity_drawdown", "monthly_returns", "weights", "forecast_vs_actual", "calibration"),
        "confusion_matrix_valid",
    }
    report = load_report(home=finished.path)
    assert html.read_text(encoding="utf-8") == report.to_html()
    assert markdown.read_text(encoding="utf-8") == report.to_markdown()
    assert "<svg" in report._repr_html_()
    assert call("report", "--html", html, "--static", "--home", finished.path).exit_code == 0
    assert "<script" not in html.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--html", "no/where.html"), "there is no folder no; make it first"),
        (("--html", "."), "it is a folder"),
        (("--png", "nowhere"), "no such folder"),
        (("--static",), "give --html FILE, too"),
        (("--brief", "--section", "months"), "exclude each other"),
        (("--section", "monhts"), "did you mean 'months'"),
    ],
)
def test_a_report_that_cannot_be_written_says_why(
    finished: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("report", *arguments, "--home", finished.path)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_a_brief_report_is_some_lines_and_a_section_that_alone(finished: Home) -> None:
    brief = call("report", "--brief", "--home", finished.path).stdout
    assert "Over " in brief
    assert "Performance" not in brief
    months = call("report", "--section", "months", "--home", finished.path).stdout
    assert months.startswith("Monthly returns")
    assert "Sharpe" not in months


def test_forecasts_are_told_beside_what_came(finished: Home) -> None:
    report = load_report(home=finished.path)
    [section] = sections_of(report, ("forecasts",))
    groups, directions = (block for block in section.blocks if isinstance(block, Table))
    known = report.predictions[report.predictions["label"].notna()]
    assert sum(row[4].value for row in groups.groups[0]) == len(known)
    forecast, label = known["ensemble/past-performance"], known["label"]
    weighed = sum(row[2].value * row[4].value for row in groups.groups[0]) / len(known)
    assert weighed == pytest.approx(forecast.mean())
    came = sum(row[3].value * row[4].value for row in groups.groups[0]) / len(known)
    assert came == pytest.approx(label.mean())
    right = directions.groups[0][0][1].value + directions.groups[0][1][2].value
    accuracy = report.results["development"]["series"][0]["metrics"]["accuracy"]
    assert right / len(known) == pytest.approx(accuracy)
