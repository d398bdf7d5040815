"""A home of an earlier layout is brought to today's; stopped in the middle, it can be given again."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
from pathlib import Path

import pytest

import quorate
from quorate.errors import IntegrityError, StoreError
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.verify import verify
from quorate.runs import upgrading
from quorate.runs.upgrading import COPY, upgrade
from quorate.store import Home
from quorate.store.trust import is_trusted

ARCHIVE = Path(__file__).parents[2] / "end_to_end" / "stored" / "home-before-rooms.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Home:
    """A home as the first releases left it: fits of the first version, and openings as files in a folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    place = tmp_path / "home"
    note = place / "holdouts" / ("ab" * 32) / f"{'cd' * 32}.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"run": "20250101T000000.000000-older-0001", "opened": "2025-01-01T00:00:00+00:00"}))
    return Home(place)


def _state(home: Home) -> tuple[int, list[str], bool, bool]:
    with sqlite3.connect(home.path / "fits" / "fits.sqlite") as file:
        version = file.execute("PRAGMA user_version").fetchone()[0]
    imported = [e["run"] for e in ledger_of(home).entries() if e.get("kind") == "opening" and e["imported"]]
    return version, imported, (home.path / "holdouts").exists(), (home.path / COPY).exists()


def test_each_step_is_told_beforehand_and_done(old: Home) -> None:
    before = [path.read_bytes() for path in sorted(old.path.glob("runs/*/report.json"))]
    told = upgrade(old, dry_run=True)
    assert ([step.name for step in told.steps], told.before, told.done) == (["fits", "openings", "layout"], 0, False)
    assert _state(old) == (1, [], True, False)
    assert upgrade(old).done
    assert _state(old) == (3, ["20250101T000000.000000-older-0001"], False, False)
    assert upgrade(old).steps == ()
    assert verify(old).sound
    assert [path.read_bytes() for path in sorted(old.path.glob("runs/*/report.json"))] == before
    assert quorate.load_report("before-926b", home=old.path).verdict == "FAIL"
    assert not is_trusted(old.path)  # as before


@pytest.mark.parametrize("step", ["fits", "openings", "layout"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_stopped_in_the_middle_it_goes_on(old: Home, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    real = upgrading._DO[step]

    def stopped(home: Home) -> None:
        if when == "after":
            real(home)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(upgrading._DO, step, stopped)
        with pytest.raises(KeyboardInterrupt):
            upgrade(old)
    copy = old.path / COPY / "fits" / "fits.sqlite"
    with sqlite3.connect(copy) as file:  # what was there first
        assert file.execute("PRAGMA user_version").fetchone()[0] == 1
    upgrade(old)
    assert _state(old) == (3, ["20250101T000000.000000-older-0001"], False, False)
    assert verify(old).sound


def test_a_home_of_today_has_nothing_to_change(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    home.claim()
    found = upgrade(home)
    assert (found.steps, found.before, found.layout) == ((), 1, 1)
    assert is_trusted(home.path)


def test_a_home_of_a_newer_version_is_refused_by_all(tmp_path: Path) -> None:
    Home(tmp_path / "new").claim()
    own = json.loads((tmp_path / "new" / "home.json").read_text())
    (tmp_path / "new" / "home.json").write_text(json.dumps({**own, "layout": 2}))
    with pytest.raises(StoreError, match="has layout 2; this quorate knows up to 1: upgrade quorate"):
        Home(tmp_path / "new")


def test_a_broken_ledger_is_told_before_anything_is_changed(old: Home) -> None:
    path = old.path / "ledger" / "ledger.jsonl"
    path.write_text(path.read_text().replace('"sharpe"', '"sharp"', 1))
    with pytest.raises(IntegrityError):
        upgrade(old)
    shutil.rmtree(old.path / "ledger")
    assert _state(old)[0] == 1
