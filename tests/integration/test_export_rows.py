"""Rows of a recipe as files: what other programs train on is what a run would have, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import DataError, RecipeError, StoreError
from quorate.pipeline.npz import read_npz
from quorate.runs.export_rows import export_rows
from quorate.store.bars.appending import append
from quorate.store.bars.imports import Origin
from quorate_data.simulated import simulated
from support.command import call

RECIPE: dict[str, Any] = {
    "name": "rows",
    "data": {"source": "simulated", "n_bars": 400, "n_symbols": 3},
    "holdout": {"bars": 60, "symbols": ["SIM003"]},
    "features": {"use": ["return_1", "zscore_20"]},
    "folds": {"initial": 200, "test": 50},
    "models": {"logistic": {}},
}


def test_windows_hold_to_the_contract_and_end_where_their_label_begins(tmp_path: Path) -> None:
    done = export_rows(RECIPE, tmp_path / "out", window=10, home=tmp_path / "home")
    found = read_npz(tmp_path / "out" / "windows.npz")
    assert found.told == []
    assert found.X_train.shape[1:] == (10, 2)
    assert found.X_train.dtype == np.float32
    assert found.y_train.dtype == np.int64
    assert done.rows == {"train": len(found.y_train), "test": len(found.y_test)}
    bars = simulated(n_bars=400, n_symbols=3)
    # The rows of the first day that is tested are of both symbols that are not held out.
    for k, column in ((0, 0), (1, 1)):
        close = bars.close[:, column]
        moved = (close[1:] / close[:-1] - 1).astype(np.float32)
        assert np.allclose(found.X_test[k, :, 0], moved[200 - 10 : 200], rtol=1e-5)
        assert found.y_test[k] == int(bars.open[202, column] > bars.open[201, column])
    # Nothing of the holdout, nor of what is held out, is told.
    assert len(found.y_test) == 2 * (340 - 200 - 2)
    log = (tmp_path / "out" / "features" / "feature_engineering.log").read_text()
    assert "feature zscore_20: of close, lookback 20" in log
    assert "held out, and left out: SIM003" in log
    assert "its 60 bars are left out" in log


def test_tables_are_cut_by_sessions_and_no_label_reaches_into_the_next(tmp_path: Path) -> None:
    export_rows(RECIPE, tmp_path / "out", "parquet", home=tmp_path / "home")
    parts = {name: pd.read_parquet(tmp_path / "out" / f"{name}.parquet") for name in ("train", "val", "test")}
    assert [*parts["train"]] == ["symbol", "time", "return_1", "zscore_20", "label"]
    days = np.unique(np.concatenate([part["time"].to_numpy() for part in parts.values()]))
    assert parts["train"]["time"].max() < parts["val"]["time"].min() < parts["test"]["time"].min()
    assert parts["train"]["label"].notna().all()
    # A label of horizon 1 ends two bars later: so far apart are the last of one part and the first of the next.
    bars = simulated(n_bars=400, n_symbols=3)
    at = [np.searchsorted(bars.times, part["time"].dt.tz_convert(None).to_numpy()) for part in parts.values()]
    assert at[1].min() - at[0].max() == 3
    assert at[2].max() == 339
    assert len(days) == 340 - 19 - 2 * 2


def test_a_collection_is_written_as_windows_by_the_command(tmp_path: Path) -> None:
    store = quorate.BarStore(tmp_path / "store")
    append(store.collection("us", new=True), simulated(n_bars=300, n_symbols=2), Origin("test", {}))
    asked = ["data", "export", "us", "--store", str(tmp_path / "store"), "--format", "npz", "--window", "5"]
    more = ["--set", 'features.use=["return_1"]', "--set", "folds.initial=100", "--set", "folds.test=50"]
    done = call(*asked, *more, "--out", str(tmp_path / "out"), "--symbol", "SIM002")
    assert done.exit_code == 0, done.stderr
    assert "wrote 2 files" in done.stdout
    assert read_npz(tmp_path / "out" / "windows.npz").X_train.shape[1:] == (5, 1)
    assert "1 symbol, source store" in (tmp_path / "out/features/feature_engineering.log").read_text()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(StoreError, match="holds something"):
        export_rows(RECIPE, tmp_path / "full", home=tmp_path / "home")
    with pytest.raises(RecipeError, match="as npz, parquet"):
        export_rows(RECIPE, tmp_path / "out", "csv", home=tmp_path / "home")
    with pytest.raises(DataError, match="take shorter ones by --window"):
        export_rows(RECIPE, tmp_path / "out", window=300, home=tmp_path / "home")
