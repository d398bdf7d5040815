"""The studies of whom the gates let through, in small: ``make experiments`` does them in full."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
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
    row = {"promoted": True, "sharpe": [2.5, 2.0], "missed": [], "bars": [1260, 504]}
    study.each("power-3.0", 1, lambda k: row)
    before = "# Studies\n\n## Noise\n\nold\n\n## Clean pipelines under audit\n\n0 of 50 raised an alarm.\n"
    page = evidence.page.tables(study, evidence.RECIPES, before)
    assert "| one unseen year, any of ten models | `headline` | 3 of 3 |" in page
    assert "| walk-forward and holdout: promoted | `standard` | 0 of 3 |" in page
    # Of the oracle the limit is the chance that normal numbers about 6.71 and 4.24 pass 1.645 and 1.751.
    assert "| 3.00 | 0.2584 | 2.50 | 2.00 | 1 of 1: 100 % (21 % to 100 %) | 99 % | 100 % | 100 % | none |" in page
    assert "0 of 50 raised an alarm." in page  # what was counted elsewhere stays
    assert "old\n" not in page
    assert "## Sizes of the gates\n\nNot counted yet." in page


def test_gates_are_asked_of_series_about_which_they_can_only_be_wrong(evidence: ModuleType) -> None:
    sizes = evidence.sizes
    verdicts = {"PASS", "FAIL", "INSUFFICIENT"}
    for name, case in sizes.CASES.items():
        draws = [*case.asked(sizes.KINDS["AR(1) .2"], np.random.default_rng(1), 504, 2)]
        assert (len(draws), {*draws} <= verdicts) == (2, True), name
    found = {"`psr`": {"PASS": 3, "FAIL": 97}, "`spa`, best of 5": {"PASS": 1, "FAIL": 4, "INSUFFICIENT": 5}}
    counts = {name: dict.fromkeys(sizes.KINDS, told) for name, told in found.items()}
    lines = sizes.table({126: [{"counts": counts}, {"counts": counts}], 504: [{"counts": counts}]})
    assert "| `psr` | 5 % | 504 | 100 | 3.0 % | 3.0 % | 3.0 % | 3.0 % |" in lines
    assert f"| `spa`, best of 5 | 5 % | 126 | 20 |{' 10.0 % (50% not judged) |' * 4}" in lines
    assert not any("| 1,260 |" in line for line in lines)
