"""The list of runs: what each is called, what is said of it, and which are shown."""

import json

import pytest
import tomli_w

import quorate
from quorate.runs.loaded import load_report
from support.command import call, message_of

SAID = ("name", "tags", "note")


@pytest.fixture
def recipe(tmp_path, tiny):
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(tiny))
    return str(path)


def rows(*arguments):
    return json.loads(call("runs", *arguments, "--json").stdout)


def test_a_run_is_called_by_its_recipe_and_what_was_changed_in_it(finished, recipe, tmp_path):
    assert call("run", recipe, "--set", "costs.fees=0.002", "--set", "execution.workers=1").exit_code == 0
    table = {"extends": recipe, "name": "other", "costs": {"slippage": 0.001}}
    quorate.run(table, home=finished.path)
    assert [row["name"] for row in rows()] == ["tiny", "tiny costs.fees=0.002", "other costs.slippage=0.001"]
    assert all((row["tags"], row["note"]) == ([], "") for row in rows())


def test_what_is_said_of_a_run_changes_nothing_that_is_sealed(finished):
    [run] = finished.runs()
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    said = json.loads(call("runs", "tag", run.id, "--add", "good", "--add", "a b", "--note", "mind [costs]",
                           "--name", "Mine", "--json").stdout)  # fmt: skip
    assert said == {"run": run.id, "name": "Mine", "tags": ["good", "a b"], "note": "mind [costs]"}
    after = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} == {"label.json"}
    assert {path: after[path] for path in before} == before
    assert load_report(run.id, home=finished.path).verdict
    assert quorate.reproduce(run.id, home=finished.path).identical
    assert call("ledger", "verify").exit_code == 0
    [row] = rows()
    assert [row[key] for key in SAID] == ["Mine", ["good", "a b"], "mind [costs]"]
    assert call("runs", "tag", "latest", "--remove", "good", "--note", "", "--name", "").exit_code == 0
    [row] = rows()
    assert [row[key] for key in SAID] == ["tiny", ["a b"], ""]


def test_a_wrong_tag_is_refused_and_a_damaged_label_harms_no_run(finished):
    [run] = finished.runs()
    assert "at most 60 characters" in message_of(call("runs", "tag", run.id, "--add", "x" * 61), 2)
    assert "control characters" in message_of(call("runs", "tag", run.id, "--add", "a\x1bb"), 2)
    assert "there is no run 'nothing'" in message_of(call("runs", "tag", "nothing"), 1)
    assert not (run.path / "label.json").exists()
    (run.path / "label.json").write_text("{")
    [row] = rows()
    assert (row["state"], row["name"]) == ("finished", "tiny")
    assert "label.json cannot be read" in row["reason"]
    assert "cannot be read, remove it" in " ".join(call("runs").stdout.split())
    assert call("report").exit_code == 0


def test_runs_are_chosen_and_sorted(finished, tiny, monkeypatch):
    dear = quorate.run({**tiny, "name": "dear", "costs": {"fees": 0.003}}, home=finished.path)
    first, second = (run.id for run in finished.runs())
    assert second == dear.run_id
    call("runs", "tag", first, "--add", "x", "--add", "y")
    call("runs", "tag", second, "--add", "x")

    def names(*arguments):
        return [row["run"] for row in rows(*arguments)]

    assert names("--tag", "x") == [first, second]
    assert names("--tag", "x", "--tag", "y") == [first]
    assert names("--recipe", "dear") == [second]
    assert names("--verdict", "pass") == []
    assert names("--verdict", dear.verdict) == [
        run for run in (first, second) if load_report(run, home=finished.path).verdict == dear.verdict
    ]
    assert names("--sort", "sharpe") == [first, second]
    assert names("--sort", "sharpe", "--limit", "1") == [first]
    assert names("--limit", "1") == [second]
    assert len(names("--sort", "verdict")) == 2
    assert "sort must be one of" in message_of(call("runs", "--sort", "sharp"), 2)
    assert "verdict must be one of" in message_of(call("runs", "--verdict", "good"), 2)
    assert "none of the 2 runs" in call("runs", "--tag", "z").stderr
    call("runs", "tag", first, "--name", "The first", "--note", "said")
    for width in (20, 60, 80, 130):
        monkeypatch.setenv("COLUMNS", str(width))
        out = call("runs").stdout
        assert max(map(len, out.splitlines())) <= width
        assert "The first" in " ".join(out.split())
    assert "2 runs in" in out
    assert "1 of 2 runs in" in call("runs", "--limit", "1").stdout


def test_a_run_where_a_recipe_is_expected_and_a_recipe_where_a_run_is_are_told_what_to_type(finished, recipe, tmp_path):
    [run] = finished.runs()
    kept = str(run.path / "recipe.toml")
    for command in ("audit", "run", "sweep"):
        said = message_of(call(command, run.id), 2)
        assert f"{command} takes a recipe, and {run.id} is a run" in said
        assert f"quorate {command} {kept}" in said
    assert f"quorate reproduce {run.id}" in message_of(call("run", run.id[:12]), 2)
    assert f"latest is the run {run.id}" in message_of(call("audit", "latest"), 2)
    assert json.loads(call("recipe", "show", kept, "--json").stdout)["name"] == "tiny"  # what was told can be read
    for command in ("reproduce", "explain", "report", "gate", "trades", "predict", "export"):
        more = ("--to", tmp_path / "out") if command == "export" else ()
        said = message_of(call(command, recipe, *more), 1)
        assert f"{command} takes a run, and {recipe} is a recipe. Its latest run is {run.id}: quorate {command}" in said
    assert "Begin with quorate run nasdaq" in message_of(call("compare", run.id, "nasdaq"), 1)
    assert f"is its folder: quorate report {run.id}" in message_of(call("report", run.path), 1)
    said = message_of(call("sweep", "show", run.id), 1)
    assert f"sweep show takes a sweep, and {run.id} is a run: quorate report {run.id}" in said
    assert "unknown recipe 'nasdq'" in message_of(call("audit", "nasdq"), 2)


def test_the_command_for_the_recipe_of_a_run_names_its_plugin_files_as_they_are_or_were_kept(finished, tmp_path):
    [run] = finished.runs()
    about = run.path / "run.json"
    told = json.loads(about.read_text())
    file = tmp_path / "mine.py"
    told["plugins"].append({"kind": "model", "name": "mine", "file": str(file), "sha256": "ab12"})
    about.write_text(json.dumps(told))
    assert f"--plugin {finished.path / 'sources' / 'ab12.py'}" in message_of(call("audit", run.id), 2)
    file.touch()
    assert f"--plugin {file}" in message_of(call("audit", run.id), 2)
