"""Strict runs: the combinatorial gate from the recipe to the report, with failures, again, and where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

import quorate
from quorate.execution.progress import Clock, Progress
from quorate.runs.loading import load_bars
from quorate.runs.reproduce import reproduce
from quorate.runs.session import open_session
from quorate.store import Home
from quorate.walkforward import part

FEW = """
import quorate
from sklearn.linear_model import LogisticRegression


class Hungry(LogisticRegression):
    def fit(self, X, y):
        if len(X) < 270:
            raise ValueError("too few rows for me")
        return super().fit(X, y)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("hungry", Hungry, task="classification")
"""


@pytest.fixture
def recipe(small: dict[str, object]) -> dict[str, object]:
    return {
        **small,
        "features": {"use": ["return_1", "return_5", "zscore_20"]},
        "models": {"logistic": {}, "ridge": {}},
        "gates": {"preset": "headline", "cpcv": {}},
        "execution": {"executor": "serial"},
    }


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "hungry.py"
    path.write_text(FEW)
    return path


def gate_of(report: quorate.Report) -> dict[str, object]:
    [gate] = [gate for gate in report.results["development"]["gates"] if gate["gate"] == "cpcv"]
    return dict(gate)


def test_a_signal_passes_everywhere_alike_and_the_walk_forward_is_what_it_is_without_the_gate(
    recipe: dict[str, object],
) -> None:
    report = quorate.run({**recipe, "gates": {"preset": "strict"}})
    gate = gate_of(report)
    assert (gate["verdict"], gate["value"], gate["tier"]) == ("PASS", 1.0, "C")
    # Two members and two baselines on three folds, the members alone on twenty splits.
    assert (report.telemetry["fits"], report.telemetry["cached"]) == (3 * 4 + 20 * 2, 0)
    [run] = Home().runs()
    assert '"cpcv"' in (run.path / "gates.json").read_text()
    assert reproduce(report.run_id).identical
    elsewhere = {"cache": False, "executor": "processes", "workers": 2}
    again = quorate.run({**recipe, "gates": {"preset": "strict"}, "execution": elsewhere})
    assert (again.digest, again.telemetry["cached"]) == (report.digest, 0)
    without = quorate.run({**recipe, "gates": {"preset": "strict", "cpcv": False}})
    assert without.telemetry["cached"] == without.telemetry["fits"] == 3 * 4
    one, other = report.results["development"], without.results["development"]
    assert (one["digests"], one["folds"]) == (other["digests"], other["folds"])
    assert [gate for gate in one["gates"] if gate["gate"] != "cpcv"] == other["gates"]


def test_noise_fails(recipe: dict[str, object]) -> None:
    report = quorate.run({**recipe, "data": {"source": "simulated", "n_bars": 700, "signal": 0.0, "seed": 3}})
    gate = gate_of(report)
    assert gate["verdict"] == "FAIL"
    assert "paths do not gain" in str(gate["reason"])


def test_the_holdout_has_no_paths(recipe: dict[str, object]) -> None:
    session = open_session(recipe)
    bars, clock = load_bars(session), Clock(Progress())
    with session.fitting(cache=False) as fitting:
        laid = part.lay_out_development(session.recipe, session.registry, bars, clock)
        before = part.development(laid, fitting, clock)
        fitted = len(fitting.results)
        after = part.holdout(session.recipe, session.registry, bars, before.predictions, fitting, clock)
    assert (fitted, len(fitting.results) - fitted) == (3 * 4 + 20 * 2, 2 * 4)
    assert len(before.fits) == 3 * 4
    told = [{gate["gate"] for gate in one.section["gates"]} for one in (before, after)]
    assert told[0] - told[1] == {"cpcv"}


def test_a_member_that_fails_on_splits_has_no_vote_there_and_is_told(recipe: dict[str, object], plugin: Path) -> None:
    table = {**recipe, "models": {"logistic": {}, "hungry": {}}, "on_failure": "drop"}
    report = quorate.run(table, plugins=[plugin])
    gate, section = gate_of(report), report.results["development"]
    assert gate["verdict"] == "PASS"
    assert gate["warning"].startswith("model 'hungry' failed on ")  # type: ignore[attr-defined]
    assert "of 20 splits: ValueError: too few rows for me" in str(gate["warning"])
    assert "failures" not in section
    assert reproduce(report.run_id).identical


def test_where_failures_stop_a_run_the_gate_is_named(recipe: dict[str, object], plugin: Path) -> None:
    table = {**recipe, "models": {"hungry": {}}}
    with pytest.raises(quorate.FitError, match="gate 'cpcv', whose splits are folds 3 to 22: model 'hungry'") as error:
        quorate.run(table, plugins=[plugin])
    for told in ("too few rows for me", "on_failure=drop", "--set gates.cpcv=false"):
        assert told in str(error.value)
    # Nobody is left to vote on such a split.
    with pytest.raises(quorate.FitError, match=r"gate 'cpcv', .*: no member is left on fold"):
        quorate.run({**table, "on_failure": "drop"}, plugins=[plugin])


def test_too_many_splits_are_refused_before_anything_is_fitted(recipe: dict[str, object]) -> None:
    with pytest.raises(quorate.RecipeError, match="924 splits"):
        quorate.run({**recipe, "gates": {"cpcv": {"groups": 12, "tests": 6}}})
    assert Home().runs() == []
