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
