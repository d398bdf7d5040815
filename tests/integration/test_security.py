"""The lines of docs/security.md that no unit alone can show: homes from elsewhere, damaged ones, and what they tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.verify import verify
from quorate.report.report import Report
from quorate.report.views.runs import listed
from quorate.store import Home

FEATURE = """
import quorate

@quorate.hookimpl
def quorate_features():
    open(WITNESS, "a").write("ran ")
    yield quorate.FeatureSpec("mine", lambda close: close / close, group="mine", lookback=0)
"""


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def foreign(home: Path, tiny: dict[str, Any], tmp_path: Path) -> tuple[Home, str, Path]:
    """A home as it comes with a clone, with a run that used a plugin file, and a file that tells whether that ran."""
    witness, plugin = tmp_path / "witness", tmp_path / "mine.py"
    plugin.write_text(FEATURE.replace("WITNESS", repr(str(witness))))
    run = quorate.run(tiny, home=home, plugins=[plugin]).run_id
    home.rename(tmp_path / "cloned")
    witness.unlink()
    return Home(tmp_path / "cloned"), run, witness


COMMANDS: dict[str, Callable[..., Any]] = {
    "reproduce": quorate.reproduce,
    "promote": quorate.promote,
    "explain": quorate.explain,
    "predict": quorate.predict,
}


def test_nothing_of_a_home_from_elsewhere_runs_unasked(foreign: tuple[Home, str, Path]) -> None:
    home, run, witness = foreign
    for command in COMMANDS.values():
        with pytest.raises(quorate.StoreError, match=r"was not made here by you.*--trust"):
            command(run, home=home.path)
    (home.path / "runs" / run / "report.json").unlink()
    with pytest.raises(quorate.StoreError, match=r"would execute the plugin files that its home keeps"):
        quorate.resume(run, home=home.path)
    assert not witness.exists()
    for command in ("report", "gate", "runs", "ledger", "timeline", "cache list"):
        call(*command.split(), "--home", home.path)
    assert not witness.exists()


def test_a_home_that_is_trusted_is_used_from_then_on(foreign: tuple[Home, str, Path]) -> None:
    home, run, witness = foreign
    assert call("reproduce", run, "--home", home.path).exit_code == 1
    assert call("reproduce", run, "--home", home.path, "--trust").exit_code == 0
    assert witness.exists()
    assert quorate.reproduce(run, home=home.path).identical


def test_a_run_of_installed_plugins_is_reproduced_without_asking(finished: Home, tmp_path: Path) -> None:
    finished.path.rename(tmp_path / "cloned")
    assert quorate.reproduce(home=tmp_path / "cloned").identical
    with pytest.raises(quorate.StoreError, match="would read the bars that its home's recipe names"):
        quorate.predict(home=tmp_path / "cloned")


# --- reports that the ledger knows better


def edited(home: Home, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the report of a home's run, and compute its seal again."""
    [run] = home.runs()
    document = run.report()
    change(document)
    document["seal"] = Report(document).seal
    (run.path / "report.json").write_text(json.dumps(document))
    assert quorate.load_report(home=home.path).document["seal"] == document["seal"]


def problems(home: Home) -> list[str]:
    return [str(problem) for problem in verify(home).problems]


def test_a_report_as_it_was_written_is_sound(finished: Home) -> None:
    assert problems(finished) == []
    quorate.promote(home=finished.path)
    assert problems(finished) == []


def test_a_verdict_that_was_edited_with_its_seal_is_told(finished: Home) -> None:
    edited(finished, lambda document: document["results"]["development"].update(verdict="PASS"))
    [told] = problems(finished)
    assert "its report must be that of entry" in told


def test_a_report_set_back_to_a_closed_holdout_is_told(finished: Home) -> None:
    [run] = finished.runs()
    before = (run.path / "report.json").read_bytes()
    quorate.promote(home=finished.path)
    (run.path / "report.json").write_bytes(before)
    told = problems(finished)
    assert any("its report must be that of entry" in line for line in told)
    assert any(
        "its holdout must be opened, as its candidates in the ledger say; it was closed" in line for line in told
    )


def test_candidates_that_were_tried_beside_the_ledger_are_told(finished: Home, small: dict[str, Any]) -> None:
    ledger = ledger_of(finished)
    before = ledger.path.read_bytes()
    (ledger.folder / "borrowed").touch()
    run = quorate.run(small, home=finished.path).run_id
    ledger.path.write_bytes(before)
    (ledger.folder / "borrowed").unlink()
    told = problems(finished)
    assert any(line.startswith(f"run {run}: the candidates of its development must be in the ledger") for line in told)


# --- damage


def broken(text: str) -> dict[str, Callable[[str], str]]:
    document = json.loads(text)
    found: dict[str, Callable[[str], str]] = {
        "empty": lambda t: "",
        "half": lambda t: t[: len(t) // 2],
        "a list": lambda t: "[]",
        "a number": lambda t: "1",
        "no JSON": lambda t: t.replace(":", ""),
        "version 0": lambda t: json.dumps({**document, "schema_version": 0}),
        "version true": lambda t: json.dumps({**document, "schema_version": True}),
        "version -1": lambda t: json.dumps({**document, "schema_version": -1}),
    }
    for key in document:
        found[f"without {key}"] = lambda t, key=key: json.dumps({k: v for k, v in document.items() if k != key})
        for odd in (None, "x", [7]):
            found[f"{key} = {odd!r}"] = lambda t, key=key, odd=odd: json.dumps({**document, key: odd})
    return found


@pytest.mark.parametrize("file", ["run.json", "report.json"])
def test_a_damaged_run_is_named_and_the_others_stay_usable(
    finished: Home, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resumed(*_: object) -> None:
        raise quorate.StoreError("it would be resumed")  # what that computes, others test

    monkeypatch.setattr("quorate.runs.run._develop", resumed)
    [run] = finished.runs()
    damaged = run.path.with_name("20990101T000000.000000-damaged-ffff")
    shutil.copytree(run.path, damaged)
    text = (run.path / file).read_text()
    open_again = quorate.resume if file == "run.json" else quorate.load_report
    unseen = []
    for name, change in broken(text).items():
        (damaged / file).write_text(change(text))
        if file == "run.json":  # it is what a run is resumed from
            (damaged / "report.json").unlink(missing_ok=True)
        listed(finished.runs())
        try:
            open_again("damaged", home=finished.path)
            unseen.append(name)
        except (quorate.StoreError, quorate.IntegrityError) as e:
            if "would be resumed" in str(e):
                unseen.append(name)
        (damaged / "error.txt").unlink(missing_ok=True)
    assert unseen == (["without seal"] if file == "run.json" else [])  # as an earlier version wrote it
    assert quorate.load_report(run.id, home=finished.path).run_id == run.id


def test_a_folder_in_place_of_a_table_is_named(finished: Home) -> None:
    [run] = finished.runs()
    table = run.path / "development" / "equity.parquet"
    table.unlink()
    table.mkdir()
    with pytest.raises(quorate.IntegrityError, match="is not whole"):
        quorate.load_report(home=finished.path).equity  # noqa: B018


def test_what_a_killed_write_left_is_collected(finished: Home) -> None:
    import os

    old, new = (finished.runs()[0].path / f".report.json.{i}-0123abcd.tmp" for i in range(2))
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    finished.check_writable()
    assert not old.exists()
    assert new.exists()


LINKED = ["ledger/ledger.jsonl", "fits/fits.sqlite", "ledger/lock", "bars", "sources", "cluster", "ledger"]


@pytest.mark.parametrize("name", LINKED)
def test_what_a_link_in_a_home_leads_to_is_left_alone(tmp_path: Path, tiny: dict[str, Any], name: str) -> None:
    home, mine = tmp_path / "cloned", tmp_path / "mine"
    mine.mkdir()
    (mine / "token").write_text("MYTOKEN")
    target = mine / "token" if "." in name or "lock" in name else mine
    (home / name).parent.mkdir(parents=True)
    (home / name).symlink_to(target)
    for command in ("cache list", "ledger", "ledger verify", "cluster down", "runs"):
        done = call(*command.split(), "--home", home)
        assert done.exit_code != 0
        assert "is a link, which is not followed" in done.output
    with pytest.raises(quorate.IntegrityError, match="is a link, which is not followed"):
        quorate.run(tiny, home=home)
    assert [(p.name, p.read_text()) for p in mine.iterdir()] == [("token", "MYTOKEN")]


def test_left_over_files_behind_a_link_stay(finished: Home, tmp_path: Path) -> None:
    import os

    mine = tmp_path / "docs"
    mine.mkdir()
    for name in (".draft.tmp", ".report.json.1-0123abcd.tmp"):
        (mine / name).write_text("mine")
        os.utime(mine / name, (0, 0))
    (finished.path / "runs" / "zz").symlink_to(mine)
    finished.check_writable()
    assert len(list(mine.iterdir())) == 2
    assert len(finished.runs()) == 1


@pytest.mark.parametrize("name", ["run.json", "report.json", "lock", "log.jsonl", "override.json", "job.json"])
def test_a_pipe_in_place_of_a_file_is_named_and_not_waited_for(finished: Home, name: str) -> None:
    import os

    [run] = finished.runs()
    damaged = run.path.with_name("20990101T000000.000000-damaged-ffff")
    shutil.copytree(run.path, damaged)
    (damaged / name).unlink(missing_ok=True)
    os.mkfifo(damaged / name)
    done = call("runs", "--home", finished.path)
    assert done.exit_code == 0
    assert "damaged" in done.output
    done = call("report", "damaged", "--home", finished.path)
    assert done.exit_code == 1
    assert f"{name} is no file" in done.output
    assert quorate.load_report(home=finished.path).run_id == run.id


def test_a_report_whose_entry_was_removed_is_told(finished: Home) -> None:
    ledger = ledger_of(finished)
    ledger.path.write_bytes(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[:-1]))
    [told] = problems(finished)
    assert "its report must be in the ledger, as its candidates are; it was not there" in told


def test_what_would_steer_a_terminal_is_shown(finished: Home, capsys: pytest.CaptureFixture[str]) -> None:
    steering = "\x1b]0;owned\x07\x1b[2J\u202e"
    edited(finished, lambda document: document["provenance"]["data"].update(symbols=[f"SIM{steering}"]))
    done = call("report", "--section", "all", "--home", finished.path)
    assert "\x1b]" not in done.output
    assert "\\x1b]0;owned" in done.output
    done = call("report", f"no{steering}", "--home", finished.path)
    assert "\x1b]" not in done.output
    assert "\\x1b]0;owned" in done.output
