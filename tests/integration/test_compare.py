"""Runs beside each other: a planted difference, none, other data, and what cannot be compared."""

import json
from html import escape

import numpy as np
import pytest

import quorate
from quorate import statistics
from quorate.errors import DataError, IntegrityError
from quorate.report.sections.model import Table
from quorate.report.views.compare import sections
from quorate.runs.loaded import load_report
from support.command import call, message_of


@pytest.fixture
def pair(finished, tiny):
    """A run, and one of the same recipe at higher costs that asks for less."""
    dear = {**tiny, "costs": {"fees": 0.003}, "gates": {"sharpe": {"threshold": 0.1}}}
    [first] = finished.runs()
    return finished, first.id, quorate.run(dear, home=finished.path).run_id


def test_a_planted_difference_is_told_with_its_interval_the_gates_and_the_recipe(pair):
    home, a, b = pair
    found = quorate.compare(a, b, home=home.path)
    assert found.sentence.startswith("B earned less for its risk than A (Sharpe ")
    assert "more than chance explains (90% CI -" in found.sentence
    metrics = found.metrics.set_index("metric")
    for side, run in (("a", a), ("b", b)):
        told = load_report(run, home=home.path).standing["series"][0]["metrics"]
        assert {name: told[name] for name in metrics.index} == metrics[side].to_dict()
    assert metrics["difference"]["sharpe"] == metrics["b"]["sharpe"] - metrics["a"]["sharpe"]
    assert metrics["low"]["sharpe"] < metrics["difference"]["sharpe"] < metrics["high"]["sharpe"] < 0
    assert np.isnan(metrics["low"]["win-rate"])
    assert found.recipe[["key", "a", "b"]].values.tolist() == [
        ["costs.fees", 0.0005, 0.003],
        ["gates.sharpe.threshold", 1.0, 0.1],
    ]
    gates = {run: {g["gate"]: g for g in load_report(run, home=home.path).standing["gates"]} for run in (a, b)}
    flips = found.gates[found.gates["flips"]].set_index("gate")
    assert "cost-stress" in flips.index
    required = [name for name in gates[a] if gates[a][name]["required"] and gates[b][name]["required"]]
    assert [n for n in required if gates[a][n]["verdict"] != gates[b][n]["verdict"]] == [
        n for n in required if n in flips.index
    ]
    assert flips["b_value"]["cost-stress"] == gates[b]["cost-stress"]["value"]
    assert found.document["comparisons"][0]["data"]["same"]


def test_the_other_way_round_all_differences_have_the_other_sign(pair):
    home, a, b = pair
    there = quorate.compare(a, b, home=home.path).metrics.set_index("metric")
    back = quorate.compare(b, a, home=home.path).metrics.set_index("metric")
    assert list(there.index) == list(back.index)
    np.testing.assert_array_equal(there["difference"], -back["difference"])
    np.testing.assert_allclose(there["low"], -back["high"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(there["high"], -back["low"], rtol=1e-9, atol=1e-12)
    assert there["low"].notna().sum() > 5


def test_equal_runs_differ_in_nothing(finished, tiny):
    again = quorate.run(tiny, home=finished.path)
    found = quorate.compare(finished.runs()[0].id, again.run_id, home=finished.path)
    assert found.sentence.startswith("B earned the same as A on every bar (Sharpe ")
    assert (found.metrics["difference"].dropna() == 0).all()
    assert (found.metrics[["low", "high"]].dropna() == 0).all(axis=None)
    assert not found.gates["flips"].any()
    assert found.recipe.empty


def test_runs_on_other_bars_are_compared_on_the_sessions_that_both_have(finished, tiny):
    [first] = finished.runs()
    longer = {**tiny, "data": {**tiny["data"], "n_bars": 600}, "folds": {"initial": 300, "test": 60}}
    other = quorate.run(longer, home=finished.path)
    found = quorate.compare(first.id, other.run_id, home=finished.path)
    [one] = found.document["comparisons"]
    curves = [load_report(run, home=finished.path).equity for run in (first.id, other.run_id)]
    common = curves[0].index.intersection(curves[1].index)
    assert (one["data"]["same"], one["data"]["bars"]) == (False, len(common))
    assert [told.split(":")[0] for told in one["data"]["differs"]] == ["bars", "span"]
    row = found.metrics.set_index("metric").loc["sharpe"]
    for side, curve, run in zip(("a", "b"), curves, found.document["runs"], strict=True):
        returns = curve.loc[common, run["series"]].pct_change().dropna().to_numpy()
        assert row[side] == pytest.approx(statistics.sharpe(returns, 252.0), rel=1e-9)
    assert "win-rate" in one["left_out"]
    assert f"on the {len(common)} bars that both have" in found.sentence
    assert "Not the same data" in call("compare", first.id, "latest").stdout


def test_runs_without_a_common_session_are_not_compared(finished, tiny):
    [first] = finished.runs()
    other = quorate.run({**tiny, "data": {**tiny["data"], "start": "2015-01-05"}}, home=finished.path)
    with pytest.raises(DataError, match="they have no session in common: bars: SIM001, 520 x 1d, 2000"):
        quorate.compare(first.id, other.run_id, home=finished.path)
    message_of(call("compare", first.id, other.run_id), 1)


def test_the_holdout_is_compared_where_both_have_opened_it(pair):
    home, a, b = pair
    quorate.promote(a, home=home.path)
    assert quorate.compare(a, b, home=home.path).document["part"] == "development"
    found = quorate.compare(a, a, home=home.path)
    assert found.document["part"] == "holdout"
    told = load_report(a, home=home.path).results["holdout"]["series"][0]["metrics"]["sharpe"]
    assert found.metrics.set_index("metric")["a"]["sharpe"] == told


def test_the_command_prints_the_same_document_and_fits_any_width(pair, monkeypatch):
    home, a, b = pair
    found = quorate.compare(a, b, a, home=home.path)
    assert json.loads(call("compare", a, b, a, "--json").stdout) == found.to_dict()
    assert [run["letter"] for run in found.document["runs"]] == ["A", "B", "C"]
    monkeypatch.setenv("NO_COLOR", "1")
    for width in (20, 33, 47, 64, 80, 120, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        out = call("compare", a, b, a).stdout
        assert max(map(len, out.splitlines())) <= width
        assert "\x1b" not in out
        assert found.document["comparisons"][0]["sentence"] in " ".join(out.split())
    assert "costs.fees" in out


def test_a_page_shows_the_same_numbers_and_what_became_of_1(pair, tmp_path):
    home, a, b = pair
    found = quorate.compare(a, b, home=home.path)
    path = tmp_path / "page.html"
    assert call("compare", a, b, "--html", str(path)).stdout == ""
    text = path.read_text(encoding="utf-8")
    assert text == found.to_html()
    assert "<script" not in found.to_html(static=True)
    for section in sections(found.document):
        for block in section.blocks:
            if isinstance(block, Table):
                assert all(escape(cell.text) in text for rows in block.groups for row in rows for cell in row)
    assert "growth of 1" in found._repr_html_()
    equity, reports = found.equity, [load_report(run, home=home.path) for run in (a, b)]
    assert equity.iloc[0].tolist() == [1.0, 1.0]
    for letter, report in zip("AB", reports, strict=True):
        earned = report.standing["series"][0]["metrics"]["total-return"]
        assert equity[letter].iloc[-1] - 1 == pytest.approx(earned, rel=1e-9)
    assert "--html FILE" in message_of(call("compare", a, b, "--static"), 2)


def test_what_is_no_finished_run_as_it_was_written_is_refused(pair):
    home, a, b = pair
    begun = home.new_run("begun")
    assert "it has no report" in message_of(call("compare", a, begun.id), 1)
    assert "there is no run 'nothing'" in message_of(call("compare", a, "nothing"), 1)
    assert "two runs or more" in message_of(call("compare", a), 2)
    equity = home.find(b).path / "development" / "equity.parquet"
    equity.write_bytes(equity.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="was changed after the run"):
        quorate.compare(a, b, home=home.path)
