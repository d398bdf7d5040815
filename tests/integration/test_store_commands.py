"""`quorate data add` and its siblings: bars kept, updated, read by a recipe, exported, removed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import quorate
from quorate.store.bars.appending import append
from quorate.store.bars.imports import Origin
from quorate_data.simulated import simulated
from support.command import call, message_of

BARS = 520


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of bars."""
    (tmp_path / "bars").mkdir()
    frame = simulated(n_bars=BARS, n_symbols=3, signal=0.4).to_frame()
    frame["time"] = frame["time"].dt.strftime("%Y-%m-%d")
    for symbol, one in frame.groupby("symbol"):
        one.drop(columns="symbol").to_csv(tmp_path / "bars" / f"{symbol}.csv", index=False)
    return tmp_path / "bars"


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., dict]:
    """Call a command of the store and return what it says."""

    def data(*arguments: object, code: int = 0) -> dict:
        result = call("data", *arguments, "--store", tmp_path / "store", "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return data


def counts(found: dict) -> tuple[int, ...]:
    return tuple(found[name] for name in ("parts", "known", "new", "rewritten", "gone"))


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)


def test_imports_are_told_on_narrow_screens(
    folder: Path, data: Callable[..., dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data("add", folder, "--to", "us")
    edit(folder / "SIM002.csv", lambda frame: frame.drop(3))
    data("update", "us")
    day = data("show", "us", "--imports")[0]["known_at"][:10]
    for width in ("46", "60", "120"):
        monkeypatch.setenv("COLUMNS", width)
        shown = call("data", "show", "us", "--imports", "--store", tmp_path / "store").stdout.splitlines()
        assert max(map(len, shown)) <= int(width)
        rows = [line.split() for line in shown if line.split()[:1] == [day]]  # a line for each, not broken
        assert [row[-2:] for row in rows] == (
            [["1,560", "-"], ["-", "1"]] if width != "120" else [["-", "-"], ["-", "1"]]
        )


def test_what_is_there_is_not_read_again_and_what_changed_is_told(folder: Path, data: Callable[..., dict]) -> None:
    assert counts(data("add", folder, "--to", "us")) == (3, 0, 3 * BARS, 0, 0)
    assert counts(data("add", folder, "--to", "us")) == (0, 3, 0, 0, 0)
    (folder / "SIM001.csv").touch()
    assert counts(data("update", "us")) == (0, 3, 0, 0, 0)
    whole = pd.read_csv(folder / "SIM002.csv")
    edit(folder / "SIM002.csv", lambda frame: frame.assign(volume=frame["volume"].where(frame.index != 7, 5.0)).drop(3))
    shutil.copy(folder / "SIM001.csv", folder / "NEW.csv")
    [found] = data("update")
    assert counts(found) == (4, 0, BARS, 1, 1)  # what was read together is read together
    assert [(one["symbol"], one["field"], one["was"], one["is"]) for one in found["examples"]] == [
        ("SIM002", "bar", "there", "gone"),
        ("SIM002", "volume", whole["volume"][7], 5.0),
    ]
    [listed] = data("list")
    assert (listed["symbols"], listed["bars"], listed["sources"]) == (4, 4 * BARS - 1, ["csv"])
    shown = data("show", "us", "--symbol", "SIM002")["holdings"]
    assert [(one["bars"], one["rewritten"]) for one in shown] == [(BARS - 1, 1)]
    told = data("show", "us", "--imports", "--symbol", "SIM002")
    assert [(one["new"], one["rewritten"], one["gone"]) for one in told] == [(3 * BARS, 0, 0), (0, 1, 1)]
    assert len(told[0]["files"][0]["sha256"]) == 64
    assert told[0]["options"]["path"] == str(folder)


def test_files_of_another_kind_in_a_folder_are_named(folder: Path, data: Callable[..., dict]) -> None:
    pd.read_csv(folder / "SIM003.csv").to_parquet(folder / "SIM003.parquet")
    told = [f"{folder} has files that the source 'parquet' does not read: SIM001.csv, SIM002.csv, SIM003.csv"]
    assert data("add", folder, "--to", "us")["warnings"] == told
    assert data("check", folder, code=1)["doubts"] == told
    assert data("add", folder, "--to", "all", "--source", "csv")["new"] == 3 * BARS


def test_a_file_that_cannot_be_read_keeps_no_other_out(folder: Path, data: Callable[..., dict]) -> None:
    edit(folder / "SIM002.csv", lambda frame: frame.assign(low=frame["high"] + 1))
    found = data("add", folder, "--to", "us", code=1)
    assert (counts(found)[0], found["new"]) == (2, 2 * BARS)
    [[name, reason]] = found["failed"]
    assert name == str(folder / "SIM002.csv")
    assert "high must not be below the low" in reason
    assert {one["symbol"] for one in data("show", "us")["holdings"]} == {"SIM001", "SIM003"}
    for path in folder.glob("SIM00[13].csv"):
        path.unlink()
    result = call("data", "add", folder, "--to", "none", "--store", folder.parent / "store")
    assert "high must not be below the low" in message_of(result, 1)


def test_a_run_on_the_store_is_the_run_on_the_files_and_can_be_reproduced(
    folder: Path, data: Callable[..., dict], tiny: dict, tmp_path: Path
) -> None:
    data("add", folder, "--to", "us")
    on_files = quorate.run({**tiny, "data": {"source": "csv", "path": str(folder), "symbols": ["SIM001"]}})
    kept = {"source": "store", "collection": "us", "path": str(tmp_path / "store"), "symbols": ["SIM001"]}
    on_store = quorate.run({**tiny, "data": kept})
    assert on_store.provenance["data"]["fingerprint"] == on_files.provenance["data"]["fingerprint"]
    assert on_store.digest == on_files.digest
    # Whatever becomes of the store, the run keeps what it was computed from.
    data_folder = tmp_path / "store" / "us"
    shutil.rmtree(data_folder)
    assert quorate.reproduce(on_store.provenance["run"]).identical


def test_a_split_is_proposed_and_applied_only_when_asked(
    folder: Path, data: Callable[..., dict], tmp_path: Path
) -> None:
    prices = ["open", "high", "low", "close"]
    edit(
        folder / "SIM001.csv",
        lambda frame: frame.assign(**{name: frame[name].where(frame.index < 300, frame[name] / 4) for name in prices}),
    )
    found = data("add", folder, "--to", "us")
    when = pd.read_csv(folder / "SIM001.csv")["time"][300]
    [doubt] = [line for line in found["warnings"] if "SIM001" in line]
    assert "at 1/4 of the close before" in doubt
    [proposed] = data("check", "us", code=1)["proposed"]
    assert proposed["command"] == f"quorate data action us SIM001 split {when} 4 --store {tmp_path / 'store'}"
    options = ("--store", tmp_path / "store")
    assert call("data", "action", "us", "SIM001", "split", when, 4, *options).exit_code == 0
    store = quorate.BarStore(tmp_path / "store").collection("us")
    assert store.read(["SIM001"]).close[299, 0] == pytest.approx(
        4 * store.read(["SIM001"], adjust="splits").close[299, 0]
    )
    assert data("check", "us")["proposed"] == []
    assert [one["value"] for one in data("show", "us")["actions"]] == [4.0]
    assert "KIND must be split, dividend, rename or delisting; it was 'x'" in message_of(
        call("data", "action", "us", "SIM001", "x", when, 4, *options), 2
    )


def test_bars_are_exported_and_removed(folder: Path, data: Callable[..., dict], tmp_path: Path) -> None:
    data("add", folder, "--to", "us")
    options = ("--store", tmp_path / "store")
    result = call("data", "export", "us", "--out", tmp_path / "out", "--format", "csv", "--symbol", "SIM002", *options)
    assert result.exit_code == 0, result.output
    bars = quorate.BarStore(tmp_path / "store").collection("us").read(["SIM002"])
    again = pd.read_csv(tmp_path / "out" / "SIM002.csv", parse_dates=["time"])
    assert quorate.Bars.from_frame(again).fingerprint == bars.fingerprint
    assert "holds something already" in message_of(call("data", "export", "us", "--out", tmp_path / "out", *options), 1)
    assert call("data", "remove", "us", "--symbol", "SIM002", *options).exit_code == 0
    assert [one["symbol"] for one in data("show", "us")["holdings"]] == ["SIM001", "SIM003"]
    assert counts(data("update", "us"))[:3] == (0, 3, 0)  # its file is still there, and it stays removed
    assert counts(data("add", folder, "--to", "us"))[:3] == (3, 0, BARS)
    assert call("data", "remove", "us", *options).exit_code == 1  # nobody says yes
    assert call("data", "remove", "us", "--yes", *options).exit_code == 0
    assert data("list") == []


def test_what_is_wrong_is_told(folder: Path, data: Callable[..., dict], tmp_path: Path) -> None:
    data("add", folder, "--to", "us")
    options = ("--store", tmp_path / "store")
    for arguments, code, told in (
        (("add",), 2, "say what to bring"),
        (("add", folder, "--to", "../us"), 1, "a collection's name must be letters"),
        (("add", folder, "--to", "us", "--set", "calender=24x7"), 2, "did you mean 'calendar'"),
        (("add", folder, "--to", "us", "--set", "calendar=24x7"), 1, "keeps the calendar 'us-equity'"),
        (("add", folder, "--to", "us", "--known-at", "soon"), 2, "--known-at must be a date"),
        (("add", "--source", "store", "--to", "other"), 2, "bars of the store are there already"),
        (("show", "uss"), 1, "did you mean 'us'"),
        (("show", "us", "--symbol", "SIM01"), 1, "did you mean"),
        (("export", "us", "--out", tmp_path / "o", "--format", "xls"), 2, "--format must be one of csv, parquet"),
        (("export", "us", "--out", tmp_path / "o", "--adjust", "all"), 2, "--adjust must be one of"),
    ):
        assert told in message_of(call("data", *arguments, *options), code)


def test_bars_of_one_symbol_in_several_files_are_all_kept_or_named(tmp_path: Path, data: Callable[..., dict]) -> None:
    (tmp_path / "q").mkdir()
    frame = simulated(n_bars=90).to_frame()
    frame["time"] = frame["time"].dt.strftime("%Y-%m-%d")
    months = frame["time"].str[:7]
    odd = months.isin(sorted(set(months))[::2])
    frame[odd].to_csv(tmp_path / "q" / "one.csv", index=False)
    frame[~odd].to_csv(tmp_path / "q" / "two.csv", index=False)
    found = data("add", tmp_path / "q", "--to", "q")
    assert counts(found) == (2, 0, 90, 0, 0)
    edit(tmp_path / "q" / "two.csv", lambda frame: frame.assign(volume=frame["volume"] + 1))
    assert data("update", "q")["gone"] == 0
    assert data("show", "q")["bars"] == 90
    doubled = frame[odd].assign(volume=7.0)
    doubled.to_csv(tmp_path / "q" / "three.csv", index=False)
    found = data("update", "q", code=1)
    assert found["failed"][0][0] == str(tmp_path / "q" / "three.csv")
    assert "a bar comes from one of them" in found["failed"][0][1]


def test_a_file_that_is_what_it_was_before_is_read_again(folder: Path, data: Callable[..., dict]) -> None:
    first = (folder / "SIM001.csv").read_text()
    data("add", folder / "SIM001.csv", "--to", "us")
    edit(folder / "SIM001.csv", lambda frame: frame.assign(volume=frame["volume"] + 1))
    assert data("update", "us")["rewritten"] == BARS
    (folder / "SIM001.csv").write_text(first)
    assert data("update", "us")["rewritten"] == BARS
    assert counts(data("update", "us")) == (0, 1, 0, 0, 0)


def test_a_span_belongs_to_what_was_asked(folder: Path, data: Callable[..., dict]) -> None:
    days = pd.read_csv(folder / "SIM001.csv")["time"]
    span = ("--set", f"since={days[100]}", "--set", f"until={days[199]}")
    assert data("add", folder / "SIM001.csv", "--to", "us", *span)["new"] == 100
    edit(folder / "SIM001.csv", lambda frame: frame.assign(volume=frame["volume"] + 1))
    assert counts(data("update", "us")) == (1, 0, 0, 100, 0)
    assert data("add", folder / "SIM001.csv", "--to", "us")["new"] == BARS - 100


def test_a_secret_is_not_kept_and_what_is_told_is_one_line(
    folder: Path, data: Callable[..., dict], tmp_path: Path
) -> None:
    options = ("--store", tmp_path / "store")
    url = "postgresql://me:hunter2@host/db"
    result = call("data", "add", "--source", "sql", "--to", "us", "--set", f"url={url}", "--set", "table=x", *options)
    assert "a secret stands in data.url" in message_of(result, 2)
    assert "hunter2" not in result.output
    data("add", folder, "--to", "us")
    result = call("data", "export", "us", "--out", tmp_path / "out", "--adjust", "total", *options)
    assert result.stderr.splitlines() == [
        "warning: the collection 'us' knows no splits or dividends of these symbols: nothing is adjusted"
    ]
    document = next((tmp_path / "store" / "us" / "imports").glob("*.json"))
    document.write_text("{}")
    [listed] = data("list")
    assert "schema_version" in listed["damaged"]
    assert call("data", "remove", "us", "--yes", *options).exit_code == 0


def test_names_that_would_be_one_file_are_told_before_anything_is_written(tmp_path: Path) -> None:
    frame = simulated(n_bars=60, n_symbols=2).to_frame().replace({"symbol": {"SIM001": "A/B", "SIM002": "A-B"}})
    collection = quorate.BarStore(tmp_path / "store").collection("us", new=True)
    append(collection, quorate.Bars.from_frame(frame), Origin("csv", {}))
    result = call("data", "export", "us", "--out", tmp_path / "out", "--store", tmp_path / "store")
    assert "A-B and A/B would both be the file A-B.parquet" in message_of(result, 1)
    assert not (tmp_path / "out").exists()


def test_splits_in_time_and_the_last_rows_are_written_apart(tmp_path: Path, data: Callable[..., dict]) -> None:
    bars = simulated(n_bars=2201, n_symbols=2)
    late = bars.to_frame().query("symbol == 'SIM001' or time >= '2008-01-01T00:00Z'")
    append(
        quorate.BarStore(tmp_path / "store").collection("us", new=True), quorate.Bars.from_frame(late), Origin("x", {})
    )
    options = ("--store", tmp_path / "store")
    assert call("data", "export", "us", "--out", tmp_path / "s", "--layout", "splits", *options).exit_code == 0
    parts = {name: quorate.read_parquet(tmp_path / "s" / f"{name}.parquet") for name in ("train", "val", "test")}
    whole = {name: part[part["symbol"] == "SIM001"] for name, part in parts.items()}
    assert [len(part) for part in whole.values()] == [1540, 330, 331]
    ends = [(part["time"].min(), part["time"].max()) for part in parts.values()]
    assert ends[0][1] < ends[1][0] < ends[1][1] < ends[2][0]
    log = (tmp_path / "s" / "features" / "feature_engineering.log").read_text()
    assert "no feature was computed" in log
    assert f"train: {len(parts['train']):,} rows" in log
    command = ("data", "export", "us", "--out", tmp_path / "t", "--layout", "train-test", "--format", "csv")
    assert call(*command, *options).exit_code == 0
    told = pd.read_csv(tmp_path / "t" / "data_summary.csv")
    assert told.to_dict("records") == [
        {**row, "train_file": f"train/{row['symbol']}.csv", "test_file": f"test/{row['symbol']}.csv"}
        for row in data("summary", "us")
    ]
    assert (told["train_rows"] + told["test_rows"] == told["total_rows"]).all()
    for row in told.itertuples():
        train, test = pd.read_csv(tmp_path / "t" / row.train_file), pd.read_csv(tmp_path / "t" / row.test_file)
        assert (len(train), len(test)) == (row.train_rows, 30)
        assert train["time"].max() < test["time"].min()
    known = json.loads((tmp_path / "t" / "asset_metadata.json").read_text())
    assert (known["SIM001"]["frequency"], known["SIM001"]["rows"]) == ("1d", 2201)
    result = call("data", "summary", "us", "--test-rows", "5000", *options)
    assert "as SIM001 has 2201 rows; it was 5000" in message_of(result, 2)
    assert "--layout must be one of" in message_of(
        call("data", "export", "us", "--out", tmp_path / "o", "--layout", "x", *options), 2
    )


def test_a_file_is_summed_up_and_exported_without_a_store(tmp_path: Path) -> None:
    names = "symbol,latest_date,total_rows,train_rows,test_rows,train_file,test_file"
    days = pd.date_range("2018-01-01", periods=2201)
    frame = pd.DataFrame({"date": days, "open": 2.0, "high": 3.0, "low": 1.0, "close": 2.0, "volume": 1.0})
    frame.to_csv(tmp_path / "btc.csv", index=False)
    told = call("data", "summary", tmp_path / "btc.csv", "--set", "calendar=24x7", "--out", tmp_path / "sum")
    assert all(name in told.stdout for name in names.split(",")[:5])
    written = (tmp_path / "sum" / "data_summary.csv").read_text().splitlines()
    assert written == [names, "btc,2024-01-10,2201,2171,30,train/btc.parquet,test/btc.parquet"]
    done = call(
        "data", "export", tmp_path / "btc.csv", "--set", "calendar=24x7", "--layout", "splits", "--out", tmp_path / "o"
    )
    assert done.stdout == f"wrote 4 files to {tmp_path / 'o'}\n"
    assert [len(quorate.read_parquet(tmp_path / "o" / f"{one}.parquet")) for one in ("train", "val", "test")] == [
        *(1540, 330, 331)
    ]
    missing = call("data", "summary", "btc", "--store", tmp_path / "store")
    assert "nor is there a file 'btc'" in message_of(missing, 1)
    known = call("data", "summary", tmp_path / "btc.csv", "--frequency", "1w")
    assert "of files --set resample=1w" in message_of(known, 2)


def test_bars_of_several_lengths_are_summed_up_and_what_is_asked_names_its_files(tmp_path: Path) -> None:
    for name, step, start in (("AAA", "D", "2022-01-01"), ("BBB", "h", "2022-01-01"), ("CCC", "B", "2022-01-03")):
        days = pd.date_range(start, periods=400, freq=step)
        frame = pd.DataFrame({"date": days, "open": 2.0, "high": 3.0, "low": 1.0, "close": 2.0, "volume": 1.0})
        (tmp_path / "in").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / "in" / f"{name}.csv", index=False)
    options = ("--store", tmp_path / "store")
    added = call("data", "add", tmp_path / "in", "--to", "mixed", "--set", "calendar=24x7", "--workers", "1", *options)
    assert "? CCC.csv: the bars have 26" in added.stdout
    rows = json.loads(call("data", "summary", "mixed", "--json", *options).stdout)
    assert {row["symbol"]: row["total_rows"] for row in rows} == {"AAA": 400, "BBB": 400, "CCC": 400}
    one = json.loads(call("data", "summary", "mixed", "--symbol", "BBB", "--json", *options).stdout)
    assert [row["latest_date"] for row in one] == ["2022-01-17"]
    assert "has no bars of DDD" in message_of(call("data", "summary", "mixed", "--symbol", "DDD", *options), 1)
