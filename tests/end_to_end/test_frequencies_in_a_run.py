"""Half-hours made into days, with features on weeks, days, two hours and half-hours: a run, and all that follows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import DataError, StoreError
from quorate.report.views.plan import render
from quorate.runs.audit import null_bars
from quorate.runs.loading import load_bars
from quorate.runs.run import prepare_run
from quorate.runs.session import open_session
from quorate.runs.submit import pack_home
from quorate.store import Home

USE = ["return_1", "return_2@1w", "return_5@source", "sma_ratio_5@120min"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half-hours of two symbols from 08:30 to 16:30, of which the first lacks a few and the last day's afternoon."""
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2021-01-04", periods=261).to_numpy()[:, None]
    local = pd.DatetimeIndex((days + pd.to_timedelta(np.arange(540, 991, 30), unit="min").to_numpy()).ravel())
    times = local.tz_localize("America/New_York")
    frames = []
    for symbol in ("AAA", "BBB"):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, len(times))))
        prices = {"open": close, "high": close * 1.001, "low": close * 0.999, "close": close}
        frames.append(pd.DataFrame({"symbol": symbol, "time": times, **prices, "volume": 5.0}))
    frame = pd.concat(frames)
    frame = frame[frame["time"] <= times[-8]]
    file = tmp_path_factory.mktemp("half-hours") / "half_hours.csv"
    frame.drop(index=[100, 101]).to_csv(file, index=False)
    return file


def recipe(path: Path, **data: Any) -> dict[str, Any]:
    return {
        "name": "several-frequencies",
        "data": {"source": "csv", "path": str(path), "resample": "1d", **data},
        "holdout": {"bars": 40},
        "features": {"use": USE, "transforms": {"return_*@1w": "z-score"}},
        "folds": {"initial": 120, "test": 60},
        "models": {"logistic": {}},
        "threshold": {"min_bars": 30},
        "execution": {"executor": "serial"},
    }


def test_from_the_plan_to_the_next_bar(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    plan = quorate.plan(recipe(path), home=home)
    outside = "1,576 of 8,334 bars lie outside the session, 09:30 to 16:00, and are left out"
    assert f'{outside}: data.hours = "all" keeps them' in plan.warnings
    assert "lacks 2 of" in " ".join(plan.warnings)
    assert any("the last bar of 1d is left out, as it is not over" in line for line in plan.warnings)
    assert [(one["frequency"], one["features"], one["lookback"]) for one in plan.frequencies] == [
        ("120min", 1, 5),
        ("1w", 1, 3),
        ("source", 1, 6),
    ]
    weekly = plan.frequencies[1]
    assert (weekly["longest"], weekly["history"]) == ("return_2@1w", 15)
    render(plan.to_dict())
    assert "at 1w" in capsys.readouterr().out

    report = quorate.run(recipe(path), home=home)
    assert report.provenance["data"]["frequency"] == "1d"
    assert report.provenance["recipe"]["features"]["use"] == sorted(USE)
    assert quorate.reproduce(report.run_id, home=home).identical
    told = quorate.explain(report.run_id, home=home)
    assert {row["name"] for row in told.document["forecasters"][0]["features"]} == set(USE)
    assert {one["symbol"] for one in quorate.predict(report.run_id, home=home).targets} == {"AAA", "BBB"}


def test_a_run_that_was_begun_goes_on_elsewhere_with_the_shorter_bars(path: Path, tmp_path: Path) -> None:
    table = recipe(path)
    begun = prepare_run(table, home=tmp_path / "home")
    pack_home(begun, tmp_path / "sent")
    sent = quorate.resume(begun.id, home=tmp_path / "sent")
    assert sent.results == quorate.resume(begun.id, home=tmp_path / "home").results


@pytest.mark.full
def test_its_holdout_is_opened_and_its_pipeline_is_clean(path: Path, tmp_path: Path) -> None:
    table = recipe(path)
    report = quorate.promote(quorate.run(table, home=tmp_path).run_id, home=tmp_path)
    assert report.results["holdout"] is not None
    audit = quorate.audit(table, home=tmp_path)
    assert [one.detector for one in audit.findings if one.state == "alarm"] == []


def test_what_is_stored_is_read_with_the_shorter_bars_and_must_be_as_it_was(path: Path, tmp_path: Path) -> None:
    bars = load_bars(open_session(recipe(path, resample="4h"), home=tmp_path))
    assert (bars.frequency, bars.resampled, bars.finer is not None) == ("240min", "240min", True)
    home = Home(tmp_path)
    home.keep_bars(bars)
    again = home.bars(bars.fingerprint)
    assert (again.frequency, again.fingerprint) == ("240min", bars.fingerprint)
    assert again.finer is not None
    assert bars.finer is not None
    assert again.finer.close.tobytes() == bars.finer.close.tobytes()
    other = null_bars(bars, 3)
    assert other.times.tolist() == bars.times.tolist()
    assert other.fingerprint != bars.fingerprint
    assert other.finer is not None
    assert other.finer.close[-1, 0] == other.close[-1, 0]
    facts = json.loads((tmp_path / "bars" / f"{bars.fingerprint}.json").read_text())
    (tmp_path / "bars" / f"{facts['finer']}.parquet").unlink()
    with pytest.raises(StoreError, match="are not in"):
        home.bars(bars.fingerprint)


@pytest.mark.full
def test_a_sweep_tries_features_at_another_frequency(path: Path, tmp_path: Path) -> None:
    table = recipe(path)
    table["features"] = {"use": USE[:1]}
    table["folds"] = {"initial": 180, "test": 30}
    space = {"features.use": [[name] for name in USE[1:3]]}
    table["tuning"] = {
        "trials": 4,
        "folds": 2,
        "models": False,
        "objective": "sharpe",
        "sampler": "sobol",
        "space": space,
    }
    found = quorate.sweep(table, home=tmp_path)
    [search] = found.document["searches"].values()
    trials = search["trials"]
    tried = [one["params"]["features.use"] for one in trials if one["state"] == "complete"]
    assert len(trials) == len(tried) == 4
    assert any("@source" in str(one) for one in tried)


def test_paths_and_daily_rows_of_weeks_without_shorter_bars(tiny: dict[str, Any], tmp_path: Path) -> None:
    table = {
        **tiny,
        "features": {"use": ["return_1", "return_1@1w"]},
        "gates": {"cpcv": {"groups": 4, "tests": 2}},
    }
    report = quorate.run(table, home=tmp_path)
    assert report.results["development"]["folds"]
    with pytest.raises(DataError, match=r"the bars are of 1d, and there are none of 60min: .*data\.resample"):
        quorate.run({**tiny, "features": {"use": ["return_1@60min"]}}, home=tmp_path)
    with pytest.raises(DataError, match="bars of 1d cannot be made into bars of 60min, which are shorter"):
        quorate.run({**tiny, "data": {**tiny["data"], "resample": "1h"}}, home=tmp_path)
    with pytest.raises(DataError, match="feature 'return_126@1w' looks back 127 bars of 1w, and no symbol has as many"):
        quorate.run({**tiny, "features": {"use": ["return_126@1w", "return_1"]}}, home=tmp_path)
