"""A holdout that was opened on days was seen by a recipe that makes weeks of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import quorate
from quorate.evidence.ledger import ledger_of
from quorate.store import Home


def recipe(holdout: int, initial: int, **data: Any) -> dict[str, Any]:
    return {
        "data": {"source": "simulated", "n_bars": 1500, **data},
        "holdout": {"bars": holdout},
        "features": {"use": ["return_1", "return_2"]},
        "folds": {"initial": initial, "test": initial},
        "models": {"ridge": {}},
        "threshold": {"min_bars": 30},
        "execution": {"executor": "serial"},
    }


@pytest.mark.full  # the lineages: tests/unit/evidence/test_lineage.py
def test_a_holdout_opened_on_days_counts_in_weeks(tmp_path: Path) -> None:
    home = tmp_path / "home"
    daily = quorate.promote(quorate.run(recipe(250, 600), home=home).run_id, home=home)
    assert daily.provenance["holdout"]["recipes_that_opened_it"] == 1
    tried = daily.results["development"]["trials"]["n"]
    seen = daily.results["holdout"]["trials"]["n"]
    assert tried > 0
    assert seen > 0

    weekly = quorate.run(recipe(50, 120, resample="1w"), home=home)
    assert weekly.provenance["data"]["frequency"] == "1w"
    own = {entry["key"] for entry in ledger_of(Home(home)).of_run(weekly.run_id) if entry["kind"] == "candidate"}
    assert weekly.results["development"]["trials"]["n"] == len(own) + tried + seen

    opened = quorate.promote(weekly.run_id, home=home)
    assert opened.provenance["holdout"]["recipes_that_opened_it"] == 2
