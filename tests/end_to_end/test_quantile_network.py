"""A run with a network that forecasts quantiles: they do not cross, are judged, kept, and are the same again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import quorate
from quorate import statistics
from quorate.report.sections import sections_of
from quorate.report.sections.model import Table
from support import homes

LEVELS = [0.02, 0.05, 0.5, 0.95, 0.98]
AROUND = [0.1, 0.5, 0.9]
NET = {"lookback": 4, "hidden": 4, "epochs": 4, "patience": 0, "loss": "pinball", "quantiles": LEVELS}
RECIPE: dict[str, Any] = {
    **homes.recipe("tiny"),
    "name": "quantiles",
    "labels": {"name": "return", "horizon": 2},
    "models": {"logistic": False, "ridge": {}, "gru": NET},
    "ensemble": {"interval": "split", "quantiles": AROUND},
    "threshold": {},
    "gates": {"coverage": {"precision": 0.2, "member": "gru"}, "null-market": False},
    "execution": {"executor": "serial", "keep_models": "all"},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory, _leased):
    """The run, its holdout opened; no test writes to its home."""
    home = tmp_path_factory.mktemp("net") / "home"
    return quorate.promote(quorate.run(RECIPE, home=home).run_id, home=home)


@pytest.fixture(scope="module")
def known(report):
    """Labels that are known, the network's quantiles, (n, n_levels), and their rows in the table of predictions."""
    rows = report.predictions
    rows = rows[rows["label"].notna() & (rows["part"] == "development")]
    names = ["member/gru" if level == 0.5 else f"member/gru/q{level:g}" for level in LEVELS]
    return rows["label"].to_numpy(), rows[names].to_numpy(), rows


def of(report, name, **wanted):
    rows = report.results["development"][name]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_quantiles_do_not_cross_and_are_not_all_the_same(known):
    _, quantiles, _ = known
    assert (np.diff(quantiles, axis=1) > 0).all()
    assert np.ptp(quantiles, axis=0).min() > 0


def test_coverage_and_pinball_are_those_of_its_rows(report, known):
    y, quantiles, _ = known
    for low, high in ((0, 4), (1, 3)):
        [told] = of(report, "intervals", series="gru", fold=None, low=LEVELS[low])
        held = np.mean((y >= quantiles[:, low]) & (y <= quantiles[:, high]))
        assert told["nominal"] == pytest.approx(LEVELS[high] - LEVELS[low])
        assert told["coverage"] == pytest.approx(held)
        assert told["width"] == pytest.approx(np.mean(quantiles[:, high] - quantiles[:, low]))
    losses = [statistics.pinball(y, quantiles[:, k], level) for k, level in enumerate(LEVELS)]
    found = of(report, "quantiles", series="gru", fold=None)
    assert [row["pinball"] for row in found] == pytest.approx(losses)
    [series] = [one for one in report.results["development"]["series"] if one["name"] == "gru"]
    assert series["metrics"]["pinball"] == pytest.approx(np.mean(losses))


def test_the_gate_judges_its_intervals(report):
    [gate] = of(report, "gates", gate="coverage")
    told = of(report, "intervals", series="gru", fold=None)
    judged = gate["inputs"]["intervals"]
    assert [one["share"] for one in judged] == [one["coverage"] for one in told]
    assert all(one["low"] < one["share"] < one["high"] for one in judged)
    pairs = zip(judged, told, strict=True)
    inside = [one["low"] <= beside["nominal"] <= one["high"] for one, beside in pairs]
    assert gate["verdict"] in ("PASS", "FAIL")
    if all(inside) or not any(inside):
        assert (gate["verdict"] == "PASS") == all(inside)


def test_value_at_risk_and_what_lies_beyond_are_of_its_lower_quantiles(report, known):
    y, quantiles, _ = known
    [told] = of(report, "tails", series="gru", confidence=0.95)
    edge = quantiles[:, 1]
    assert told["value_at_risk"] == pytest.approx(-edge.mean())
    assert told["exceeded"] == np.sum(y < edge)
    # The tail of 5 %: down to 2 % a straight line between the two quantiles, below it the lower one.
    beyond = (0.03 * (quantiles[:, 0] + edge) / 2 + 0.02 * quantiles[:, 0]) / 0.05
    assert told["expected_shortfall"] == pytest.approx(-beyond.mean())
    assert told["expected_shortfall"] > told["value_at_risk"]
    section = sections_of(report, ("distribution",))[0]
    headings = {column.heading for block in section.blocks if isinstance(block, Table) for column in block.columns}
    assert {"VaR", "CVaR", "coverage", "pinball"} <= headings


def test_intervals_of_past_errors_stand_beside_the_ensembles_forecast(report, known):
    y, _, rows = known
    name = "ensemble/past-performance"
    centre = rows[name].to_numpy()
    low, high = (rows[f"{name}/q{level}"].to_numpy() - centre for level in (0.1, 0.9))
    there = np.isfinite(low)
    assert there.any()
    assert not there.all()
    for fold in np.unique(rows["fold"].to_numpy()[there]):
        own = (rows["fold"] == fold).to_numpy()
        first = int(own.argmax())
        errors = (y - centre)[: first - 2]  # labels of two bars, which end three bars on: the last two are not known
        for edge, level in ((low, 0.1), (high, 0.9)):
            assert np.ptp(edge[own]) == pytest.approx(0, abs=1e-12)
            below = np.mean(errors <= edge[first] + 1e-12)
            assert below == pytest.approx(level, abs=2 / len(errors))
    [told] = of(report, "intervals", series="past-performance", fold=None)
    assert told["coverage"] == pytest.approx(np.mean(((y - centre >= low) & (y - centre <= high))[there]))


def test_kept_models_forecast_the_runs_quantiles(report):
    ahead = quorate.predict(report.run_id, kept=True, home=report.source.home.path)
    row = report.stored("predictions").iloc[-1]
    assert ahead.kept["fitted_again"] == []
    assert ahead.kept["fold"] == report.stored("fits")["fold"].max()
    assert ahead.targets[0]["members"] == {name: row[f"member/{name}"] for name in ("gru", "ridge")}


def test_a_second_time_and_by_processes_every_number_is_the_same(report):
    home = report.source.home.path
    again = quorate.reproduce(report.run_id, home=home, overrides=["execution.executor=processes"])
    assert (again.differing, again.differences) == (0, [])
    assert again.predictions > 0
