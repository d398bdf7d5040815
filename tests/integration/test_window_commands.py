"""Commands that are begun from the window, and homes that would end it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from quorate.cli._ui import doors_of
from quorate.errors import QuorateError
from quorate.report.browser.jobs import Jobs
from quorate.store import Home, Run
from quorate.store.documents import seal_of
from support.window import FAILED, PASSED, STOPPED, SWEEP, Window, stored, walk


def _begun(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return where commands are noted instead of begun."""
    noted: list[list[str]] = []
    monkeypatch.setattr(window.app, "begin", lambda words: noted.append(list(words)))
    return noted


def test_enter_pressed_twice_begins_a_command_once(drawn: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(window: Window) -> None:
        noted = _begun(window, monkeypatch)
        await window.press("end", "enter", "E")
        for _ in range(4):  # nothing is waited for between them
            window.app.simulate_key("enter")
        await window.settle()
        assert [words[:2] for words in noted] == [["export", PASSED]]
        assert window.crumbs[0] == PASSED.partition("-")[2]

    walk(drawn, steps)


def test_a_faulty_plugin_keeps_nobody_from_what_can_be_done(drawn: Home) -> None:
    def recipes() -> list[str]:
        raise QuorateError("the recipe 'planted' is provided twice")

    async def steps(window: Window) -> None:
        await window.press("end", "a")
        assert "quorate promote" in window.text()
        await window.press("escape", "N")
        assert "recipe.toml" in window.text()  # the run's own

    walk(drawn, steps, doors=replace(stored(drawn), recipes=recipes))


DEEP = "[" * 100_000
JOBS = [
    '{"words": ["run"], "began": "2026", "pid": 1e999, "ticks": "1"}',
    '{"words": ["run"], "began": "2026", "pid": -1, "ticks": ""}',
    '{"words": 5}',
    "[]",
    DEEP,
]


def test_commands_that_others_noted_wrongly_are_left_out(own: Home) -> None:
    for k, text in enumerate(JOBS):
        folder = own.path / "jobs" / f"20260101T00000{k}.000000-run-0a0{k}"
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(text, encoding="utf-8")
    assert [job.state for job in Jobs(own).all()] == ["stopped"]

    async def steps(window: Window) -> None:
        await window.press("4")
        assert "quorate run" in window.text()

    walk(own, steps)


def _spoilt(home: Home, part: str, value: Any) -> None:
    run = Run(home, FAILED)
    document = json.loads((run.path / "report.json").read_text(encoding="utf-8"))
    document["results"]["development"][part] = value
    run.write_report(document)


@pytest.mark.parametrize(("part", "value", "key"), [("span", 5, "g"), ("gates", [{}], "g"), ("series", [{}], "t")])
def test_a_report_that_is_not_as_quorate_writes_it_ends_no_window(own: Home, part: str, value: Any, key: str) -> None:
    _spoilt(own, part, value)

    async def steps(window: Window) -> None:
        window.app.screen.rows.go(FAILED)  # type: ignore[attr-defined]
        await window.press("enter", key)
        assert "?" in window.text() if part == "span" else "cannot be shown" in window.text()
        await window.press("escape", "escape")

    walk(own, steps)


def test_a_ledger_that_cannot_be_read_is_not_shown_as_an_empty_one(own: Home) -> None:
    (own.path / "ledger").mkdir()
    (own.path / "ledger" / "ledger.jsonl").write_text(f"{DEEP}\n", encoding="utf-8")

    async def steps(window: Window) -> None:
        await window.press("3")
        assert "cannot be read" in window.text()

    walk(own, steps)


@pytest.mark.parametrize(("part", "value"), [("objectives", []), ("searches", {"odd": 5})])
def test_a_sweep_that_is_not_as_quorate_writes_it_ends_no_window(own: Home, part: str, value: Any) -> None:
    path = Run(own, SWEEP, "sweep").path / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), part: value}), encoding="utf-8")

    async def steps(window: Window) -> None:
        await window.press("2", "enter", "n")
        assert "This cannot be shown" in window.text()
        await window.press("s", "enter", "escape", "escape")

    walk(own, steps)


def test_a_sweep_that_was_changed_is_not_shown(own: Home) -> None:
    report = Run(own, SWEEP, "sweep").path / "report.json"
    document = json.loads(report.read_text(encoding="utf-8"))
    document.pop("seal")
    report.write_text(json.dumps({**document, "seal": seal_of(document)}), encoding="utf-8")

    async def shown(window: Window) -> None:
        await window.press("2", "enter")
        assert "no evidence that tuning" in window.text()

    async def refused(window: Window) -> None:
        await window.press("2", "enter")
        assert "another seal" in window.text()
        assert "no evidence that tuning" not in window.text()

    walk(own, shown, doors=doors_of(own))
    report.write_text(report.read_text(encoding="utf-8").replace('"nasdaq"', '"nasdoq"', 1), encoding="utf-8")
    walk(own, refused, doors=doors_of(own))


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_cannot_place_text_is_told_what_can(drawn: Home, kind: str) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "quorate", "ui", "--home", str(drawn.path)],
        stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env={**os.environ, "TERM": kind}, timeout=60, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 1
    assert f"TERM is '{kind}'" in done.stderr.decode()


def test_what_a_command_printed_last_is_seen_where_it_was_watched(own: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("4")
        window.app.begin(["runs", "--find", "nothing is like that"])
        await window.until(lambda: "none of the 4 runs" in window.text() and "│ done" in window.text())

    walk(own, steps, size=(140, 40))


def test_what_is_shown_beside_a_list_follows_what_becomes_of_it(own: Home) -> None:
    kept = own.path / "kept"
    report = Run(own, FAILED).path / "report.json"
    shutil.move(report, kept)

    async def steps(window: Window) -> None:
        window.app.screen.rows.go(FAILED)  # type: ignore[attr-defined]
        await window.until(lambda: "│ interrupted" in window.text())
        shutil.move(kept, report)
        window.app.catalogue.soon()
        await window.until(lambda: "│ interrupted" not in window.text())

    walk(own, steps, size=(140, 40))


def test_a_recipe_that_was_changed_is_begun_again_as_it_was(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        app = window.app
        plain, changed = (app.row_of(run) for run in (PASSED, STOPPED))
        assert plain is not None
        assert changed is not None
        assert app.subject_of(plain).recipe == "planted"
        assert app.subject_of(changed).recipe == str(app.run_of(STOPPED).path / "recipe.toml")

    walk(drawn, steps)
