"""A version brought up to date: its own recipe on the bars until now, judged as a new run, the old one as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import RecipeError, StoreError
from quorate.store.trust import forget

GATES = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}


def _bars(path: Path, days: int) -> None:
    """Write a market of 560 days up to one of them."""
    steps = np.random.default_rng(3).normal(0.0005, 0.01, 560)
    for n in range(1, 560):
        steps[n] += 0.3 * steps[n - 1]
    close = 100 * np.exp(np.cumsum(steps))
    open_ = np.concatenate([[100.0], close[:-1]])
    frame = pd.DataFrame({"open": open_, "high": np.maximum(open_, close) * 1.001,
                          "low": np.minimum(open_, close) * 0.999, "close": close, "volume": 1000.0})  # fmt: skip
    frame.insert(0, "date", pd.date_range("2022-01-01", periods=560).strftime("%Y-%m-%d"))
    frame.iloc[:days].to_csv(path, index=False)


def _table(path: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "own",
        "data": {"source": "csv", "path": str(path), "calendar": "24x7", **more},
        "holdout": {"bars": 100},
        "features": {"use": ["return_1", "return_5", "zscore_20"]},
        "folds": {"initial": 250, "test": 60},
        "models": {"ridge": {}},
        "threshold": {"min_bars": 60},
        "execution": {"executor": "serial"},
        "gates": GATES,
    }


def test_a_version_is_brought_up_to_date_by_a_run_of_its_own(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "own.csv"
    _bars(file, 520)
    first = quorate.promote(quorate.run(_table(file), home=home).run_id, label="mine", home=home)
    registry = quorate.ModelRegistry(home)
    before = registry.get("mine@1")
    assert quorate.update("mine@1", home=home).report is None  # no bar is new

    _bars(file, 560)
    found = quorate.update("mine@1", home=home)
    assert found.report is not None
    assert (found.after, found.report.results["holdout"]) == (None, None)  # closed, unless that is asked for
    assert found.report.provenance["recipe_digest"] == first.provenance["recipe_digest"]
    assert found.report.provenance["data"]["bars"] == 560
    # Folds of bars that did not change take their fits from the home.
    assert 0 < found.report.telemetry["cached"] < found.report.telemetry["fits"]

    out = CliRunner().invoke(app, ["update", "mine@1", "--promote", "--home", str(home)], env={"COLUMNS": "120"})
    assert out.exit_code == 0, out.output
    assert "registered as mine@2, a candidate" in out.output
    after = registry.get("mine@2")
    assert after.document["updates"] == "mine@1"
    assert after.document["training"]["label_end"] > before.document["training"]["label_end"]
    assert after.standing.run != before.standing.run
    assert registry.get("mine@1").document == before.document
    assert registry.check("mine@1") == []
    shown = CliRunner().invoke(app, ["registry", "show", "mine@2", "--home", str(home)], env={"COLUMNS": "120"})
    assert "updates" in shown.output
    # These days were looked at before, and the gates of the holdout are told.
    promoted = quorate.load_report(after.standing.run, home=home)
    openings = [e for e in _entries(home) if e["kind"] == "opening"]
    assert [one["looks"] for one in openings] == [1, 2]
    assert promoted.results["holdout"] is not None


def _entries(home: Path) -> list[dict[str, Any]]:
    from quorate.evidence.ledger import ledger_of
    from quorate.store import Home

    return ledger_of(Home(home)).entries()


def test_what_cannot_be_brought_up_to_date_is_refused(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "own.csv"
    _bars(file, 560)
    table = _table(file, until="2023-06-04")
    quorate.promote(quorate.run(table, home=home).run_id, home=home)
    with pytest.raises(RecipeError, match=r"reads bars until 2023-06-04 \(data.until\)"):
        quorate.update("own@1", home=home)
    with pytest.raises(StoreError, match=r"no version of 'ownn' is registered.*did you mean 'own'"):
        quorate.update("ownn", home=home)
    forget(home)
    with pytest.raises(StoreError, match="own@1 would be run again, and read the bars that its recipe names"):
        quorate.update("own@1", home=home)
