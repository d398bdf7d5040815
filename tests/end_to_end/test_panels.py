"""A panel of stocks, from its bars to its report: portfolios, and how forecasts rank the symbols of a bar."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import quorate
from quorate.report.sections import of_run, sections_of
from quorate.report.sections.model import Table

RECIPE = {
    "name": "small-panel",
    "data": {"source": "simulated", "n_bars": 420, "n_symbols": 8, "sectors": 2, "signal": 0.4},
    "holdout": {"bars": 60},
    "labels": {"name": "return", "horizon": 2, "steps": [1, 2]},
    "features": {"use": ["return_1", "zscore_20"]},
    "folds": {"initial": 250, "test": 60},
    "models": {"ridge": {}, "lightgbm": {"n_estimators": 10}},
    "ensemble": {"method": "mean", "compare": []},
    "strategy": {"name": "dollar-neutral", "compare": [], "params": {"k": 2, "buffer": 1, "group": "sector"}},
    "threshold": {"grid": [0.0], "default": 0.0},
    "gates": {"preset": "headline", "rank-ic": {}},
    "execution": {"executor": "serial"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("panels") / "home"


@pytest.fixture(scope="module")
def report(place):
    return quorate.run(RECIPE, home=place)


def test_what_is_wanted_is_neutral_in_each_sector(report):
    wide = report.weights.reset_index().pivot(index="time", columns="symbol", values="weight")
    assert np.abs(wide.sum(axis=1)).max() < 1e-12
    assert np.abs(wide.iloc[:, ::2].sum(axis=1)).max() < 1e-12  # sectors take turns
    assert wide.abs().sum(axis=1).to_numpy() == pytest.approx(np.ones(len(wide)))


def test_the_coefficient_of_each_bar_is_that_of_scipy(report):
    rows = report.predictions.dropna(subset=["label"])
    table = report.ic.query("series == 'mean'").set_index("time")
    for time, one in list(rows.groupby(level=0))[:20]:
        expected = stats.spearmanr(one["label"], one["ensemble/mean"]).statistic
        assert table.at[time, "ic"] == pytest.approx(expected)
    assert (table["symbols"] == 8).all()
    told = next(r for r in report.results["development"]["cross_section"] if r["series"] == "mean")
    assert told["ic"] == pytest.approx(table["ic"].mean())
    assert told["spread"] == pytest.approx(table["spread"].mean())
    assert report.metrics.iloc[0][["rank-ic", "rank-ic-t"]].tolist() == pytest.approx([told["ic"], told["t"]])


def test_each_member_is_told_at_each_step(report):
    rows = report.results["development"]["cross_section"]
    assert {(r["series"], r["step"]) for r in rows if r["series"] in ("ridge", "lightgbm")} == {
        ("ridge", 1), ("ridge", 2), ("lightgbm", 1), ("lightgbm", 2),
    }  # fmt: skip
    assert "past-mean" not in {r["series"] for r in rows}  # it forecasts the same of all


def test_a_gate_asks_whether_they_are_ranked(report):
    gate = report.gates.set_index("gate").loc["rank-ic"]
    assert (gate["verdict"], gate["unit"]) == ("PASS", "fraction")
    assert 0 < gate["value"] < report.metrics.iloc[0]["rank-ic"]
    assert gate["value"] == pytest.approx(report.metrics.iloc[0]["rank-ic-low"])


def test_contributions_add_up_to_what_was_earned(report):
    rows = report.results["development"]["symbols"]
    total = report.metrics.iloc[0]["total-return"]
    assert sum(row["contribution"] for row in rows) == pytest.approx(total, abs=1e-8)
    assert sum(row["turnover"] for row in rows) == pytest.approx(report.metrics.iloc[0]["turnover"])
    [section] = sections_of(report, ["symbols"])
    column = [c.heading for c in section.blocks[0].columns].index("contribution")
    shown = [row[column].value for row in section.blocks[0].groups[0]]
    assert shown == sorted(shown, reverse=True)


def test_it_is_told_in_the_report_on_the_page_and_in_markdown(report):
    assert "cross-section" in of_run(report)
    [section] = sections_of(report, ["cross-section"])
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert [table.columns[0].heading for table in tables] == ["series", "series", "step", "year"]
    for text in (report.to_html(static=True), report.to_markdown()):
        assert "ranked the symbols of each bar" in text
        assert "sum of the rank correlations" in text or "by year" in text


def test_sql_knows_each_day(place, report):
    found = quorate.sql("select series, count(*) as n, avg(ic) as ic from ic group by all", home=place)
    assert found.set_index("series").at["mean", "ic"] == pytest.approx(report.metrics.iloc[0]["rank-ic"])
    steps = quorate.sql("select distinct step, len(buckets) as n from cross_section order by step", home=place)
    assert steps.to_numpy().tolist() == [[1, 5], [2, 5]]


def test_it_is_reproduced_forecast_and_compared(place, report):
    assert quorate.reproduce(report.run_id, home=place).identical
    found = quorate.predict(report.run_id, home=place)
    weights = [one["weight"] for one in found.targets]
    assert sum(weights) == pytest.approx(0)
    assert sum(map(abs, weights)) == pytest.approx(1)
    other = quorate.run({**RECIPE, "strategy": {"name": "top-k", "compare": [], "params": {"k": 3}}}, home=place)
    assert other.fits["cached"].all()
    beside = quorate.compare(report.run_id, other.run_id, home=place).metrics.set_index("metric")
    assert beside.at["rank-ic", "difference"] == 0
    wide = other.weights.reset_index().pivot(index="time", columns="symbol", values="weight")
    assert wide.to_numpy().min() == 0
    assert ((wide > 0).sum(axis=1) <= 3).all()


def test_one_symbol_is_refused_before_anything_is_fitted(tmp_path):
    with pytest.raises(quorate.RecipeError, match="chooses among symbols; the bars have one, SIM001: read several"):
        quorate.run({**RECIPE, "data": {**RECIPE["data"], "n_symbols": 1, "sectors": 0}}, home=tmp_path)
    with pytest.raises(quorate.RecipeError, match="the bars have no category 'sector', they have none"):
        quorate.run({**RECIPE, "data": {**RECIPE["data"], "sectors": 0}}, home=tmp_path)
    assert not list(tmp_path.glob("runs/*"))


def test_a_run_of_one_symbol_has_none_of_it(finished):
    report = quorate.load_report(home=finished.path)
    told = report.results["development"]
    assert not {"cross_section", "symbols"} & set(told)
    assert not any(name.startswith("rank-ic") for name in told["series"][0]["metrics"])
    assert "development/ic.parquet" not in report.document["files"]
    assert "cross-section" not in of_run(report)
    assert report.ic.empty
    assert quorate.sql("select * from ic", home=finished.path).empty


def test_sectors_move_together():
    from quorate_data.simulated import simulated

    bars = simulated(n_bars=600, n_symbols=6, sectors=2, signal=0.0, common=0.6)
    moves = np.diff(np.log(bars.close), axis=0)
    alike = np.corrcoef(moves.T)
    same, other = alike[0, [2, 4]].mean(), alike[0, [1, 3, 5]].mean()
    assert (same, other) == pytest.approx((0.6, 0.3), abs=0.1)
    assert bars.categories["sector"].levels == ("S01", "S02")
    assert simulated(n_bars=300, n_symbols=6, sectors=2, common=0.6, signal=0.0).close == pytest.approx(
        bars.close[:300]
    )
    with pytest.raises(quorate.DataError, match="sectors must be between 0 and the number of symbols"):
        simulated(n_symbols=2, sectors=3)
