"""A run whose orders move prices: what its report, its tables and its gates say of its capital."""

from __future__ import annotations

import io
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.report import console
from quorate.report.html import page
from quorate.report.schema import json_schema
from quorate.report.sections import sections_of
from quorate.report.sections.model import Table, Text
from quorate.report.terminal import show
from quorate.testing.markets import market
from support.command import call, message_of

IMPACT = {"costs": {"model": "impact", "fees": 0.0, "half_spread": 0.0}, "backtest": {"capital": 1_000_000}}


@pytest.fixture(scope="module")
def place(_homes, tmp_path_factory):
    """A home with a run of the tiny recipe, and one of the same with impact."""
    from support import homes

    home = tmp_path_factory.mktemp("impact") / "home"
    _homes.copy_known(_homes.warm, home)
    quorate.run(homes.recipe("tiny"), home=home)
    quorate.run({**homes.recipe("tiny"), **IMPACT}, home=home)
    return home


@pytest.fixture(scope="module")
def report(place):
    return quorate.load_report("latest", home=place)


def test_it_tells_what_each_capital_earns_and_how_much_is_borne(report):
    found = report.results["development"]
    rows = [row for row in found["ladders"] if row["ladder"] == "capital"]
    assert [row["step"] for row in rows] == [1e5, 1e6, 1e7, 1e8, 1e9]
    own = found["series"][0]["metrics"]
    assert (rows[1]["sharpe"], rows[1]["cagr"]) == pytest.approx((own["sharpe"], own["cagr"]))
    assert [row["sharpe"] for row in rows] == sorted((row["sharpe"] for row in rows), reverse=True)
    half, gate = found["capacity"]
    assert half["at_none"] > rows[0]["sharpe"] > rows[-1]["sharpe"]  # the planted edge dies of a thousand times as much
    assert rows[-1]["sharpe"] < 0
    assert (half["level"], half["sharpe"]) == ("half", half["at_none"] / 2)
    [asked] = [one for one in found["gates"] if one["gate"] == "sharpe"]
    assert (gate["level"], gate["sharpe"]) == ("gate", asked["threshold"])
    between = [row["step"] for row in rows if row["sharpe"] > half["sharpe"]]
    assert half["reached"] == "at"
    assert (
        max([0.0, *between]) <= half["capital"] <= min(row["step"] for row in rows if row["sharpe"] <= half["sharpe"])
    )


def test_cost_stress_raises_impact_too(report, place):
    found = report.results["development"]
    [stress] = [gate for gate in found["gates"] if gate["gate"] == "cost-stress"]
    own = found["series"][0]["metrics"]
    assert own["costs"] > 0  # all of it impact
    assert stress["value"] < own["sharpe"]


@pytest.mark.parametrize("width", [60, 124])
def test_the_section_is_whole_at_any_width(report, width):
    [section] = sections_of(report, ("robustness",))
    table = [block for block in section.blocks if isinstance(block, Table)][-1]
    assert [column.heading for column in table.columns] == ["capital", "Sharpe", "CAGR", "impact", "share of day"]
    target = console.Console(file=io.StringIO(), width=width, color_system=None)
    show(section, target)
    told = target.file.getvalue()
    assert all(len(line) <= width for line in told.splitlines())
    assert "1,000,000,000" in told
    text = [block.text for block in section.blocks if isinstance(block, Text)][-1]
    assert text.startswith("Capacity: the Sharpe ratio is ")
    assert " ".join(text.split()) in " ".join(told.split())
    assert "Capacity: the Sharpe ratio is " in page("t", [section])


def test_the_schema_and_sql_know_it_and_a_run_without_impact_says_nothing(report, place):
    document = json.loads(json.dumps(report.document))
    assert [e.message for e in jsonschema.Draft202012Validator(json_schema()).iter_errors(document)] == []
    assert report.typed.model_dump(by_alias=True, exclude_unset=True, mode="json") == document
    told = call("sql", "select level, capital, reached from capacity order by level", "--json", "--home", str(place))
    assert [row["reached"] for row in json.loads(told.stdout)] == [
        one["reached"] for one in sorted(report.results["development"]["capacity"], key=lambda one: one["level"])
    ]
    other = next(r for r in (quorate.load_report(run.name, home=place) for run in place.glob("runs/*"))
                 if r.provenance["recipe"]["costs"]["model"] == "fixed")  # fmt: skip
    assert "capacity" not in other.results["development"]
    assert {row["ladder"] for row in other.results["development"]["ladders"]} == {"lag", "slippage"}
    assert all("cagr" not in row for row in other.results["development"]["ladders"])


def test_it_is_reproduced_to_the_last_bit(report, place):
    found = quorate.reproduce(report.run_id, home=place)
    assert (found.differing, found.differences) == (0, [])


def test_bars_without_volume_end_the_run_by_name(tiny, tmp_path):
    frame = market(900, 2).to_frame()
    frame["volume"] = np.where(frame["symbol"] == "BBB", np.nan, frame["volume"])
    file = tmp_path / "bars.parquet"
    frame.assign(time=pd.to_datetime(frame["time"], utc=True)).to_parquet(file)
    recipe = {**tiny, **IMPACT, "data": {"source": "parquet", "path": str(file)}}
    with pytest.raises(quorate.DataError, match=r"there is none of BBB: give bars with a volume, or take"):
        quorate.run(recipe, home=tmp_path / "home")


def test_the_options_of_another_model_are_told(tmp_path):
    sets = ("--set", "costs.model=impact", "--set", "costs.slippage=0.1")
    told = call("run", "planted", *sets, "--home", str(tmp_path / "home"))
    assert "it must be one of coefficient, fees, half_spread, window" in message_of(told, 2)
