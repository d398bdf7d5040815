"""The store: nothing is lost, nothing is half written, and what was changed is noticed."""

import errno
import json
import os
import secrets
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.plugins.local import LocalSource
from quorate.runs.loaded import load_report
from quorate.store import Home
from quorate.store.documents import REPORT_VERSION
from quorate.store.files import replacing, write_json, write_text
from quorate.store.parquet import read_parquet, read_rows, write_parquet
from quorate_data.simulated import simulated
from support import homes

TINY = homes.recipe("tiny")
FULL = Path("/dev/full")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- run ids


def test_run_ids_sort_by_the_time_the_runs_were_made(home):
    ids = [home.new_run("b" if i % 2 else "a").id for i in range(50)]
    assert ids == sorted(ids)
    assert [run.id for run in home.runs()] == ids


def test_runs_made_at_once_by_many_threads_have_folders_of_their_own(home, monkeypatch):
    # Without the random part of the id, the clock alone cannot keep threads apart.
    monkeypatch.setattr(secrets, "token_hex", lambda n: "00" * n)
    ids: list[str] = []
    ready = threading.Barrier(8)

    def work():
        ready.wait(60)
        ids.extend(home.new_run("t").id for _ in range(25))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ids) == 200
    assert len(set(ids)) == len(home.runs()) == 200


def test_runs_made_at_once_by_several_processes_have_folders_of_their_own(home):
    code = (
        "import secrets, sys; secrets.token_hex = lambda n: '00' * n; from quorate.store import Home; "
        "print(*(Home(sys.argv[1]).new_run('p').id for _ in range(50)))"
    )
    command = [sys.executable, "-c", code, str(home.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = [run for process in processes for run in process.communicate()[0].split()]
    assert len(ids) == 100
    assert len(set(ids)) == len(home.runs()) == 100


# --- atomic writes


WRITES = {
    "text": lambda path: write_text(path, "new"),
    "json": lambda path: write_json(path, {"new": 1}),
    "parquet": lambda path: write_parquet(pd.DataFrame({"new": [1.0]}), path),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, write, step):
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, step, no_space)
    with pytest.raises(quorate.StoreError, match=r"the disk is full; what was stored before is untouched"):
        write(path)
    assert contents(tmp_path) == {path: b"old"}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_disk_that_is_really_full_leaves_the_old_file(tmp_path, monkeypatch, write):
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(secrets, "token_hex", lambda n: "00" * n)
    with replacing(tmp_path / "file") as temporary:
        temporary.write_text("old")
    temporary.symlink_to(FULL)
    with pytest.raises(quorate.StoreError, match=r"cannot write .*file: the disk is full"):
        write(path)
    assert contents(tmp_path) == {path: b"old"}


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {path: b"old"}


def test_a_write_makes_the_folders_it_needs(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "x")
    assert contents(tmp_path) == {tmp_path / "a" / "b" / "c.txt": b"x"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_that_is_no_json_is_not_written(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file", {"a": value})
    assert contents(tmp_path) == {}


# --- homes that cannot be written


def test_the_home_is_what_is_given_then_the_environment_then_the_current_folder(monkeypatch):
    monkeypatch.setenv("QUORATE_HOME", "/from/environment")
    assert Home("/given").path == Path("/given")
    assert Home().path == Path("/from/environment")
    monkeypatch.delenv("QUORATE_HOME")
    assert Home().path == Path(".quorate").absolute()


def test_asking_whether_a_home_can_be_written_leaves_nothing_in_it(home):
    home.check_writable()
    assert contents(home.path) == {}


@pytest.mark.parametrize(
    "number,message",
    [
        (errno.EACCES, "permission denied: choose another place, for a home with --home or QUORATE_HOME"),
        (errno.EROFS, "permission denied: choose another place, for a home with --home or QUORATE_HOME"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
    ids=["no-permission", "read-only", "full", "broken"],
)
def test_an_unwritable_home_is_told_before_any_work(home, monkeypatch, number, message):
    def refuse(*_args, **_more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr("quorate.runs.driving.load_bars", lambda _: pytest.fail("work had begun"))
    with pytest.raises(quorate.StoreError) as error:
        quorate.run(TINY, home=home.path)
    assert str(error.value).startswith(f"cannot write {home.path}: {message}")
    assert home.runs() == []


@pytest.mark.parametrize("below", [".", "deeper"])
def test_a_home_where_a_file_stands_is_told_before_any_work(tmp_path, monkeypatch, below):
    file = tmp_path / "file"
    file.write_text("mine")
    monkeypatch.setattr("quorate.runs.driving.load_bars", lambda _: pytest.fail("work had begun"))
    with pytest.raises(quorate.StoreError, match=r"cannot write .*file"):
        quorate.run(TINY, home=file / below)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8, 11, 15], ids=lambda n: f"after-{n}-files")
def test_a_disk_that_fills_up_during_a_run_is_told_and_earlier_runs_stay_readable(finished, monkeypatch, writes):
    before = contents(finished.path)
    sync, count = os.fsync, iter(range(writes))
    monkeypatch.setattr(os, "fsync", lambda fd: sync(fd) if next(count, None) is not None else no_space())
    recipe = {**TINY, "seed": 8, "data": {**TINY["data"], "seed": 8}}
    with pytest.raises(quorate.StoreError, match="the disk is full"):
        quorate.run(recipe, home=finished.path)
    monkeypatch.undo()
    after = contents(finished.path)
    # The file of finished fits grows; what is in it has its own tests.
    assert {path: after[path] for path in before if path.parent.name != "fits"} == {
        path: content for path, content in before.items() if path.parent.name != "fits"
    }
    assert not [path for path in after if path.suffix == ".tmp"]
    old, new = finished.runs()
    assert load_report(old.id, home=finished.path).results["development"]
    assert (old.state, new.state) == ("finished", "interrupted" if not (new.path / "error.txt").exists() else "failed")
    with pytest.raises(quorate.StoreError, match="it has no report"):
        new.report()


def test_a_run_that_fails_says_why_when_its_report_is_asked_for(home, monkeypatch):
    def refuse(*_args, **_):
        raise quorate.FitError("there is no member left")

    monkeypatch.setattr("quorate.walkforward.members.Fitting.run", refuse)
    with pytest.raises(quorate.FitError, match="no member left"):
        quorate.run(TINY, home=home.path)
    [run] = home.runs()
    assert run.state == "failed"
    with pytest.raises(quorate.StoreError, match=r"(?s)is failed: it has no report: there is no member left"):
        run.report()
    with pytest.raises(
        quorate.StoreError, match=rf"no finished run in .*: the last one, {run.id}, is failed: there is no"
    ):
        load_report(home=home.path)


def test_who_asks_for_a_run_that_is_not_finished_is_told_how_to_go_on(home):
    stopped = home.new_run("stopped")
    with pytest.raises(quorate.StoreError, match=f"is interrupted: quorate resume {stopped.id}"):
        load_report(home=home.path)
    with (
        stopped.driving(),
        pytest.raises(quorate.StoreError, match=f"is running: .*quorate watch {stopped.id}.*how far"),
    ):
        stopped.report()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"folds": {"initial": 600, "test": 100}}, "first fold"),
        ({"data": {**TINY["data"], "n_bars": "many"}}, "n_bars"),
        ({"features": {"use": ["return_1", "return_250"]}}, "return_250"),
        ({"holdout": {"start": "1990-01-01"}}, "holdout"),
    ],
    ids=["folds", "options", "features", "holdout"],
)
def test_a_mistake_before_the_first_fit_leaves_nothing_behind(home, changes, message):
    with pytest.raises(quorate.QuorateError, match=message):
        quorate.run({**TINY, **changes}, home=home.path)
    assert not home.path.exists()


# --- finding runs


def test_a_run_is_found_by_its_id_a_part_of_it_or_as_the_latest_finished_one(home):
    first, second, third = (home.new_run(name) for name in ("alpha", "beta", "beta"))
    for run in (first, second):
        run.write_report({"schema_version": REPORT_VERSION})
    assert home.find(third.id).id == third.id
    assert home.find("alpha").id == first.id
    assert home.find(second.id[-9:]).id == second.id
    assert home.find("latest").id == second.id
    assert home.find().id == second.id


def test_an_exact_id_wins_over_being_a_part_of_another(home):
    short = home.new_run("a")
    (home.path / "runs" / f"{short.id}-copy").mkdir()
    assert home.find(short.id).id == short.id


def test_a_part_that_fits_several_runs_is_an_error_naming_some(home):
    first, _, last = (home.new_run("same") for _ in range(3))
    with pytest.raises(quorate.StoreError, match=f"'same' fits 3 runs, e.g. {first.id} and {last.id}: give more"):
        home.find("same")


def test_a_run_that_is_not_there_is_an_error_with_the_near_misses(home):
    run = home.new_run("alpha")
    with pytest.raises(quorate.StoreError, match=f"there is no run '{run.id[:-1]}x'.*did you mean '{run.id}'"):
        home.find(f"{run.id[:-1]}x")


@pytest.mark.parametrize("unfinished", [0, 1])
def test_without_a_finished_run_there_is_no_latest(home, unfinished):
    for _ in range(unfinished):
        home.new_run("a")
    said = "the last one, .*, is interrupted: quorate resume" if unfinished else "start one, e.g. quorate run planted"
    with pytest.raises(quorate.StoreError, match=rf"there is no finished run in .*: {said}"):
        home.find()


# --- changed files


def change(home, edit):
    [run] = home.runs()
    path = run.path / "report.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return run


def test_a_newer_report_is_refused_with_the_remedy(finished):
    change(finished, lambda d: d.update(schema_version=REPORT_VERSION + 1))
    with pytest.raises(quorate.StoreError, match=rf"schema version {REPORT_VERSION + 1}; .*upgrade quorate"):
        load_report(home=finished.path)


def first_series(document):
    return document["results"]["development"]["series"][0]["metrics"]


EDITS = {
    "a-metric": lambda d: first_series(d).update(sharpe=9.9),
    "a-verdict": lambda d: d["results"]["development"].update(verdict="PASS!"),
    "a-number-that-is-none": lambda d: first_series(d).update(sharpe=float("nan")),
    "a-metric-less": lambda d: first_series(d).pop("sharpe"),
    "no-development": lambda d: d["results"].pop("development"),
    "no-results": lambda d: d.pop("results"),
    "no-provenance": lambda d: d.update(provenance=[]),
    "no-version": lambda d: d.pop("schema_version"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_changed_report_is_noticed(finished, edit):
    change(finished, edit)
    with pytest.raises(quorate.IntegrityError, match=r"report\.json"):
        load_report(home=finished.path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"], ids=["empty", "cut", "a-list", "no-text"])
def test_a_report_that_is_no_report_is_noticed(finished, content):
    [run] = finished.runs()
    (run.path / "report.json").write_bytes(content)
    with pytest.raises(quorate.IntegrityError, match=r"report\.json"):
        load_report(home=finished.path)


def bars_file(home):
    [path] = (home.path / "bars").glob("*.parquet")
    return path


def a_price(frame):
    frame.loc[5, "close"] = np.nextafter(frame.loc[5, "close"], 0)
    return frame


CHANGES = {
    "a-bit-of-a-price": lambda path: write_parquet(a_price(read_parquet(path)), path),
    "a-bar-less": lambda path: write_parquet(read_parquet(path).iloc[:-1], path),
    "a-price-below-zero": lambda path: write_parquet(read_parquet(path).assign(low=-1.0), path),
    "bytes": lambda path: path.write_bytes(b"PAR1 nonsense"),
    "calendar": lambda path: path.with_suffix(".json").write_text("{}"),
    "no-calendar": lambda path: path.with_suffix(".json").unlink(),
}


@pytest.mark.parametrize("edit", CHANGES.values(), ids=CHANGES)
def test_changed_bars_are_noticed(finished, edit):
    path = bars_file(finished)
    edit(path)
    with pytest.raises(quorate.IntegrityError, match=r"was changed"):
        finished.bars(path.stem)
    with pytest.raises(quorate.IntegrityError, match=r"was changed"):
        quorate.promote(home=finished.path)


def test_bars_that_are_gone_are_told(finished):
    bars_file(finished).unlink()
    with pytest.raises(quorate.StoreError, match="the run cannot be computed again"):
        quorate.promote(home=finished.path)


def test_bars_come_back_as_they_were_kept(home):
    bars = simulated(n_bars=50, n_symbols=2, start="2010-01-04", calendar="24x7")
    home.keep_bars(bars)
    again = home.bars(bars.fingerprint)
    assert again.fingerprint == bars.fingerprint
    assert again.calendar == bars.calendar
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(again, name).view(np.int64), getattr(bars, name).view(np.int64))


def test_bars_are_kept_once(home):
    bars = simulated(n_bars=50)
    home.keep_bars(bars)
    before = {path: path.stat().st_mtime_ns for path in contents(home.path)}
    home.keep_bars(bars)
    assert {path: path.stat().st_mtime_ns for path in contents(home.path)} == before


def test_changed_predictions_do_not_open_the_holdout(finished):
    [run] = finished.runs()
    frame = load_report(home=finished.path).stored("predictions")
    frame.loc[3, "member/logistic"] += 1e-9
    run.write_frames("development", {"predictions": frame})
    with pytest.raises(quorate.IntegrityError, match=r"predictions\.parquet was changed after the run"):
        quorate.promote(home=finished.path)
    assert not (finished.path / "holdouts").exists()


@pytest.mark.parametrize(
    "content, message", [(None, "is not whole"), (b"nonsense", "was changed after the run")], ids=["gone", "broken"]
)
def test_a_table_that_is_not_what_was_stored_is_told_with_its_run(finished, content, message):
    [run] = finished.runs()
    path = run.path / "development" / "trades.parquet"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(quorate.IntegrityError, match=f"{run.id}.*{message}"):
        _ = load_report(home=finished.path).trades


def test_columns_of_a_table_are_read_as_plain_rows(finished):
    report = load_report(home=finished.path)
    frame = report.stored("grid")[["threshold", "series", "sharpe"]]
    rows = report.rows("development", "grid", ["threshold", "series", "sharpe"])
    assert pd.DataFrame(rows, columns=frame.columns).equals(frame)
    assert {type(value) for row in rows for value in row} <= {float, str, type(None)}
    with pytest.raises(quorate.IntegrityError, match=r"is not whole.*nothing"):
        report.rows("development", "grid", ["nothing"])
    with pytest.raises(quorate.StoreError, match="before there was a table 'none'"):
        report.rows("development", "none", ["threshold"])
    (report.source.path / "development" / "grid.parquet").write_bytes(b"nonsense")
    with pytest.raises(quorate.IntegrityError, match="was changed after the run"):
        report.rows("development", "grid", ["threshold"])


def test_rows_are_in_the_order_of_the_file_and_none_where_nothing_is_known(tmp_path):
    write_parquet(pd.DataFrame({'a "b"': [2.5, np.nan, -1.0], "c": ["x", "y", "z"]}), tmp_path / "f.parquet")
    assert read_rows(tmp_path / "f.parquet", ["c", 'a "b"']) == [("x", 2.5), ("y", None), ("z", -1.0)]


def test_a_changed_plugin_source_is_noticed(home):
    source = LocalSource(Path("mine.py"), "x = 1\n")
    home.keep_source(source)
    assert home.source(source.sha256, "mine.py") == source
    (home.path / "sources" / f"{source.sha256}.py").write_text("x = 2\n")
    with pytest.raises(quorate.IntegrityError, match="was changed since the run used it"):
        home.source(source.sha256, "mine.py")


# --- Parquet


def test_numbers_texts_and_times_come_back_exactly(tmp_path):
    numbers = [0.1, np.nan, np.inf, -np.inf, -0.0, 5e-324, np.nextafter(1.0, 2.0)]
    frame = pd.DataFrame(
        {
            "number": numbers,
            "text": ["a", "", "é'\"\n,;", "NULL", "nan", "1", " x "],
            "whole": np.array([-(2**63), 2**63 - 1, 0, 1, 2, 3, 4]),
            "flag": [True, False] * 3 + [True],
            "time": pd.date_range("2020-03-08 06:59:59.123456", periods=7, freq="h", tz="UTC").as_unit("us"),
        }
    )
    write_parquet(frame, tmp_path / "f.parquet")
    again = read_parquet(tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(again, frame)
    assert np.array_equal(again["number"].to_numpy().view(np.int64), frame["number"].to_numpy().view(np.int64))
    assert str(again["time"].dt.tz) == "UTC"


def test_a_missing_time_comes_back_missing(tmp_path):
    frame = pd.DataFrame({"time": pd.to_datetime(["2020-01-01T21:00Z", None]).as_unit("us")})
    write_parquet(frame, tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "f.parquet"), frame)


def test_times_come_back_in_utc_whatever_the_zone_of_the_machine(tmp_path, monkeypatch):
    frame = pd.DataFrame({"time": pd.date_range("2020-01-01", periods=3, tz="UTC").as_unit("us")})
    monkeypatch.setenv("TZ", "America/New_York")
    write_parquet(frame, tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "f.parquet"), frame)


def test_rows_keep_their_order(tmp_path):
    frame = pd.DataFrame({"i": np.random.default_rng(0).permutation(300_000)})
    write_parquet(frame, tmp_path / "f.parquet")
    assert np.array_equal(read_parquet(tmp_path / "f.parquet")["i"], frame["i"])


@pytest.mark.parametrize("folder", ["it's", 'a"b', "a b", "a*c", "a?c", "a[bc]", "key=value", "{a,b}", "%20", "ü"])
def test_any_folder_name_serves(tmp_path, folder):
    write_parquet(pd.DataFrame({"x": [1]}), tmp_path / "abc" / "f.parquet")
    frame = pd.DataFrame({"x": [2, 3]})
    write_parquet(frame, tmp_path / folder / "f.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / folder / "f.parquet"), frame)


def test_a_file_that_is_absent_or_no_parquet_is_named(tmp_path):
    with pytest.raises(quorate.DataError, match=r"there is no file .*absent\.parquet"):
        read_parquet(tmp_path / "absent.parquet")
    (tmp_path / "bad.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(quorate.DataError, match=r"cannot read .*bad\.parquet as Parquet"):
        read_parquet(tmp_path / "bad.parquet")
