"""What is written to S3 and its like: exports, artefacts and backups, by a server of its kind on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import quorate
from quorate.execution.progress import Progress
from quorate.runs import artefacts
from quorate.store import Home
from quorate.store.places import place_of
from support.command import call, message_of


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("obstore")
    moto = pytest.importorskip("moto.server")
    from moto.s3.models import s3_backends

    found = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    found.start()
    s3_backends["123456789012"]["aws"].create_bucket("places", "us-east-1")
    yield "http://{}:{}".format(*found.get_host_and_port())
    found.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    keys = {"ENDPOINT_URL": server, "ACCESS_KEY_ID": "ours", "SECRET_ACCESS_KEY": "zq8", "REGION": "us-east-1"}
    for name, value in keys.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return "s3://places"


def test_bars_are_exported_to_a_bucket_and_read_from_there(bucket: str, tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=100)
    frame = pd.DataFrame({"date": days, "open": 1.0, "high": 3.0, "low": 0.5, "close": range(100, 200), "volume": 5})
    frame["high"] = frame["close"] + 1
    frame.to_csv(tmp_path / "btc.csv", index=False)
    options = ("--set", "calendar=24x7", "--layout", "splits", "--home", tmp_path / "home")
    assert call("data", "export", tmp_path / "btc.csv", "--out", f"{bucket}/parts", *options).exit_code == 0
    names = {"train.parquet", "val.parquet", "test.parquet", "features/feature_engineering.log"}
    assert place_of(f"{bucket}/parts").names() == names
    session = {"name": "back", "models": {"logistic": {}}, "data": {"source": "parquet", "calendar": "24x7"}}
    session["data"] |= {"path": f"{bucket}/parts/train.parquet"}
    from quorate.runs.loading import load_bars
    from quorate.runs.session import open_session

    assert len(load_bars(open_session(session, home=tmp_path / "home"))) == 70
    again = call("data", "export", tmp_path / "btc.csv", "--out", f"{bucket}/parts", *options)
    assert "cannot write to s3://places/parts: it holds something already" in message_of(again, 1)


def test_a_home_is_backed_up_and_restored_by_command(bucket: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.path / "runs" / "a").mkdir(parents=True)
    (home.path / "runs" / "a" / "log.jsonl").write_text("x" * 3_000_000)
    done = call("backup", f"{bucket}/homes", "--home", home.path)
    assert "1 file, 3.0 MB; 1 of them new there" in done.stdout
    assert "0 of them new there" in call("backup", f"{bucket}/homes", "--home", home.path).stdout
    assert len(call("restore", f"{bucket}/homes", "--list").stdout.split()) == 2
    back = call("restore", f"{bucket}/homes", "--home", tmp_path / "back")
    assert "it comes from elsewhere" in back.stdout
    assert (tmp_path / "back" / "runs" / "a" / "log.jsonl").read_text() == "x" * 3_000_000


def test_what_a_store_refuses_is_told_with_what_to_do(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "home" / "runs").mkdir(parents=True)
    assert "there is no bucket 'none'" in message_of(call("backup", "s3://none/x", "--home", tmp_path / "home"), 1)
    assert "a home must be a folder of this machine" in message_of(call("runs", "--home", "s3://places/x"), 2)
    with pytest.raises(quorate.RecipeError, match=r"artefacts = 's3://none/x' must be a folder that can be written"):
        artefacts.ready("s3://none/x")
    artefacts.ready(f"{bucket}/art")
    assert place_of(f"{bucket}/art").names() == set()


def test_the_artefacts_of_a_run_lie_in_a_folder_of_its_own(bucket: str) -> None:
    report = SimpleNamespace(run_id="20260131T102030.123456-panel-c93d")

    notes: list[str] = []

    class Told(Progress):
        def note(self, text: str) -> None:
            notes.append(text)

    def written(report: Any, part: Any, name: str, folder: Path, progress: Progress) -> Path:
        (folder / "run_x").mkdir()
        (folder / "run_x" / "metrics.json").write_text("{}")
        return folder / "run_x"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefacts, "_written", written)
        where = artefacts.write(report, None, "development", f"{bucket}/own/", Told())
    assert where == f"{bucket}/own/run_x-c93d"
    assert place_of(where).names() == {"metrics.json"}
    assert notes == [f"artefacts: {where}"]
