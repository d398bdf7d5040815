"""What of a home can go, and what never does."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import StoreError
from quorate.runs.retention import by_kind, prune, size_of
from quorate.store import Home
from quorate.store.home import LEFT

DAY = 86400.0


def _old(path: Path, days: float) -> Path:
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def _put(path: Path, size: int, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return _old(path, days)


def test_what_nothing_needs_goes_and_all_else_stays(finished: Home) -> None:
    home = finished.path
    [bars] = (home / "bars").glob("*.parquet")
    for path in (home / "bars").iterdir():
        _old(path, 50)
    gone = [
        _put(home / "bars" / f"{'0' * 64}.parquet", 1000, 3),
        _put(home / ".report.json.7-0123abcd.tmp", 10, 2),
        _put(home / "models" / f"{'a' * 64}.json.7-0123abcd.tmp", 20, 2),
        _put(home / "fits" / "damaged-17-fits.sqlite", 30, 2),
        _put(home / "registry" / "x" / ".1.7-0123abcd.tmp" / "version.json", 40, 2).parent,
    ]
    _old(gone[-1], 2)
    young = _put(home / "bars" / f"{'1' * 64}.parquet", 1000, 0)  # of a run that begins just now
    before = size_of(home)
    told = prune(finished)
    assert {item.name for item in told.items} == {os.path.relpath(path, home) for path in gone}
    assert (told.freed, told.size, told.holds) == (1100, before, True)
    assert size_of(home) == before  # a dry run
    found = prune(finished, dry_run=False)
    assert found.items == told.items
    assert not any(path.exists() for path in gone)
    assert young.exists()
    assert bars.exists()
    assert size_of(home) == before - 1100
    assert quorate.reproduce(home=home).identical


def test_what_can_be_had_again_goes_by_age_and_by_budget_the_longest_unused_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for days in range(1, 6):
        _put(home / "kept" / f"{days}.npz", 1000, days)
    _put(home / "fetched" / "page", 500, 10)
    assert by_kind(prune(Home(home)).left) == {
        "fetched": {"items": 1, "bytes": 500},
        "array": {"items": 5, "bytes": 5000},
    }
    old = prune(Home(home), older_than=3.5 * DAY)
    assert [item.name for item in old.items] == ["fetched/page", "kept/5.npz", "kept/4.npz"]
    some = prune(Home(home), budget=3100, dry_run=False)
    assert ([item.name for item in some.items], some.holds) == (["fetched/page", "kept/5.npz", "kept/4.npz"], True)
    assert sorted(path.name for path in (home / "kept").iterdir()) == ["1.npz", "2.npz", "3.npz"]
    assert size_of(home) == 3000


def test_fits_and_models_go_and_a_run_is_what_it_was(finished: Home) -> None:
    found = prune(finished, budget=0, dry_run=False)
    assert by_kind(found.items)["fit"]["items"] > 0
    assert not found.holds
    assert quorate.reproduce(home=finished.path).identical
    assert prune(finished, budget=0).items == () or by_kind(prune(finished, budget=0).items).keys() <= {"fit", "array"}


def test_files_of_two_names_count_once_and_are_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = "b" * 64
    for end in (".safetensors", ".json"):
        path = _put(home / "models" / f"{key}{end}", 100, 9)
        copy = home / "registry" / "x" / "1" / "models" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, copy)
    alone = "c" * 64
    for end in (".safetensors", ".json"):
        _put(home / "models" / f"{alone}{end}", 100, 9)
    assert size_of(home) == 400
    found = prune(Home(home), budget=0, dry_run=False)
    assert [(item.kind, item.name, item.bytes) for item in found.items] == [
        ("model", f"models/{alone}.safetensors", 200)
    ]
    assert len(list((home / "models").iterdir())) == 2


def test_bars_stay_while_it_is_not_known_who_needs_them(finished: Home) -> None:
    _put(finished.path / "bars" / f"{'0' * 64}.parquet", 1000, 3)
    [run] = finished.runs()
    (run.path / "run.json").write_text("{")
    found = prune(finished)
    assert not [item for item in found.items if item.kind == "unnamed bars"]
    assert "bars stay" in found.notes[0]


def test_the_command(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _put(home / "kept" / "1.npz", 3000, 2)
    words = ["prune", "--home", str(home), "--budget"]
    out = CliRunner().invoke(app, [*words, "1kB", "--dry-run", "--json"])
    told = json.loads(out.output)
    assert (out.exit_code, told["freed"], told["dry_run"]) == (0, 3000, True)
    assert (home / "kept" / "1.npz").exists()
    assert CliRunner().invoke(app, [*words, "1kB"]).exit_code == 0
    assert not (home / "kept" / "1.npz").exists()
    _put(home / "ledger" / "x", 3000, 2)
    out = CliRunner().invoke(app, [*words, "1kB"])
    assert (out.exit_code, "the budget of 1 kB cannot hold" in out.output) == (1, True)
    out = CliRunner().invoke(app, [*words, "much"])
    assert (out.exit_code, "--budget must be a number and B" in out.output) == (2, True)
    shutil.rmtree(home)
    with pytest.raises(StoreError, match="there is no home"):
        prune(Home(home))
    assert LEFT <= 3600
