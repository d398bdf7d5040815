"""What a recipe could prove, as a command: one small proof that many assertions share."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.report import console
from quorate.report.views.prove import render
from quorate.runs.loading import load_bars
from quorate.runs.prove import _prove as module
from quorate.runs.prove import prove
from quorate.runs.prove.draw import ALONE, Case, Drawn, asked, judged, judging, lean, seed_of
from quorate.runs.prove.forecast import correlation_of, planted
from quorate.runs.prove.market import surrogate
from quorate.runs.session import open_session
from quorate.store import Home
from quorate.walkforward.layout import prepare
from support.command import call

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "zscore_20"]},
    "folds": {"initial": 300, "test": 200},
    "models": {"logistic": {}},
    "ensemble": {"compare": []},
    "strategy": {"compare": []},
    "threshold": {"grid": [0.0, 0.05]},
    "gates": {"preset": "headline", "psr": {}, "selection": {}, "null-market": {}},
    "execution": {"executor": "serial"},
}
DRAWS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof") / "home"


@pytest.fixture(scope="module")
def proof(folder: Path) -> quorate.Proof:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEPS", (0.0, 3.0, 9.0))
        return prove(TINY, home=folder, draws=DRAWS)


def test_a_strong_edge_passes_and_nothing_does_not(proof: quorate.Proof) -> None:
    nothing, *_, strong = proof.levels
    assert nothing["all"]["passed"] == 0
    assert nothing["edge"] < 1 < strong["edge"]
    assert strong["all"]["share"] >= 0.8
    edges = [one["edge"] for one in proof.levels]
    assert edges == sorted(edges)
    assert edges[0] < proof.smallest["edge"] <= edges[-1]
    assert proof.smallest["low"] <= proof.smallest["edge"]
    assert all(one["one_trial"]["passed"] >= one["all"]["passed"] for one in proof.levels)


def test_it_says_what_was_not_asked_and_what_would_help(proof: quorate.Proof) -> None:
    assert proof.left_out == ["null-market"]
    assert [one["name"] for one in proof.remedies] == [
        "two more years of bars", "half the costs", "one trial, and no others"
    ]  # fmt: skip
    assert all(one["smallest"]["edge"] <= proof.smallest["edge"] + 1e-9 for one in proof.remedies)
    assert proof.trials == {"n": 0, "effective": 0.0, "look": 1}
    assert proof.data["holdout"] == 150


def test_it_is_kept_and_neither_a_run_nor_in_the_ledger(
    proof: quorate.Proof, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "judged", lambda *_: pytest.fail("it was computed again"))
    assert prove(TINY, home=folder, draws=DRAWS).to_dict() == proof.to_dict()
    assert list(Home(folder).runs()) == []
    assert not list(folder.glob("ledger/*.jsonl"))


@pytest.mark.parametrize("width", [46, 80])
def test_it_fits_the_terminal(proof: quorate.Proof, width: int) -> None:
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    render(proof.to_dict(), target)
    text = target.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    assert "four times in five" in " ".join(text.split())
    assert "half the costs" in text


def test_the_command_prints_json(proof: quorate.Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.runs.prove.prove", lambda *_, **given: proof if given["draws"] == 10 else None)
    assert json.loads(call("plan", "planted", "--draws", "10", "--json").stdout) == json.loads(
        json.dumps(proof.to_dict())
    )


@pytest.fixture(scope="module")
def bars() -> quorate.Bars:
    table = {**TINY, "data": {"source": "simulated", "n_bars": 900, "n_symbols": 2}}
    return load_bars(open_session(table))


def test_a_surrogate_reads_no_price_of_the_holdout(bars: quorate.Bars) -> None:
    later = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for array in later.values():
        array[700:] *= 3
    other = dataclasses.replace(bars, **later)
    one, two = (surrogate(some, 700, 900, 10.0, 5) for some in (bars, other))
    assert one.fingerprint == two.fingerprint
    assert not np.array_equal(one.close, surrogate(bars, 700, 900, 10.0, 6).close)


def test_a_surrogate_has_sound_bars_without_drift_that_stay_related(bars: quorate.Bars) -> None:
    made = [surrogate(bars, 700, 1_400, 10.0, seed) for seed in range(20)]
    assert all((one.high >= np.maximum(one.open, one.close)).all() for one in made)
    assert all((one.low <= np.minimum(one.open, one.close)).all() for one in made)
    assert (np.diff(made[0].times) > np.timedelta64(0, "us")).all()
    assert (made[0].times[:900] == bars.times).all()
    weekday = (made[0].sessions.astype("datetime64[D]").astype(int) + 3) % 7
    assert weekday.max() < 5
    change = np.concatenate([one.close[1:] / one.close[:-1] - 1 for one in made])
    deviation = (bars.close[1:700] / bars.close[:699] - 1).std(axis=0)
    assert np.abs(change.mean(axis=0)) == pytest.approx(0, abs=4 * deviation.max() / np.sqrt(len(change)))
    assert change.std(axis=0) == pytest.approx(deviation, rel=0.1)
    own = np.corrcoef((bars.close[1:700] / bars.close[:699]).T)[0, 1]
    assert np.corrcoef(change.T)[0, 1] == pytest.approx(own, abs=0.05)


def test_planted_forecasts_know_as_much_as_is_said(bars: quorate.Bars) -> None:
    session = open_session({**TINY, "models": {"logistic": {}, "lightgbm": {}}})
    recipe = lean(session.recipe, session.registry, bars)
    assert recipe.features.use == ["zscore_20"]
    made = surrogate(bars, 700, 9_000, 10.0, 1)
    walk = prepare(recipe, session.registry, made, [(0, 9_000)])
    nothing, some = planted(walk, 0.0, 3), planted(walk, 4.0, 3)
    judged = np.isfinite(some[:, 0]) & np.isfinite(walk.dataset.y)
    y = 2 * walk.dataset.y[judged] - 1
    wanted = correlation_of(4.0, made.bars_per_year)
    seen = np.log(some[judged] / (1 - some[judged]))
    assert wanted == pytest.approx(4 / np.sqrt(made.bars_per_year))
    assert [np.corrcoef(column, y)[0, 1] for column in seen.T] == pytest.approx([wanted] * 4, abs=0.04)
    assert [abs(np.corrcoef(column, y)[0, 1]) for column in nothing[judged].T] == pytest.approx([0] * 4, abs=0.04)
    # Calibrated: of forecasts of more than one half, as many come true as they say.
    sure = some[judged, 0] > 0.6
    assert (y[sure] > 0).mean() == pytest.approx(some[judged, 0][sure].mean(), abs=0.04)
    assert nothing[judged].std() > 0.01  # who knows nothing trades all the same


def test_a_draw_is_the_same_market_at_every_strength(bars: quorate.Bars) -> None:
    session = open_session(TINY)
    bench = module._bench(session, bars, bars)
    assert {seed_of(bench, Case(3, strength)) for strength in (0.0, 2.0, 9.0)} == {seed_of(bench, Case(3, 0.0, 2.0))}
    assert seed_of(bench, Case(4, 0.0)) != seed_of(bench, Case(3, 0.0))


def test_a_brief_case_says_what_the_whole_one_does(bars: quorate.Bars) -> None:
    gates = {"preset": "headline", "psr": {}, "alpha": {}, "selection": {}, "mcs": {"draws": 200}}
    session = open_session({**TINY, "strategy": {"compare": ["long-short"]}, "gates": gates})
    bench = module._bench(session, bars, bars)
    assert {*asked(bench.recipe, session.registry)} - {*ALONE} == {"selection", "mcs"}
    found = []
    for draw, strength in ((0, 0.0), (0, 3.0), (1, 9.0)):
        whole, brief = (judged(bench, session.registry, Case(draw, strength, brief=b)) for b in (False, True))
        assert whole.sharpe == brief.sharpe
        assert {*brief.development} <= {*whole.development}
        for name in ("development", "holdout"):
            assert bool(getattr(whole, name)) == bool(getattr(brief, name)), (strength, draw, name)
        assert whole.one_trial == brief.one_trial
        found.append(whole)
    better = [one for one in found if one.development == ("mcs",)]
    assert {one.instead for one in better} == {(("strategy.name", "long-short"),)}
    instead = Case(1, 9.0, brief=True, instead=better[-1].instead)
    assert judged(bench, session.registry, instead).development == ()


def test_judged_instead_has_the_lines_that_are_told_and_no_option_of_what_was_judged() -> None:
    strategy = {"params": {"hysteresis": 0.1}, "grid": {"risk.stop": [0.0, 0.1], "hysteresis": [0.0, 0.1]}}
    session = open_session({**TINY, "ensemble": {"compare": ["mean"]}, "strategy": strategy})
    keys = (("ensemble.method", "mean"), ("strategy.name", "long-short"))
    recipe = judging(session.recipe, session.registry, keys)
    assert (recipe.ensemble.method, recipe.ensemble.params) == ("mean", {})
    assert (recipe.strategy.name, recipe.strategy.params) == ("long-short", {})
    assert recipe.strategy.grid == {"risk.stop": [0.0, 0.1]}
    assert judging(session.recipe, session.registry, ()) == session.recipe


def test_what_is_better_is_a_remedy_with_its_line_and_ends_the_strengths() -> None:
    keys = (("strategy.name", "long-short"),)

    def judge(cases: Any, name: str) -> list[Drawn]:
        case = cases[0]
        fine, better = Drawn(case.strength / 2, (), (), True), Drawn(case.strength / 2, ("mcs",), (), False, keys)
        if case.instead:
            return [fine] * 10 if case.strength > 2 else [better] * 10
        passed = {3.0: 5, 4.0: 2}.get(case.strength, 0)
        return (
            [fine] * passed + [better] * (10 - passed)
            if case.strength
            else [dataclasses.replace(better, instead=())] * 10
        )

    session = open_session(TINY)
    bars = load_bars(session)
    bench = module._bench(session, bars, bars)
    proof = module._found(session, bars, bench, "key", 10, judge)
    assert [one["strength"] for one in proof.levels] == [0.0, 2.0, 3.0, 4.0]
    [remedy] = [one for one in proof.remedies if "set" in one]
    assert (remedy["name"], remedy["set"]) == ("judge long-short", {"strategy.name": "long-short"})
    assert 1.0 < remedy["smallest"]["edge"] <= 1.5
    target = console.Console(file=io.StringIO(), width=80, highlight=False, color_system=None)
    render(proof.to_dict(), target)
    text = " ".join(target.file.getvalue().split())  # type: ignore[attr-defined]
    assert "judge long-short" in text
    assert 'where none was enough: strategy.name = "long-short"' in text
