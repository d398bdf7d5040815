"""Finished fits on disk: found again to the bit, and nothing that happens to the file gives a wrong one."""

from __future__ import annotations

import math
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

import numpy as np
import pytest

import quorate
from quorate.execution.cache import FitCache
from quorate.execution.course import read_course
from quorate.execution.task import FitResult, FitTask
from quorate.plugins.provider import Reference


def make_task(key, model="m", fold=0):
    return FitTask(model, fold, Reference("model", "plugin", "module"), {}, 1, 1, True, key=key)


def make_result(key, n=5, outputs=("sd",), seed=0, **more):
    rng = np.random.default_rng([seed, len(key), *key.encode()])
    more = {"seconds": 2.0, "cpu_seconds": 1.5, "place": "host:1", "notes": ("w: a",), "n_train": 100, **more}
    return FitResult("m", 0, rng.normal(size=n), {name: rng.normal(size=n) for name in outputs}, key, **more)


COURSE = read_course(
    {
        "epochs": {"train_loss": [0.3, 0.2, np.pi], "val_loss": [np.nan, 0.4, 1 / 3]},
        "batches": [[0.1, 0.5], [0.25], []],
        "best_epoch": 2,
        "stopped": "no progress",
    },
    rows=7,
)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def cache(tmp_path, heard):
    made = FitCache(tmp_path / "fits", heard.append)
    yield made
    made.close()


def put(cache, *keys, **more):
    for key in keys:
        cache.put(make_result(key, **more), "plugin")


def corrupt(cache, key, column="data"):
    with sqlite3.connect(cache.path) as connection:
        [value] = connection.execute(f"SELECT {column} FROM fits WHERE key = ?", (key,)).fetchone()
        if isinstance(value, bytes):
            value = value[:3] + bytes([value[3] ^ 1]) + value[4:]
        else:
            value = value + 1 if isinstance(value, int) else value.replace("a", "b")
        connection.execute(f"UPDATE fits SET {column} = ? WHERE key = ?", (value, key))


def test_what_was_put_is_found_to_the_bit_by_another_process_too(cache):
    special = np.array([np.nan, -0.0, 1e-320, np.pi, 1 / 3])
    cache.put(FitResult("m", 0, special, {"sd": special[::-1]}, "k", 7, 2.0, 1.5, place="host:1", notes=("n",)), "p")
    code = f"""
        from quorate.execution.cache import FitCache
        from quorate.execution.task import FitTask
        from pathlib import Path
        task = FitTask("other", 3, None, {{}}, 1, 1, True, key="k")
        found = FitCache(Path({str(cache.path.parent)!r})).find([task])["k"]
        print(found.predictions.tobytes().hex(), found.outputs["sd"].tobytes().hex(), found.model, found.fold,
              found.cached, found.n_train, found.seconds, found.cpu_seconds, found.place, found.notes,
              repr(found.error))
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    words = f"{special.tobytes().hex()} {special[::-1].tobytes().hex()} other 3 True 7 2.0 1.5 host:1 ('n',) ''"
    assert out.stdout.strip() == words


def test_an_empty_home_gives_nothing_and_makes_no_file(cache):
    assert cache.find([make_task("a")]) == {}
    assert (cache.rates(), cache.entries(), cache.verify(), cache.prune(max_size=0), cache.size) == (
        {},
        [],
        (0, []),
        [],
        0,
    )
    cache.close()
    assert not cache.path.parent.exists()


@pytest.mark.parametrize("column", ["data", "notes", "outputs", "train_rows", "checksum"])
def test_a_damaged_entry_is_told_and_never_used(cache, heard, column):
    put(cache, "a", "b")
    corrupt(cache, "a", column) if column != "outputs" else corrupt_outputs(cache)
    assert set(cache.find([make_task("a"), make_task("b")])) == {"b"}
    assert len(heard) == 1
    assert "1 of the fits kept in" in heard[0]
    assert "damaged" in heard[0]
    put(cache, "a")
    assert set(cache.find([make_task("a"), make_task("b")])) == {"a", "b"}
    assert len(heard) == 1


def corrupt_outputs(cache):
    with sqlite3.connect(cache.path) as connection:
        connection.execute("""UPDATE fits SET outputs = '["mean"]' WHERE key = 'a'""")


def test_verify_finds_and_removes_exactly_the_damaged_ones(cache):
    put(cache, *"abcdef")
    assert cache.verify() == (6, [])
    corrupt(cache, "c")
    corrupt(cache, "e")
    total, broken = cache.verify()
    assert (total, sorted(broken)) == (6, ["c", "e"])
    assert cache.verify() == (4, [])


def test_of_a_file_with_damaged_pages_what_can_be_read_is_kept(cache, heard):
    put(cache, *[f"key-{k}" for k in range(300)], n=200)
    cache.close()
    size = cache.path.stat().st_size
    with open(cache.path, "r+b") as file:
        for page in (size // 4096 // 3, size // 4096 // 2):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    tasks = [make_task(f"key-{k}") for k in range(300)]
    for _ in range(2):  # the first may be what finds the damage
        found = cache.find(tasks)
    assert 200 < len(found) < 300
    for key, result in found.items():
        assert result.predictions.tobytes() == make_result(key, n=200).predictions.tobytes()
    assert cache.verify()[1] == []


@pytest.mark.parametrize("damage", ["first page", "cut", "no database"])
def test_a_file_that_is_no_database_any_more_is_set_aside(cache, heard, damage):
    put(cache, *[f"key-{k}" for k in range(300)], n=200)
    cache.close()
    if damage == "first page":
        with open(cache.path, "r+b") as file:
            file.write(b"\0" * 4096)
    elif damage == "cut":
        os.truncate(cache.path, cache.path.stat().st_size // 3)
    else:
        cache.path.write_bytes(b"something else")
    tasks = [make_task(f"key-{k}") for k in range(300)]
    found = cache.find(tasks)
    assert len(found) < 300
    put(cache, "new")
    assert set(cache.find([make_task("new")])) == {"new"}
    for key, result in found.items():
        assert result.predictions.tobytes() == make_result(key, n=200).predictions.tobytes()
    assert any("is damaged" in message for message in heard)
    assert list(cache.path.parent.glob("damaged-*-fits.sqlite"))


def test_a_kill_loses_nothing_that_was_put(cache):
    code = f"""
        import os, signal
        from pathlib import Path
        from test_cache import FitCache, make_result
        cache = FitCache(Path({str(cache.path.parent)!r}))
        for k in range(50):
            cache.put(make_result(f"key-{{k}}"), "plugin")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    here = os.path.dirname(__file__)  # what -c imports from
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=here, check=False)
    assert ended.returncode == -9
    assert len(cache.find([make_task(f"key-{k}") for k in range(50)])) == 50


def test_a_power_loss_at_any_byte_leaves_whole_entries_only_and_all_that_were_synced(tmp_path):
    """What was not synced may be missing from the log from any byte on, or be noise there."""
    cache = FitCache(tmp_path / "fits")
    put(cache, *[f"old-{k}" for k in range(5)])
    cache.sync()
    log = cache.path.with_name("fits.sqlite-wal")
    synced = log.stat().st_size
    put(cache, *[f"new-{k}" for k in range(5)])
    after = log.read_bytes()
    assert len(after) > synced
    tasks = [make_task(f"{age}-{k}") for age in ("old", "new") for k in range(5)]
    rng = np.random.default_rng(0)
    cuts = sorted({*range(synced, len(after), 1037), synced, len(after) - 1, len(after)})
    found_new = set()
    for cut in cuts:
        for tail in (b"", rng.bytes(len(after) - cut)):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            copy.mkdir()
            shutil.copy(cache.path, copy)
            (copy / log.name).write_bytes(after[:cut] + tail)
            other = FitCache(copy, pytest.fail)
            found = other.find(tasks)
            assert {f"old-{k}" for k in range(5)} <= set(found)
            for key, result in found.items():
                assert result.predictions.tobytes() == make_result(key).predictions.tobytes()
            found_new |= set(found)
            other.close()
    assert len(found_new) == 10
    cache.close()


def test_what_was_put_is_synced_within_a_second_and_not_each_on_its_own(cache, monkeypatch):
    synced = []
    monkeypatch.setattr("quorate.execution.cache.sync", synced.append)
    put(cache, *[f"key-{k}" for k in range(200)])
    before = len(synced)
    deadline = time.monotonic() + 60
    while len(synced) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cache.path.with_name("fits.sqlite-wal") in synced
    assert len(synced) < 100


def test_a_full_disk_is_told_and_what_was_kept_stays(cache):
    put(cache, "a", "b")
    size = cache.path.stat().st_size // 4096
    cache._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cache._connection.execute(f"PRAGMA max_page_count = {max(size, 1) + 2}")
    with pytest.raises(quorate.StoreError, match=r"the disk is full.*free some space"):
        put(cache, *[f"key-{k}" for k in range(100)], n=500)
    assert {"a", "b"} <= set(cache.find([make_task("a"), make_task("b")]))
    assert cache.verify()[1] == []


def test_a_newer_file_is_refused(cache):
    put(cache, "a")
    cache.close()
    with sqlite3.connect(cache.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(quorate.StoreError, match=r"version 99.*upgrade quorate"):
        cache.find([make_task("a")])


def test_what_a_fit_told_of_its_training_rows_is_kept_with_it(cache):
    put(cache, "a", in_sample=0.75)
    put(cache, "b")
    found = cache.find([make_task("a"), make_task("b")])
    assert found["a"].in_sample == 0.75
    assert math.isnan(found["b"].in_sample)
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE fits SET in_sample = 0.99 WHERE key = 'a'")
    assert set(cache.find([make_task("a"), make_task("b")])) == {"b"}


def test_how_a_model_was_trained_is_kept_with_its_fit(cache):
    put(cache, "a", course=COURSE, peak_memory=5 * 2**20)
    put(cache, "b")
    found = cache.find([make_task("a"), make_task("b")])
    assert (found["b"].course, found["b"].peak_memory, found["a"].peak_memory) == (None, 0, 5 * 2**20)
    again = found["a"].course
    for name, values in COURSE.epochs.items():
        np.testing.assert_array_equal(again.epochs[name], values, name)
    assert [losses.tobytes() for losses in again.batches] == [losses.tobytes() for losses in COURSE.batches]
    for name in ("best_epoch", "stopped", "every", "steps", "rows"):
        assert getattr(again, name) == getattr(COURSE, name), name
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE fits SET course = CAST(course || 'x' AS BLOB) WHERE key = 'a'")
    assert set(cache.find([make_task("a"), make_task("b")])) == {"b"}


def as_of_version(cache, version):
    """Make the file what an earlier version would have made."""
    cache.close()
    with closing(sqlite3.connect(cache.path)) as connection:
        for column in ("in_sample", "peak_memory", "course")[version - 1 :]:
            connection.execute(f"ALTER TABLE fits DROP COLUMN {column}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
        connection.execute("VACUUM")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_of_an_earlier_version_is_read_on(cache, damaged, version):
    put(cache, *[f"key-{k}" for k in range(40)])
    as_of_version(cache, version)
    if damaged:
        size = cache.path.stat().st_size
        with open(cache.path, "r+b") as file:
            file.seek(size // 8192 * 4096)
            file.write(b"\xff" * 4096)
    tasks = [make_task(f"key-{k}") for k in range(40)]
    for _ in range(2):
        found = cache.find(tasks)
    assert len(found) == 40 or (damaged and 10 < len(found) < 40)
    assert found["key-0"].predictions.tobytes() == make_result("key-0").predictions.tobytes()
    assert found["key-0"].course is None
    put(cache, "new", in_sample=0.5, course=COURSE)
    new = cache.find([make_task("new")])["new"]
    assert (new.in_sample, new.course.stopped) == (0.5, COURSE.stopped)


def test_many_that_open_a_file_of_the_first_version_at_once_all_can(cache):
    put(cache, "a")
    as_of_version(cache, 1)
    together, faults = threading.Barrier(8), []

    def look():
        other = FitCache(cache.path.parent)
        together.wait(60)
        try:
            assert set(other.find([make_task("a")])) == {"a"}
        except Exception as e:
            faults.append(e)
        other.close()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []


def test_prune_by_age_and_size(cache):
    put(cache, *"abcdef", n=1000)
    with sqlite3.connect(cache.path) as connection:
        for days, key in enumerate("abcdef"):
            connection.execute("UPDATE fits SET used = ? WHERE key = ?", (time.time() - days * 86400, key))
    each = cache.entries()[0].bytes
    assert [e.key for e in cache.entries()] == list("abcdef")
    assert [e.key for e in cache.prune(older_than=3.5 * 86400)] == ["e", "f"]
    assert [e.key for e in cache.prune(max_size=2 * each)] == ["c", "d"]
    assert [e.key for e in cache.entries()] == ["a", "b"]
    assert cache.prune(older_than=1e9, max_size=10**9) == []
    before = cache.size
    cache.prune(max_size=0)
    assert cache.entries() == []
    assert cache.size < before


def test_finding_an_entry_makes_it_the_latest_used(cache):
    put(cache, "a", "b")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE fits SET used = 1")
    cache.find([make_task("b")])
    assert [e.key for e in cache.entries()] == ["b", "a"]


@pytest.mark.parametrize("column", ["seconds", "created", "used", "train_rows", "plugin", "model"])
@pytest.mark.parametrize("value", ["'x'", "x'00ff'", "1e999", "'1'"])
def test_a_row_of_other_types_is_damaged(cache, column, value):
    put(cache, "a", "b")
    with sqlite3.connect(cache.path) as connection:
        connection.execute(f"UPDATE fits SET {column} = {value} WHERE key = 'a'")
    if value in ("'1'", "1e999", "'x'") and column in ("plugin", "model"):
        return  # text is what they are; a number becomes one
    sound = value == "'1'"  # which SQLite takes for the number
    assert {e.key for e in cache.entries()} == ({"a", "b"} if sound else {"b"})
    assert set(cache.rates()) <= {"plugin", "1"}
    if not sound:
        assert cache.verify() == (2, ["a"])


@pytest.mark.parametrize("column", ["notes", "outputs", "place", "plugin", "model", "key"])
def test_text_that_is_not_utf8_is_damaged(cache, heard, column):
    put(cache, "a", "b")
    with sqlite3.connect(cache.path) as connection:
        connection.execute(f"UPDATE fits SET {column} = CAST(x'61ff62' AS TEXT) WHERE key = 'a'")
    found = set(cache.find([make_task("a"), make_task("b")]))
    assert (found, len(heard)) == (
        {"a", "b"} if column in ("plugin", "model") else {"b"},
        column in ("notes", "outputs", "place"),
    )
    assert {e.key for e in cache.entries()} == {"b"}
    assert len(cache.rates()) in (1, 2)
    total, broken = cache.verify()
    assert (total, len(broken)) == ((1, 0) if column in ("notes", "outputs", "place") else (2, 1))
    assert cache.verify() == (1, [])


def test_rates_are_seconds_per_training_row(cache):
    cache.put(make_result("a", seconds=2.0, n_train=100), "one")
    cache.put(make_result("b", seconds=4.0, n_train=300), "one")
    cache.put(make_result("c", seconds=1.0, n_train=10), "two")
    assert cache.rates() == {"one": pytest.approx(6 / 400), "two": pytest.approx(0.1)}


def _put_many(folder, name):
    cache = FitCache(folder)
    for k in range(100):
        cache.put(make_result(f"{name}-{k}"), "plugin")
    cache.close()


def test_processes_may_write_and_read_at_the_same_time(cache):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(cache.path.parent, name)) for name in "xz"]
    for writer in writers:
        writer.start()
    until = time.monotonic() + 200
    while any(writer.is_alive() for writer in writers):
        cache.find([make_task("x-1"), make_task("z-99")])
        assert time.monotonic() < until
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(cache.find([make_task(f"{name}-{k}") for name in "xz" for k in range(100)])) == 200
    assert cache.verify() == (200, [])


def test_a_new_file_that_another_process_holds_is_waited_for(cache):
    """While one process makes the file, or lets go of it, SQLite refuses others at once: they must try again."""
    cache.path.parent.mkdir(parents=True)
    other = sqlite3.connect(cache.path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE begun (x)")
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()
    put(cache, "one")
    timer.join(60)
    assert set(cache.find([make_task("one")])) == {"one"}


def test_a_file_that_is_held_for_too_long_is_told(cache, monkeypatch):
    monkeypatch.setattr("quorate.execution.cache.PATIENCE", 0.05)
    cache.path.parent.mkdir(parents=True)
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("CREATE TABLE begun (x)")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(quorate.StoreError, match=r"fits\.sqlite: database is locked"):
        put(cache, "one")
    other.close()
