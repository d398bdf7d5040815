"""Symbols that are held out: nothing is learnt from them, and what was learnt elsewhere is tried on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.bars.held_out import without
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError, IntegrityError, RecipeError, StoreError
from quorate.plugins.registry import Registry
from quorate.report.report import Report
from quorate.report.sections import usual_of
from quorate.report.sql_columns import types_of
from quorate.runs.audit.held_out import held_out
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.store import Home
from quorate.walkforward import layout, rows
from quorate.walkforward.alone import alone_in
from quorate.walkforward.distribution import around, around_unseen
from support.command import call

HELD = ["SIM002", "SIM005", "SIM006"]
RECIPE: dict[str, Any] = {
    "name": "held",
    "data": {"source": "simulated", "n_bars": 520, "signal": 0.4, "n_symbols": 6},
    "holdout": {"bars": 100, "symbols": HELD},
    "features": {"use": ["return_1", "return_5", "zscore_20", "place"]},
    "folds": {"initial": 250, "test": 60},
    "models": {"logistic": {}, "windowed": {"plugin": "windowed"}},
    "threshold": {"min_bars": 60},
    "execution": {"executor": "serial"},
}
PLAIN = {**RECIPE, "features": {"use": ["return_1", "return_5"]}, "models": {"logistic": {}}}
OF_NUMBERS = {**PLAIN, "models": {"ridge": {}}, "labels": {"name": "return"}}
PLUGIN = """
import numpy as np
import quorate


def place(close):
    from scipy.stats import rankdata

    ranks = np.apply_along_axis(lambda row: rankdata(row, nan_policy="omit"), 1, close)
    return np.where(np.isfinite(close), ranks / np.isfinite(close).sum(axis=1, keepdims=True), np.nan)


class Windowed:
    def fit(self, X, y):
        self.mean_ = float(y.mean())
        return self

    def predict(self, X):
        return np.clip(self.mean_ + 0.1 * np.tanh(X[:, :, 0].mean(axis=1)), 0.0, 1.0).astype(float)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("place", place, inputs=("close",), lookback=1, cross_sectional=True)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("windowed", Windowed, task="regression", input="windows", lookback=4)
"""


def recipe(**holdout: Any) -> dict[str, Any]:
    made = deepcopy(RECIPE)
    made["holdout"] = {"bars": 100, **holdout}
    return made


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "held.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> Path:
    return tmp_path_factory.mktemp("held") / "home"


@pytest.fixture(scope="module")
def ran(home: Path, plugin: Path) -> Report:
    return quorate.run(RECIPE, home=home, plugins=[plugin])


@pytest.fixture(scope="module")
def opened(ran: Report, home: Path) -> Report:
    return quorate.promote(ran.run_id, home=home)


def files_of(bars: Bars, folder: Path) -> Path:
    folder.mkdir()
    for symbol in bars.symbols:
        bars.select([symbol]).to_frame().drop(columns="symbol").to_parquet(folder / f"{symbol}.parquet")
    return folder


@pytest.fixture(scope="module")
def bars() -> Bars:
    return load_bars(open_session(PLAIN))


def test_what_is_learnt_and_judged_is_that_of_the_other_symbols_alone(
    ran: Report, bars: Bars, plugin: Path, tmp_path: Path
) -> None:
    others = files_of(without(bars, HELD), tmp_path / "others")
    data = {"source": "parquet", "path": str(others)}
    alone = quorate.run({**recipe(), "data": data}, home=tmp_path / "home", plugins=[plugin])
    mine, theirs = dict(ran.results["development"]), dict(alone.results["development"])
    assert mine.pop("unseen")
    assert mine == theirs
    assert ran.fits["train_rows"].tolist() == alone.fits["train_rows"].tolist()


def test_a_run_without_them_says_so(finished: Home) -> None:
    [run] = finished.runs()
    report = quorate.load_report(run.id, home=finished.path)
    assert "unseen" not in report.results["development"]
    with pytest.raises(StoreError, match="holds no symbols out"):
        _ = report.unseen


def test_the_unseen_are_judged_apart(ran: Report) -> None:
    found = ran.results["development"]["unseen"]
    assert found["symbols_held_out"] == HELD == ran.provenance["holdout"]["symbols"]
    assert found["predicted"] == len(ran.unseen) == 3 * ran.results["development"]["span"]["bars"]
    assert {row["symbol"] for row in found["symbols"]} == set(HELD) == set(ran.unseen["symbol"])
    assert not {*HELD} & {*ran.predictions["symbol"]}
    assert not {*HELD} & {*ran.weights["symbol"]}
    assert 1 <= found["independent"] <= 3
    judged = {gate["gate"] for gate in found["gates"]}
    assert {"sharpe", "sample-size", "spa"} <= judged
    assert "cpcv" not in judged
    gap = found["gap"]["sharpe"]
    assert gap["difference"] == pytest.approx(gap["unseen"] - gap["seen"])
    assert gap["low"] < gap["difference"] < gap["high"]
    assert gap["unseen"] == found["series"][0]["metrics"]["sharpe"]
    assert found["gap"]["accuracy"]["unseen"] > 0.5  # the signal is that of all
    assert ran.typed.results.development.unseen is not None
    # What weighs and what is traded from on was chosen by the others.
    assert np.isfinite(ran.unseen.filter(like="ensemble/")).all(axis=None)


def test_the_holdout_of_the_unseen_is_opened_with_that_of_the_others(ran: Report, opened: Report) -> None:
    found = opened.results["holdout"]["unseen"]
    assert found["symbols_held_out"] == HELD
    assert found["predicted"] == 300
    start = ran.provenance["holdout"]["start"]
    assert str(ran.unseen.index.max().date()) < start
    assert str(opened.unseen.query("part == 'holdout'").index.min().date()) == start
    assert opened.results["development"] == ran.results["development"]


def test_it_is_reproduced_predicted_and_told(opened: Report, home: Path) -> None:
    again = quorate.reproduce(opened.run_id, home=home)
    assert again.identical, again.differences
    wanted = quorate.predict(opened.run_id, home=home)
    assert {one["symbol"] for one in wanted.unseen} == set(HELD)
    assert not {one["symbol"] for one in wanted.targets} & set(HELD)
    told = call("report", opened.run_id, "--home", str(home), "--section", "unseen").stdout
    assert "Unseen symbols, walk-forward" in told
    assert "Unseen symbols, holdout" in told
    assert "no further history" in told
    rows = call("sql", "select distinct symbol from unseen order by 1", "--home", str(home), "--json").stdout
    assert [row["symbol"] for row in json.loads(rows)] == HELD
    described = call("sql", "describe unseen", "--home", str(home), "--json").stdout
    columns = {row["column_name"]: row["column_type"] for row in json.loads(described)}
    assert types_of("unseen").items() <= columns.items()
    more = {name for name in columns if name not in types_of("unseen")}
    assert {name.partition("/")[0] for name in more} == {"member", "ensemble"}
    assert quorate.explain(opened.run_id, home=home)


def test_models_are_kept_and_used_under_the_same_keys(home: Path) -> None:
    table = {**PLAIN, "execution": {"executor": "serial", "keep_models": "last"}}
    run = quorate.run(table, home=home)
    kept = quorate.predict(run.run_id, home=home, kept=True)
    assert kept.kept is not None
    assert kept.kept["fitted_again"] == []
    assert {one["symbol"] for one in kept.unseen} == set(HELD)


@pytest.mark.parametrize(
    ("asked", "count"),
    [({"symbols": 2}, 2), ({"symbols": 0.5}, 3), ({"symbols": "SIM00[12]"}, 2), ({"symbols": ["SIM001", "*6"]}, 2)],
)
def test_symbols_are_chosen_by_number_share_and_pattern(asked: dict[str, Any], count: int, plugin: Path) -> None:
    session = open_session(recipe(**asked), plugins=[plugin])
    bars = hold_out(session, load_bars(session))
    assert len(session.recipe.holdout.held_out) == count
    assert len(bars.symbols) == 6
    again = open_session(recipe(**asked), plugins=[plugin])
    hold_out(again, load_bars(again))
    assert again.recipe.holdout == session.recipe.holdout


def test_a_seed_chooses_others(plugin: Path) -> None:
    chosen = set()
    for seed in range(6):
        session = open_session(recipe(symbols=2, seed=seed), plugins=[plugin])
        hold_out(session, load_bars(session))
        assert session.recipe.holdout.seed is None
        chosen.add(tuple(session.recipe.holdout.held_out))
    assert len(chosen) > 2


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"symbols": ["SIM02"]}, DataError, "did you mean"),
        ({"symbols": "SIM*"}, DataError, "one be left"),
        ({"symbols": 6}, DataError, "one be left"),
        ({"symbols": []}, RecipeError, "symbols"),
        ({"symbols": ["SIM001"], "seed": 3}, RecipeError, "a number or a share"),
    ],
)
def test_what_cannot_be_held_out_is_refused(
    asked: dict[str, Any], error: type[Exception], said: str, plugin: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        quorate.plan(recipe(**asked), home=tmp_path / "home", plugins=[plugin])


def test_how_long_and_which_symbols_are_set_apart(plugin: Path) -> None:
    noise = open_session("noise").recipe.holdout.model_dump(exclude_none=True)
    session = open_session(recipe(symbols=2, seed=4), plugins=[plugin], overrides=[])
    assert (session.recipe.holdout.bars, session.recipe.holdout.symbols) == (100, 2)
    table = {**PLAIN, "extends": "noise", "holdout": {"symbols": 2, "seed": 4}}
    merged = open_session(table).recipe.holdout
    assert (merged.symbols, merged.seed) == (2, 4)
    assert merged.model_dump(exclude={"symbols", "seed"}, exclude_none=True) == noise


def test_bars_at_times_of_the_held_out_alone_are_left_out(bars: Bars, tmp_path: Path) -> None:
    sparse = bars.to_frame()
    days = sorted(sparse["time"].unique())
    gone = sparse["time"].isin(days[100:110]) & ~sparse["symbol"].isin(HELD)
    folder = files_of(Bars.from_frame(sparse[~gone], bars.calendar), tmp_path / "sparse")
    table = {**PLAIN, "data": {"source": "parquet", "path": str(folder), "mixed": True}}
    session = open_session(table)
    found = hold_out(session, load_bars(session))
    assert len(found) == len(bars) - 10
    assert any("30 bars of symbols that are held out are left out" in warning for warning in session.warnings)


def test_the_gate_decides_where_a_recipe_has_it(plugin: Path, tmp_path: Path) -> None:
    few = quorate.run({**RECIPE, "gates": {"unseen-symbols": {}}}, home=tmp_path / "home", plugins=[plugin])
    gates = {gate["gate"]: gate for gate in few.results["development"]["gates"]}
    assert gates["unseen-symbols"]["verdict"] == "INSUFFICIENT"
    assert "3 symbols held out, of at least 5" in gates["unseen-symbols"]["reason"]
    table = {**RECIPE, "gates": {"unseen-symbols": {"least": 3}}}
    enough = quorate.run(table, home=tmp_path / "home", plugins=[plugin])
    [gate] = [gate for gate in enough.results["development"]["gates"] if gate["gate"] == "unseen-symbols"]
    assert gate["required"]
    assert gate["value"] == enough.results["development"]["unseen"]["gap"]["sharpe"]["unseen"]
    assert gate["verdict"] == ("PASS" if gate["value"] > 0 else "FAIL")


def test_a_sweep_sees_none_of_them(plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    whole = rows.build_dataset

    def noted(bars: Bars, *args: Any, **kwargs: Any) -> Any:
        seen.update(bars.symbols)
        return whole(bars, *args, **kwargs)

    monkeypatch.setattr(rows, "build_dataset", noted)
    table = {**recipe(symbols=HELD), "models": {"ridge": {}}, "tuning": {"trials": 2, "folds": 2}}
    quorate.sweep(table, home=tmp_path / "home", plugins=[plugin])
    assert seen == {"SIM001", "SIM003", "SIM004"}


def test_a_twin_of_a_symbol_that_is_learnt_from_is_refused(bars: Bars, tmp_path: Path) -> None:
    frame = bars.to_frame()
    twin = frame[frame["symbol"] == "SIM001"].assign(symbol="TWIN")
    near = frame[frame["symbol"] == "SIM003"].assign(symbol="NEAR")
    prices = ["open", "high", "low", "close"]
    near[prices] *= 7.0
    for held, added in (("TWIN", twin), ("NEAR", near)):
        import pandas as pd

        panel = Bars.from_frame(pd.concat([frame, added], ignore_index=True), bars.calendar)
        folder = files_of(panel, tmp_path / held)
        table = {**PLAIN, "holdout": {"bars": 100, "symbols": [held]}}
        table["data"] = {"source": "parquet", "path": str(folder)}
        if held == "TWIN":
            with pytest.raises(IntegrityError, match="TWIN has the prices of SIM001"):
                quorate.run(table, home=tmp_path / "home")
        else:
            run = quorate.run(table, home=tmp_path / "home")
            [alike] = run.results["development"]["unseen"]["alike"]
            assert (alike["symbol"], alike["as"]) == ("NEAR", "SIM003")
            told = call("report", run.run_id, "--home", str(tmp_path / "home"), "--section", "unseen")  # one alone
            assert told.exit_code == 0, told.output
            assert "NEAR moves as SIM003" in " ".join(told.stdout.split())
            [told] = [section for section in usual_of(run) if section.name == "unseen"]
            assert "1 symbol that nothing was learnt from" in told.sentence


def _mixed_in(bars: Bars, names: list[str]) -> Bars:
    """As `without`, but prices of those left lean on those that are held out."""
    rest = without(bars, names)
    if rest is bars:
        return rest
    lean = bars.close[:, np.isin(bars.symbols, names)].mean(axis=1, keepdims=True)
    return replace(rest, **{name: getattr(rest, name) * lean for name in ("open", "high", "low", "close")})


@pytest.mark.parametrize(
    ("planted", "said"),
    [(lambda bars, names: bars, "rows of symbols that are held out: SIM002"), (_mixed_in, "change with the bars")],
    ids=["as they are", "mixed in"],
)
def test_a_planted_leak_is_caught(
    planted: Callable[[Bars, list[str]], Bars], said: str, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(recipe(symbols=HELD), plugins=[plugin])
    bars = hold_out(session, load_bars(session)).until(400)
    assert held_out(session.recipe, session.registry, bars).state == "clean"
    monkeypatch.setattr(layout, "without", planted)
    found = held_out(session.recipe, session.registry, bars)
    assert found.state == "alarm"
    assert said in found.detail


def test_the_audit_tells_of_it(plugin: Path, tmp_path: Path) -> None:
    audit = quorate.audit(RECIPE, home=tmp_path / "home", plugins=[plugin], draws=2)
    [found] = [one for one in audit.findings if one.detector == "held-out symbols"]
    assert found.state == "clean"
    assert found.figures["compared"] > 100


def test_symbols_that_are_too_young_before_the_holdout_are_tried_in_it(bars: Bars) -> None:
    session = open_session(PLAIN)
    young = np.isin(bars.symbols, HELD) & (np.arange(len(bars))[:, None] < 418)
    late = replace(bars, **{name: np.where(young, np.nan, getattr(bars, name)) for name in FIELDS})
    late = hold_out(session, late)
    before, after = (
        layout.prepare(session.recipe, session.registry, late.until(stop), [(0, stop)]).unseen for stop in (420, 460)
    )
    assert before is not None
    assert after is not None
    assert (len(before.dataset), len(before.beside)) == (0, len(before.seen))
    assert {*after.dataset.symbol} == {0, 1, 2}


def test_a_portfolio_of_one_symbol_that_is_held_out_is_refused(bars: Bars) -> None:
    table = {**PLAIN, "strategy": {"name": "dollar-neutral"}, "holdout": {"bars": 100, "symbols": ["SIM002"]}}
    session = open_session(table)
    with pytest.raises(RecipeError, match=r"'dollar-neutral' chooses among symbols; .* one alone, SIM002"):
        layout.prepare(session.recipe, session.registry, bars.until(420), [(0, 420)])


BANDS = """
import numpy as np
import quorate


class Bands:
    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(float)
        self.line_ = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ y)
        self.errors_ = np.quantile(y - A @ self.line_, [0.1, 0.5, 0.9])
        return self

    def predict(self, X):
        return (np.column_stack((np.ones(len(X)), X)).astype(float) @ self.line_)[:, None] + self.errors_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("bands", Bands, task="regression", outputs=("q0.1", "q0.5", "q0.9"))
"""
OF_BANDS = {
    **PLAIN,
    "labels": {"name": "return"},
    "models": {"bands": {}, "ridge": {}},
    "ensemble": {"interval": "split", "quantiles": [0.1, 0.9]},
    "threshold": {"grid": [0.0], "default": 0.0},
    "gates": {"sharpe": {}, "cpcv": {"groups": 4, "tests": 2}, "unseen-symbols": {"least": 3}},
}


@pytest.fixture(scope="module")
def banded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bands") / "bands.py"
    path.write_text(BANDS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bands(home: Path, banded: Path) -> Report:
    return quorate.promote(quorate.run(OF_BANDS, home=home, plugins=[banded]).run_id, home=home)


def test_quantiles_of_the_unseen_are_judged_as_those_of_the_others(bands: Report, home: Path) -> None:
    for part in ("development", "holdout"):
        found = bands.results[part]
        own, seen = found["unseen"], bands.results[part]
        for table in ("quantiles", "intervals"):
            rows = [{key: row[key] for key in ("series", "step", "fold")} for row in own[table]]
            assert rows == [{key: row[key] for key in ("series", "step", "fold")} for row in seen[table]]
        frame = bands.unseen.query("part == @part").dropna(subset="label")
        for name, column in (("bands", "member/bands/q{:g}"), ("past-performance", "ensemble/past-performance/q{:g}")):
            told = {row["level"]: row for row in own["quantiles"] if row["series"] == name and row["fold"] is None}
            assert {0.1, 0.9} <= told.keys()
            for level in (0.1, 0.9):
                q = frame[column.format(level)].to_numpy()
                known = np.isfinite(q)
                y, q = frame["label"].to_numpy()[known], q[known]
                assert told[level]["n"] == len(y) > 100
                assert told[level]["below"] == pytest.approx(np.mean(y <= q))
                assert told[level]["pinball"] == pytest.approx(
                    np.maximum(level * (y - q), (level - 1) * (y - q)).mean()
                )
        [wide] = [row for row in own["intervals"] if row["series"] == "bands" and row["fold"] is None]
        assert abs(wide["coverage"] - 0.8) < 0.1
        # What is learnt of errors is learnt of the other symbols.
        assert any(row["width"] > 0 for row in own["intervals"] if row["series"] == "past-performance")
    assert bands.typed.results.development.unseen.quantiles[0].series
    shown = call("report", bands.run_id, "--home", str(home), "--section", "unseen").stdout
    assert "labels below   others" in " ".join(shown.split("\n"))
    wanted = quorate.predict(bands.run_id, home=home)
    for one in (*wanted.unseen, *wanted.targets):
        assert one["quantiles"]["0.1"] < one["prediction"] < one["quantiles"]["0.9"]


def test_combinatorial_paths_are_walked_with_the_unseen_too(bands: Report, home: Path) -> None:
    found = bands.results["development"]["unseen"]
    [paths] = found["paths"]
    assert (paths["groups"], paths["tests"], paths["splits"], paths["n"], paths["reason"]) == (4, 2, 6, 3, "")
    [seen] = [gate for gate in bands.results["development"]["gates"] if gate["gate"] == "cpcv"]
    [own] = [gate for gate in found["gates"] if gate["gate"] == "cpcv"]
    for told, gate in ((paths["unseen"], own), (paths["seen"], seen)):
        assert told["gain"] == gate["value"]
        assert told["sharpe-median"] == pytest.approx(np.median(gate["inputs"]["sharpes"]))
    assert own["inputs"]["sharpes"] != seen["inputs"]["sharpes"]
    assert "paths" not in bands.results["holdout"]["unseen"]
    [gate] = [gate for gate in bands.results["development"]["gates"] if gate["gate"] == "unseen-symbols"]
    assert gate["value"] == found["gap"]["sharpe"]["unseen"]
    shown = " ".join(call("report", bands.run_id, "--home", str(home), "--section", "unseen").stdout.split())
    assert "Combinatorial paths, 2 of 4 groups at a time, 3 paths: Sharpe p5" in shown
    again = quorate.reproduce(bands.run_id, home=home)
    assert again.identical, again.differences


def test_intervals_of_the_unseen_know_no_label_of_theirs_and_none_that_ends_later(bars: Bars) -> None:
    session = open_session(
        {**PLAIN, "models": {"ridge": {}}, "labels": {"name": "return"}, "ensemble": {"interval": "split"}}
    )
    hold_out(session, bars)
    walk = layout.prepare(session.recipe, session.registry, bars.until(420), [(0, 420)])
    assert walk.unseen is not None
    rng = np.random.default_rng(3)
    known, own = rng.normal(size=len(walk.dataset)) / 100, rng.normal(size=len(walk.unseen.dataset)) / 100
    for method in ("split", "adaptive"):
        wanted = walk.recipe.ensemble.model_copy(update={"interval": method})
        asked = replace(walk, recipe=walk.recipe.model_copy(update={"ensemble": wanted}))
        found = around_unseen(asked, known, own)
        assert found is not None
        fold = walk.folds[-1]
        rows = walk.unseen.rows(fold)
        assert np.isfinite(found.values[rows]).all()
        other = replace(walk.unseen.dataset, y=rng.normal(size=len(own)))
        changed = around_unseen(replace(asked, unseen=replace(walk.unseen, dataset=other)), known, own)
        assert changed is not None
        assert changed.values.tobytes() == found.values.tobytes()
        first = int(walk.unseen.dataset.bar[rows].min())
        late = np.where(
            walk.dataset.end > first, known + 1.0, known
        )  # errors that are not known at the fold's first bar
        later = around_unseen(asked, late, own)
        assert later is not None
        at_first = rows[walk.unseen.dataset.bar[rows] == first]
        assert later.values[at_first].tobytes() == found.values[at_first].tobytes()
        if method == "split":
            seen = around(asked, known)
            assert seen is not None
            off = seen.values[fold.test] - known[fold.test, None]
            assert np.allclose(found.values[rows] - own[rows, None], off[:1])


def test_a_place_within_a_bar_of_one_symbol_says_nothing_and_that_is_told(home: Path, banded: Path) -> None:
    table = {
        **PLAIN,
        "holdout": {"bars": 100, "symbols": ["SIM002"]},
        "labels": {"name": "return"},
        "models": {"ridge": {}, "bands": {}},
        "ensemble": {"calibration": "bar-rank"},
        "threshold": {"grid": [0.0], "default": 0.0},
        "gates": {"sharpe": {}, "unseen-symbols": {"least": 1}},
    }
    run = quorate.run(table, home=home, plugins=[banded])
    found = run.results["development"]["unseen"]
    for part in (run.results["development"], found):  # quantiles stay in the unit of the labels
        pinball = {row["level"]: row["pinball"] for row in part["quantiles"] if row["fold"] is None}
        assert max(pinball[0.1], pinball[0.9]) < pinball[0.5] < 0.02
    [warning] = found["warnings"]
    assert "on each bar one symbol alone is forecast" in warning
    assert found["verdict"] == "INSUFFICIENT"
    [own] = [gate for gate in found["gates"] if gate["gate"] == "sharpe"]
    [gate] = [gate for gate in run.results["development"]["gates"] if gate["gate"] == "unseen-symbols"]
    for one in (own, gate):
        assert one["verdict"] == "INSUFFICIENT"
        assert "one symbol alone is forecast at each bar" in one["reason"]
    assert not any("one symbol alone" in line for line in run.results["development"]["warnings"])
    shown = call("report", run.run_id, "--home", str(home), "--section", "unseen").stdout
    assert "one symbol alone is forecast" in " ".join(shown.split())
    told = call("predict", run.run_id, "--home", str(home))
    assert "of symbols that are held out: on each bar one symbol alone" in " ".join(told.stderr.split())


def test_bars_of_one_symbol_alone_are_counted_where_forecasts_are_places_within_the_bar(bars: Bars) -> None:
    session = open_session(
        {**PLAIN, "models": {"ridge": {}}, "labels": {"name": "return"}, "ensemble": {"calibration": "bar-z-score"}}
    )
    away = ~np.isin(bars.symbols, ["SIM001"]) & (np.arange(len(bars))[:, None] // 20 == 17)
    late = replace(bars, **{name: np.where(away, np.nan, getattr(bars, name)) for name in FIELDS})
    walk = layout.prepare(session.recipe, session.registry, without(late, HELD).until(420), [(0, 420)])
    rows = np.concatenate([fold.test for fold in walk.folds])
    lone = np.unique(walk.dataset.bar[rows], return_counts=True)[1] == 1
    assert 0 < lone.sum() < len(lone)
    found = alone_in(walk, rows)
    assert f"on {lone.sum()} of {len(lone)} bars one symbol alone" in found.warning
    assert not found.reason
    only = rows[np.isin(walk.dataset.bar[rows], np.unique(walk.dataset.bar[rows])[lone])]
    assert alone_in(walk, only).reason
    plainly = replace(walk, recipe=walk.recipe.model_copy(update={"ensemble": session.recipe.ensemble.model_copy(
        update={"calibration": "none"})}))  # fmt: skip
    assert alone_in(plainly, rows) == ("", "")


def test_the_registry_knows_the_gate() -> None:
    assert "unseen-symbols" in Registry.load(environment=False).names("gate")
