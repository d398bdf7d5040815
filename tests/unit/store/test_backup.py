"""A home brought to another place and back: whole, once, and never taken for one that this user made."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quorate.errors import IntegrityError, RecipeError, StoreError
from quorate.store import Home
from quorate.store.backup import backup, backups, restore
from quorate.store.places import outgoing, place_of
from quorate.store.trust import claim, is_trusted


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    claim(home.path)
    for name, text in (("runs/a/report.json", "{}"), ("runs/b/report.json", "{}"), ("ledger/ledger.jsonl", "1\n")):
        (home.path / name).parent.mkdir(parents=True, exist_ok=True)
        (home.path / name).write_text(text)
    (home.path / "fits").mkdir()
    with closing(sqlite3.connect(home.path / "fits" / "fits.sqlite")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE fits (key)")
        database.execute("INSERT INTO fits VALUES (7)")
        database.commit()
    for left in ("kept/x", "fetched/y", "runs/a/.report.json.1-abcdef12.tmp"):
        (home.path / left).parent.mkdir(parents=True, exist_ok=True)
        (home.path / left).write_text("left")
    (home.path / "runs" / "link").symlink_to(tmp_path)
    return home


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_home_comes_back_whole_and_is_not_trusted(home: Home, tmp_path: Path) -> None:
    place = str(tmp_path / "place")
    first = backup(home, place)
    assert (first.files, first.brought) == (4, 3)  # two of them hold the same
    again = Home(tmp_path / "again")
    assert restore(again, place).id == first.id
    assert names(again.path) == ["fits/fits.sqlite", "ledger/ledger.jsonl", "runs/a/report.json", "runs/b/report.json"]
    with closing(sqlite3.connect(again.path / "fits" / "fits.sqlite")) as database:
        assert database.execute("SELECT key FROM fits").fetchall() == [(7,)]
    assert is_trusted(home.path)
    assert not is_trusted(again.path)
    assert [p.name for p in tmp_path.iterdir() if "restored" in p.name] == []


def test_what_is_there_is_not_brought_again_and_every_backup_stays(home: Home, tmp_path: Path) -> None:
    place = str(tmp_path / "place")
    first = backup(home, place)
    (home.path / "ledger" / "ledger.jsonl").write_text("1\n2\n")
    second = backup(home, place)
    assert second.brought == 1
    assert backups(place) == [first.id, second.id]
    for one, text in ((first, "1\n"), (second, "1\n2\n")):
        back = Home(tmp_path / one.id)
        restore(back, place, one.id)
        assert (back.path / "ledger" / "ledger.jsonl").read_text() == text


def test_what_was_changed_or_leads_elsewhere_is_refused_and_nothing_is_left(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "place"
    done = backup(home, str(place))
    listed = place / "backups" / f"{done.id}.json"
    said = json.loads(listed.read_text())
    one = said["files"]["ledger/ledger.jsonl"]["sha256"]
    stored = place / "objects" / one[:2] / one
    stored.write_text("other")
    again = Home(tmp_path / "again")
    with pytest.raises(IntegrityError, match=r"ledger/ledger.jsonl is not what was brought"):
        restore(again, str(place))
    stored.unlink()
    with pytest.raises(IntegrityError, match=r"the backup is not whole, ledger/ledger.jsonl"):
        restore(again, str(place))
    for name in ("../out", "/etc/x", "a//b"):
        listed.write_text(json.dumps({**said, "files": {name: {"bytes": 1, "sha256": one}}}))
        with pytest.raises(IntegrityError, match="a file that it must not"):
            restore(again, str(place))
    listed.write_text(json.dumps({**said, "schema_version": 2}))
    with pytest.raises(IntegrityError, match="of version 2"):
        restore(again, str(place))
    assert not again.path.exists()


def test_what_cannot_be_says_why(home: Home, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it lies in the home"):
        backup(home, str(home.path / "inside"))
    with pytest.raises(StoreError, match="there is no home at"):
        backup(Home(tmp_path / "none"), str(tmp_path / "place"))
    with pytest.raises(StoreError, match="there is no backup at"):
        restore(Home(tmp_path / "again"), str(tmp_path / "empty"))
    backup(home, str(tmp_path / "place"))
    with pytest.raises(StoreError, match="it holds something already"):
        restore(home, str(tmp_path / "place"))
    with pytest.raises(StoreError, match="there is no backup '2020'"):
        restore(Home(tmp_path / "again"), str(tmp_path / "place"), "2020")
    with pytest.raises(RecipeError, match=r"ftp://host/x: files are written to a folder, s3://"):
        place_of("ftp://host/x")
    with pytest.raises(RecipeError, match="a home must be a folder of this machine"):
        Home("s3://bucket/home")


def test_a_folder_is_written_as_it_is(tmp_path: Path) -> None:
    with outgoing(tmp_path / "out") as folder:
        assert folder == tmp_path / "out"
