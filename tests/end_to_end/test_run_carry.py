"""Cash, borrowing and funding through whole runs: from the recipe to gates, reports and SQL, and the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import DataError, RecipeError
from quorate.evidence.ledger.candidates import stored_candidates
from quorate.evidence.ledger.ledger import ledger_of
from quorate.report.rates import excess_text
from quorate.report.sections import sections_of
from quorate.runs.audit import audit
from quorate.runs.audit.joins import check_joins
from quorate.runs.compare import compare
from quorate.runs.loading import load_bars
from quorate.runs.predict import predict
from quorate.runs.prove.draw import with_mean_rates
from quorate.runs.reproduce import reproduce
from quorate.runs.session import open_session
from quorate.store import Home
from support.command import call

N = 560
YEAR = np.timedelta64(31_557_600, "s")


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rate in per cent, by the month, known two days later."""
    path = tmp_path_factory.mktemp("bills") / "bills.csv"
    times = pd.date_range("1999-12-31", periods=30, freq="ME")
    pd.DataFrame({"time": times, "rate": 4.0 + np.arange(30) / 10}).to_csv(path, index=False)
    return path


def recipe_on(bills: Path, **data: Any) -> dict[str, Any]:
    return {
        "name": "carry",
        "data": {"source": "simulated", "n_bars": N, "n_symbols": 2, "seed": 5, "signal": 0.2, **data},
        "covariates": {"bills": {"path": str(bills), "lag": "2d"}},
        "holdout": {"bars": 100},
        "features": {"use": ["return_1"]},
        "folds": {"initial": 250, "test": 120},
        "models": {"logistic": {}},
        "strategy": {"name": "long-short", "compare": []},
        "ensemble": {"compare": []},
        "execution": {"executor": "serial"},
    }


CASH = {"covariate": "bills", "percent": True}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def bare(bills: Path, home: Path) -> quorate.Report:
    """The same without any rate; what is no rate is a feature, so that is left out by its name."""
    recipe = recipe_on(bills)
    return quorate.run({**recipe, "features": {"use": ["return_1"], "exclude": ["bills"]}}, home=home)


@pytest.fixture(scope="module")
def report(bills: Path, home: Path) -> quorate.Report:
    given = {**recipe_on(bills, cash=CASH), "costs": {"borrow": 0.01, "funding": 0.02}}
    return quorate.run(given, home=home)


def test_rates_change_what_is_judged_and_not_what_is_learnt(bare: quorate.Report, report: quorate.Report) -> None:
    assert report.provenance["features"] == bare.provenance["features"] == ["return_1"]
    names = ["member/logistic", "label"]
    pd.testing.assert_frame_equal(report.predictions[names], bare.predictions[names])
    assert not bare.results["development"].get("carry")
    assert "cash" not in bare.stored("equity")
    assert excess_text(bare, "development") == ""


def test_every_sharpe_ratio_is_of_returns_in_excess_of_cash(report: quorate.Report) -> None:
    part, table = report.results["development"], report.equity
    days = pd.DatetimeIndex(table.index).tz_localize(None).to_numpy()
    rates = pd.read_csv(report.provenance["recipe"]["covariates"]["bills"]["path"])
    known = pd.DatetimeIndex(rates["time"]) + pd.Timedelta(days=3) + pd.Timedelta(hours=5)  # the end of the day, lagged
    at = np.searchsorted(known.to_numpy(), days[:-1], side="right") - 1
    due = rates["rate"].to_numpy()[at] / 100 * (np.diff(days) / YEAR)
    cash = table["cash"].to_numpy()
    assert cash[0] == 0
    assert cash[1:] == pytest.approx(due, rel=1e-12)
    for one in part["series"]:
        value = table[f"{one['name']}/{one['strategy']}"].to_numpy()
        total = np.diff(value) / value[:-1]
        sharpe = one["metrics"]["sharpe"]
        excess = total - cash[1:]
        if sharpe is not None:
            assert sharpe == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252), rel=1e-9)
        assert one["metrics"]["total-return"] == pytest.approx(value[-1] / value[0] - 1)
    gates = {gate["gate"]: gate for gate in part["gates"]}
    own = part["series"][0]["metrics"]["sharpe"]
    assert gates["sharpe"]["value"] == own
    assert gates["psr"]["inputs"]["per_bar"] * np.sqrt(252) == pytest.approx(own)
    assert gates["selection"]["inputs"]["per_bar"] * np.sqrt(252) == pytest.approx(own)
    first = {row["ladder"]: row["sharpe"] for row in reversed(part["ladders"])}
    assert first == {"lag": own, "slippage": own}
    # All folds trade by the default threshold: what that would have earned is what was earned.
    grid = report.stored("grid")
    [offered] = grid[(grid["role"] == "ensemble") & (grid["threshold"] == 0.02)].to_dict("records")
    assert offered["sharpe"] == pytest.approx(own, rel=1e-9)
    assert offered["total-return"] == pytest.approx(part["series"][0]["metrics"]["total-return"], rel=1e-9)
    folds = next(section for section in sections_of(report, ("folds",)))
    assert all(np.isfinite(row[5].value) for row in folds.blocks[1].groups[0])


def test_a_report_tells_what_cash_earned_and_positions_paid(report: quorate.Report) -> None:
    rows = report.results["development"]["carry"]
    own, held = rows[0], rows[-1]
    assert own["series"].endswith("/long-short")
    assert held["series"] == "buy-and-hold/hold"
    assert 0.045 < own["cash"] < 0.07
    assert own["borrow"] > 0
    assert held["borrow"] == 0 < held["funding"]
    assert held["interest"] < 20 < own["interest"]
    assert report.typed.results.development.carry[0].borrow == own["borrow"]
    told = excess_text(report, "development")
    mean = f"{own['cash']:.3g}"
    assert told == (
        f"Sharpe ratios are of returns in excess of cash (covariate bills in per cent, {mean} per year on average)."
    )
    for wanted in ("performance", "gates"):
        [section] = sections_of(report, (wanted,))
        assert told in [getattr(block, "text", "") for block in section.blocks]
    assert told in report.to_markdown()
    assert "to borrow 1.00% a year, funding 2.00% a year" in report.to_html(static=True)


def test_commands_and_sql_tell_it(report: quorate.Report, home: Path) -> None:
    told = json.loads(call("gate", report.run_id, "--json", "--home", str(home)).stdout)
    assert told["cash"].startswith("Sharpe ratios are of returns in excess of cash (covariate bills")
    assert "in excess of cash" in call("gate", report.run_id, "--home", str(home)).stdout
    found = quorate.sql("select series, borrow, cash from carry", home=home)
    assert len(found) == len(report.results["development"]["series"])
    assert found["borrow"].max() > 0


def test_the_ledger_has_what_is_judged(report: quorate.Report, home: Path) -> None:
    bars = load_bars(open_session(report.provenance["recipe"], home=home))
    frame = report.stored("equity")
    stored = stored_candidates(frame[frame["part"] == "development"], report.results["development"]["series"], bars)
    entries = [entry for entry in ledger_of(Home(home)).of_run(report.run_id) if entry["kind"] == "candidate"]
    assert {one.key for one in stored if one.returns.any()} == {entry["key"] for entry in entries}


def test_a_run_is_made_again_and_compared(bare: quorate.Report, report: quorate.Report, home: Path) -> None:
    assert reproduce(report.run_id, home=home).identical
    [between] = compare(bare.run_id, report.run_id, home=home).to_dict()["comparisons"]
    rows = {row["metric"]: row for row in between["metrics"]}
    assert rows["sharpe"]["low"] <= rows["sharpe"]["difference"] <= rows["sharpe"]["high"]
    assert rows["sharpe"]["b"] == report.results["development"]["series"][0]["metrics"]["sharpe"]
    assert between["recipe"]
    asked = predict(report.run_id, home=home)
    assert asked is not None


def test_the_audit_looks_rates_up_in_their_records(bills: Path, home: Path) -> None:
    recipe = recipe_on(bills, cash=CASH)
    session = open_session(recipe, home=home)
    bars = load_bars(session)
    assert check_joins(session.recipe, session.registry, bars, 1) == 200
    found = audit(recipe, home=home, draws=5)
    states = {one.detector: one.state for one in found.findings}
    assert states["covariates"] == "clean"
    assert states["null market"] == "clean"


def test_a_plan_has_no_cash_and_the_means_of_what_covariates_tell(bills: Path, home: Path) -> None:
    given = {**recipe_on(bills, cash=CASH), "costs": {"borrow": CASH, "funding": 0.02}}
    session = open_session(given, home=home)
    bars = load_bars(session)
    lean = with_mean_rates(session.recipe, bars.take(0, N - 100))
    assert lean.data.cash is None
    assert 0.04 < lean.costs.borrow < 0.07
    assert lean.costs.funding == pytest.approx(0.02)
    plain = open_session(recipe_on(bills), home=home).recipe
    assert with_mean_rates(plain, bars) == plain


def test_what_makes_no_sense_is_refused_with_the_remedy(bills: Path, home: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data.cash must be a number, such as 0.04.*are bills.*'bils'; did you"):
        quorate.run(recipe_on(bills, cash="bils"), home=home)
    with pytest.raises(RecipeError, match=r"costs.borrow must be a fraction per year.*0.04 is 4 %; it was 2"):
        quorate.run({**recipe_on(bills), "costs": {"borrow": 2}}, home=home)
    with pytest.raises(DataError, match=r"must tell fractions per year.*percent = true"):
        quorate.run(recipe_on(bills, cash="bills"), home=home)
    late = tmp_path / "late.csv"
    pd.DataFrame({"time": ["2001-06-29"], "rate": [4.0]}).to_csv(late, index=False)
    with pytest.raises(DataError, match=r"data.cash: no rate was known at the close of 20.*nothing later can stand"):
        quorate.run(recipe_on(late, cash=CASH), home=home)
