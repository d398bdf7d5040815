"""The studies of whom the gates let through, in small: ``make experiments`` does them in full."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import quorate
from quorate.execution.executor import Executor

SIGNAL = 0.2584  # at which the perfect model earns a Sharpe ratio of 3


@pytest.fixture(scope="module")
def evidence() -> ModuleType:
    path = Path(__file__).parents[1] / "experiments" / "evidence.py"
    spec = importlib.util.spec_from_file_location("study_evidence", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with quorate.executor("serial") as made:
        yield made


@pytest.mark.full
def test_noise_is_not_promoted_however_it_is_picked(evidence: ModuleType, executor: Executor, tmp_path: Path) -> None:
    study = evidence.Study(tmp_path)
    study.each("noise", 2, lambda k: evidence.noise(study, k, executor))
    rows = study.rows("noise")
    assert [row["k"] for row in rows] == [0, 1]
    assert not any(row["standard"] or row["standard_walk_forward"] for row in rows)
    assert all(len(row["sharpe"]) >= 2 for row in rows)  # the ensemble, then the best series of its report


@pytest.mark.full
def test_a_strong_signal_is_promoted(evidence: ModuleType, executor: Executor, tmp_path: Path) -> None:
    study = evidence.Study(tmp_path)
    study.each("power-3.0", 2, lambda k: evidence.power(study, SIGNAL, k, executor))
    assert [row["promoted"] for row in study.rows("power-3.0")] == [True, True]


def test_a_clean_pipeline_raises_no_alarm(evidence: ModuleType, executor: Executor, tmp_path: Path) -> None:
    assert evidence.clean(1, tmp_path, executor)["alarms"] == []


def test_a_study_goes_on_where_it_was_and_tells_what_it_counted(evidence: ModuleType, tmp_path: Path) -> None:
    study, asked = evidence.Study(tmp_path), []
    flags = ("one_year_first", "one_year_any", "headline_walk_forward", "headline", "standard_walk_forward", "standard")

    def experiment(k: int) -> dict[str, bool]:
        asked.append(k)
        return {flag: flag.startswith("one_year") for flag in flags}

    study.each("noise", 2, experiment)
    study.each("noise", 3, experiment)
    assert asked == [0, 1, 2]
    (tmp_path / "signal-3.0.json").write_text(json.dumps({"signal": SIGNAL, "oracle": 3.0}))
    study.each("power-3.0", 1, lambda k: {"promoted": True, "sharpe": [2.5, 2.0], "missed": []})
    page = evidence.tables(study)
    assert "| one unseen year, any of ten models | `headline` | 3 of 3 |" in page
    assert "| walk-forward and holdout: promoted | `standard` | 0 of 3 |" in page
    assert "| 3.00 | 0.2584 | 2.50 | 2.00 | 1 of 1 | none |" in page
