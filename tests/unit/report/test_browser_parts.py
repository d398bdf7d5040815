"""Parts of the interactive window that need no window: commands, jobs, what is asked for, and what a home holds."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from quorate.cli._app import app
from quorate.errors import StoreError
from quorate.report.browser import jobs
from quorate.report.browser.catalogue import Catalogue
from quorate.report.browser.deeds import DEEDS, SWEEP_DEEDS, Deed, Field, on_comparison, possible
from quorate.report.browser.jobs import Jobs, typed
from quorate.report.browser.list_view import parsed
from quorate.store import Home, Run
from support.command import call, message_of

WRITTEN = {
    "add tags": "costs 'second try'", "note": "a remark", "folder": "out", "format": "csv", "file": "page.html",
    "reason": "paper trading only", "recipe": "planted", "trials": "5", "changes": "costs.fees=0.001 seed=2",
    "parameters": "latest", "Markdown": "report.md", "pictures": "out", "series": "mean",
}  # fmt: skip


@pytest.mark.parametrize(
    "deed", [*DEEDS, *SWEEP_DEEDS, *on_comparison(["some-run-0a1b", "b"])], ids=lambda deed: f"{deed.on}-{deed.key}"
)
def test_the_command_line_takes_every_command_as_it_is(deed: Deed) -> None:
    words = deed.command("some-run-0a1b", "planted", "/some home", WRITTEN)
    found: Any = typer.main.get_command(app)
    context = found.make_context("quorate", list(words), resilient_parsing=False)
    while hasattr(found, "commands"):
        name, found, rest = found.resolve_command(context, [*context._protected_args, *context.args])
        context = found.make_context(name, rest, parent=context)
    assert str(context.params["home"]) == "/some home"
    if {"{run}", "some-run-0a1b"} & set(deed.words):
        assert "some-run-0a1b" in repr(list(context.params.values()))


def test_keys_are_given_once() -> None:
    for every in (DEEDS, SWEEP_DEEDS):
        keys = [deed.key for deed in every]
        assert len(set(keys)) == len(keys)
        assert all(key.isupper() for key in keys)


def test_what_can_be_done_depends_on_the_state() -> None:
    assert {deed.key for deed in possible("finished")} >= set("PXDFTECLOVNSA")
    assert "R" in {deed.key for deed in possible("interrupted")}
    assert not {"P", "X", "E", "R"} & {deed.key for deed in possible("running")}


def test_fields_become_words() -> None:
    field = Field("changes", "--set", several=True)
    assert field.words("a.b=1 'c.d=\"x y\"'") == ["--set", "a.b=1", "--set", 'c.d="x y"']
    assert field.words("  ") == []
    with pytest.raises(ValueError, match="quotation"):
        field.words("'a")
    reason = next(deed for deed in DEEDS if deed.key == "V")
    with pytest.raises(ValueError, match="reason is needed"):
        reason.command("run", "", "", {"reason": " "})


@pytest.mark.parametrize(
    "text,asked,words",
    [
        ("a b", {}, ["a", "b"]),
        ('tag:good tag:"second try" nasdaq', {"tag": ["good", "second try"]}, ["nasdaq"]),
        ("verdict: recipe:x state:y", {"recipe": ["x"]}, ["state:y"]),
        ('"two words', {}, ["two words"]),
    ],
)
def test_what_a_list_is_narrowed_down_to(text: str, asked: dict[str, list[str]], words: list[str]) -> None:
    assert parsed(text) == ({"tag": [], "recipe": [], "verdict": [], **asked}, words)


def _over(job: jobs.Job) -> jobs.Job:
    for _ in range(600):
        if job.state != "running":
            return job
        time.sleep(0.02)
    raise AssertionError(job.output)


def test_a_command_goes_on_without_the_window_and_is_found_again(tmp_path: Path, monkeypatch: Any) -> None:
    home = Home(tmp_path / "home with 'quotes'")
    words = ("explain-term", "Sharpe")
    job = Jobs(home).begin(words)
    again = Jobs(home).all()[0]  # of another window
    assert (again.id, again.words, again.pid) == (job.id, words, job.pid)
    assert _over(again).state == "done"
    assert again.code == 0
    assert "return" in again.output
    assert typed(shlex.split(again.command)[1:]) == again.command
    failed = _over(Jobs(home).begin(("report", "no-such-run")))
    assert failed.state == "failed"
    assert "there is no run" in failed.output
    monkeypatch.setattr(jobs, "KEPT", 1)
    last = _over(Jobs(home).begin(words))
    assert [one.id for one in Jobs(home).all()] == [last.id]


def test_a_verdict_is_no_failure(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    for code, state in ((0, "PASS"), (10, "FAIL"), (11, "INSUFFICIENT"), (12, "integrity"), (2, "failed")):
        (folder / "ended").write_text(f"{code}\n", encoding="utf-8")
        assert jobs.Job(folder, ("promote", "x"), "", 1, "").state == state


def test_a_command_is_stopped_as_ctrl_c_does(tmp_path: Path, monkeypatch: Any) -> None:
    script = tmp_path / "slow.py"
    script.write_text("import time\nprint('begun', flush=True)\ntime.sleep(60)\n", encoding="utf-8")
    monkeypatch.setattr("quorate.report.browser.jobs.sys.executable", shlex.split(f"{script.parent / 'python'}")[0])
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec python3 "{script}"\n', encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    job = Jobs(Home(tmp_path / "home")).begin(("run", "planted"))
    for _ in range(500):
        if "begun" in job.output:
            break
        time.sleep(0.02)
    assert job.state == "running"
    job.stop()
    assert (_over(job).state, job.code) == ("stopped", 128 + signal.SIGINT)


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    home = Home(tmp_path / "home" / "deeper")
    with pytest.raises(StoreError, match="cannot write"):
        Jobs(home).begin(("runs",))


def test_what_is_in_the_folder_of_jobs_and_is_none_is_left_out(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.path / "jobs" / "empty").mkdir(parents=True)
    (home.path / "jobs" / "torn").mkdir()
    (home.path / "jobs" / "torn" / "job.json").write_text("{", encoding="utf-8")
    assert Jobs(home).all() == []


def test_the_catalogue_reads_only_what_changed(finished: Home, monkeypatch: Any) -> None:
    from quorate.report.views import runs as views
    from quorate.store.label import Label, write_label

    read: list[str] = []
    listed = views.listed
    monkeypatch.setattr(views, "listed", lambda runs: [read.append(runs[0].id), *listed(runs)][1:])
    told: list[None] = []
    catalogue = Catalogue(finished, lambda: told.append(None))
    assert catalogue.look()
    (run,) = finished.runs()
    assert read == [run.id]
    assert not catalogue.look()
    assert read == [run.id]
    write_label(run, Label(tags=("new",)))
    assert catalogue.look()
    assert catalogue.row("run", run.id)["tags"] == ["new"]  # type: ignore[index]
    assert len(told) == 2


def test_a_home_that_cannot_be_read_for_a_moment_is_read_later(finished: Home, monkeypatch: Any) -> None:
    faults, read, told = [StoreError("not now"), OSError("nor now")], finished.runs, threading.Event()

    def runs(kind: Any = "run") -> list[Run]:
        if faults:
            raise faults.pop()
        return read(kind)

    monkeypatch.setattr(finished, "runs", runs)
    monkeypatch.setattr("quorate.report.browser.catalogue.PAUSE", 0.01)
    catalogue = Catalogue(finished, told.set)
    catalogue.start()
    assert told.wait(60)
    catalogue.stop()
    assert catalogue.read
    assert len(catalogue.rows("run")) == 1


def test_a_page_is_shown_in_a_browser_where_there_is_one(finished: Home, tmp_path: Path, monkeypatch: Any) -> None:
    import webbrowser

    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or True)
    page = tmp_path / "page.html"
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    told = call("report", "--html", page, "--open", "--home", finished.path)
    assert f"no browser was found here: open {page}" in told.stderr
    assert not shown
    monkeypatch.setenv("DISPLAY", ":0")
    assert call("report", "--html", page, "--open", "--home", finished.path).exit_code == 0
    assert shown == [page.as_uri()]
    for command in (("report",), ("compare", "a", "b")):
        assert "give --html FILE, too" in message_of(call(*command, "--open", "--home", finished.path), 2)
