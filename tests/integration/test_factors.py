"""A run beside a benchmark and factors of one's own: what it tells, that it decides the same, what it keeps."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.report.glossary import GLOSSARY
from quorate.report.schema import json_schema
from quorate.report.sections import sections_of
from quorate.report.sections.model import Table, Text
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from support.command import call

ALPHA = 0.0004  # per bar


@pytest.fixture
def beside(tiny, finished, tmp_path):
    """A recipe with factors that the judged series of the finished run is made of, by known betas, and that run."""
    report = quorate.load_report("latest", home=finished.path)
    series = report.results["development"]["series"][0]
    curve = report.equity[f"{series['name']}/{series['strategy']}"]
    judged = curve.to_numpy()[1:] / curve.to_numpy()[:-1] - 1
    bars = load_bars(open_session(tiny))
    days = bars.sessions.astype("datetime64[D]")
    rng = np.random.default_rng(5)
    f1, f2 = rng.normal(0.0002, 0.01, (2, len(days)))
    rows = np.searchsorted(days, curve.index.tz_convert("America/New_York").date.astype("datetime64[D]"))[1:]
    f2[rows] = (0.5 * f1[rows] + ALPHA + rng.normal(0, 0.0002, len(rows)) - judged) / 0.3
    table = pd.DataFrame({"date": days.astype(str), "Mkt-RF": f1 * 100, "SMB": f2 * 100})
    table.drop(index=rows[10]).to_csv(tmp_path / "ff.csv", index=False)  # a day that the file lacks
    prices = pd.DataFrame({"date": days.astype(str), "close": 100 * np.cumprod(1 + f1)})
    prices.to_csv(tmp_path / "index.csv", index=False)
    recipe = {
        **tiny,
        "benchmark": {"path": str(tmp_path / "index.csv")},
        "factors": {"path": str(tmp_path / "ff.csv"), "percent": True},
        "gates": {"factor-alpha": {}},
    }
    return recipe, report, f1[rows], judged


def test_what_is_planted_is_told_and_decides_nothing(beside, finished):
    recipe, plain, market, judged = beside
    home = finished.path
    report = quorate.run(recipe, home=home)
    section, before = report.results["development"], plain.results["development"]
    assert section["digests"] == before["digests"]
    assert section["series"] == before["series"]
    assert "factors" not in before
    told = section["factors"]
    assert (told["names"], told["left_out"], told["periods"]) == (["mkt_rf", "smb"], 1, len(judged) - 1)
    own = told["series"][0]
    assert [one["beta"] for one in own["betas"]] == pytest.approx([0.5, -0.3], abs=0.03)
    assert own["alpha_low"] < ALPHA * 252 < own["alpha_high"]
    assert own["alpha_low"] > 0
    assert own["r_squared"] > 0.9
    gate = next(one for one in section["gates"] if one["gate"] == "factor-alpha")
    assert (gate["verdict"], gate["value"]) == ("PASS", own["p_value"])
    active = section["benchmark"]["series"][0]
    assert section["benchmark"]["name"] == "index"
    assert active["active"] == pytest.approx((judged - market).mean() * 252, rel=1e-9)
    assert active["tracking_error"] == pytest.approx((judged - market).std(ddof=1) * 252**0.5, rel=1e-9)
    assert active["correlation"] == pytest.approx(np.corrcoef(judged, market)[0, 1])
    assert active["up_capture"] == pytest.approx(judged[market > 0].mean() / market[market > 0].mean())

    import jsonschema

    jsonschema.validate(report.document, json_schema())
    [shown] = sections_of(report, ("factors",))
    drawn = [block for block in shown.blocks if isinstance(block, Table)]
    assert len(drawn) == 3
    assert {column.heading for table in drawn for column in table.columns} <= {*GLOSSARY}
    assert any("1 bar of" in block.text for block in shown.blocks if isinstance(block, Text))
    query = "select factor, beta, alpha from factors where series not like 'buy%'"
    rows = json.loads(call("sql", query, "--json", "--home", home).stdout)
    assert [row["beta"] for row in rows] == [one["beta"] for one in own["betas"]]
    text = call("report", report.run_id, "--section", "factors,data", "--home", home).stdout
    assert "mkt_rf" in text
    assert "519 records from csv" in text


def test_a_run_keeps_them_and_a_promotion_tells_of_the_holdout(beside, finished, tmp_path):
    recipe, *_ = beside
    home = finished.path
    report = quorate.run(recipe, home=home)
    for name in ("ff.csv", "index.csv"):
        (tmp_path / name).unlink()
    assert quorate.reproduce(report.run_id, home=home).identical
    promoted = quorate.promote(report.run_id, home=home)
    assert promoted.results["holdout"]["factors"]["reason"] == "99 bars in common, and 126 are needed"
    assert promoted.results["holdout"]["benchmark"]["series"] == []
    assert promoted.results["holdout"]["span"]["first"] > promoted.results["development"]["factors"]["last"]
    quorate.predict(report.run_id, home=home)  # judges nothing, and reads neither


def test_longer_periods_and_symbols_of_the_bars(tiny, finished, tmp_path):
    bars = load_bars(open_session(tiny))
    weeks = np.unique(bars.sessions.astype("datetime64[W]").astype("datetime64[D]")) + 1  # Fridays
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"week": weeks.astype(str), "hml": rng.normal(0, 0.02, len(weeks))})
    frame.to_csv(tmp_path / "weekly.csv", index=False)
    factors = {"path": str(tmp_path / "weekly.csv"), "columns": {"time": "week"}}
    recipe = {**tiny, "benchmark": {"symbol": bars.symbols[0]}, "factors": factors}
    found = quorate.run(recipe, home=finished.path).results["development"]
    held = found["benchmark"]["series"][1]
    assert held["beta"] == pytest.approx(1, abs=0.05)
    assert held["correlation"] > 0.98
    told = found["factors"]
    assert told["per_year"] == pytest.approx(252 / 5)  # the simulated market has no holidays
    assert told["reason"].endswith("periods in common, and 36 are needed")
    assert told["bars"] + told["left_out"] == found["span"]["bars"] - 1


def test_what_is_wrong_is_said_by_its_table(tiny, tmp_path):
    days = pd.bdate_range("1990-01-01", periods=40).strftime("%Y-%m-%d")
    pd.DataFrame({"date": days, "smb": np.linspace(-0.01, 0.01, 40)}).to_csv(tmp_path / "old.csv", index=False)
    path = str(tmp_path / "old.csv")
    for table, told in (
        ({"factors": {"path": path}}, "factors: none of its records is of the time of the bars"),
        ({"factors": {"path": path, "values": ["smbb"]}}, "factors.values: 'smbb' is not there"),
        ({"benchmark": {"path": path, "value": "x"}}, "benchmark.value: 'x' is not there"),
        ({"benchmark": {"symbol": "NONE"}}, "benchmark.symbol: there are no bars of 'NONE'"),
        ({"benchmark": {"symbol": "A", "returns": True}}, "take no returns"),
        ({"benchmark": {"path": path, "percent": True}}, "add benchmark.returns = true"),
        ({"benchmark": {"path": path, "column": "smb"}}, "column, which is called value"),
        ({"benchmark": {"path": path, "symbl": "A"}}, "did you mean 'symbol'"),
        ({"factors": {"path": path, "columns": ["smb"]}}, "name them in values"),
        ({"factors": {"source": "bundled"}}, "'bundled' gives bars, and factors are returns"),
        ({"factors": {}}, "factors must say what reads it"),
    ):
        with pytest.raises(quorate.QuorateError) as caught:
            load_bars(open_session({**tiny, **table}))
        assert told in str(caught.value), str(caught.value)
