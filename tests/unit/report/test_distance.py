"""What a gate lacks to pass: put to the test by the statistics that the gates use."""

from __future__ import annotations

import json
import math
import re
from copy import deepcopy
from pathlib import Path
from statistics import NormalDist

import hypothesis.strategies as st
import pytest
from hypothesis import given

from quorate import statistics
from quorate.report.distance import NEVER, distance

DOCUMENT = json.loads((Path(__file__).parents[2] / "snapshots" / "report.json").read_text(encoding="utf-8"))
GATES = DOCUMENT["results"]["development"]["gates"]


def failed(name, value, threshold, unit="fraction", condition=">=", **inputs):
    return {"gate": name, "verdict": "FAIL", "value": value, "threshold": threshold, "condition": condition,
            "unit": unit, "reason": "", "inputs": inputs}  # fmt: skip


def number(text):
    return int(re.search(r"[\d,]+", text)[0].replace(",", ""))


@given(per_bar=st.floats(0.01, 0.05), bars=st.integers(130, 900))
def test_a_p_value_falls_below_its_bound_with_so_many_more_bars(per_bar, bars):
    """Of the mean of normal returns, whose p-value is known for any number of bars."""

    def p(n):
        return NormalDist().cdf(-per_bar * math.sqrt(n))

    if p(bars) < 0.05:
        return
    more = number(distance(failed("spa", p(bars), 0.05, "p-value", "<"), bars))
    assert p(bars + more) < 0.05 + 1e-12
    assert p(bars + more - 1) >= 0.05 - 1e-12 or more == 1


def test_of_what_lost_no_number_of_bars_would_do():
    lost = {"per_bar": -0.01, "n": 500, "deviation": 1.0, "freedom": 25, "effective": 2.0, "p_alone": 0.6}
    assert distance(failed("selection", 0.84, 0.05, "p-value", "<", **lost), 500) == NEVER
    assert distance(failed("spa", 0.7, 0.05, "p-value", "<"), 500) == NEVER


@pytest.mark.parametrize("trials", [3.0, 11.4, 200.0])
def test_so_many_more_bars_or_so_many_trials_fewer_leave_less_to_chance(trials):
    def found(n):
        return statistics.SharpeTest(0.06, 0.0, 1.1, round(0.4 * n ** (2 / 3)), n)

    def value(n, k):
        return statistics.best_of(found(n).p_value, k)

    told = {**vars(found(800)), "effective": trials, "p_alone": found(800).p_value}
    assert value(800, trials) > 0.01
    text = distance(failed("selection", value(800, trials), 0.01, "p-value", "<", **told), 800)
    more = number(text)
    assert value(800 + more, trials) <= 0.01 < value(800 + more - 1, trials)
    if ", or " in text:
        fewer = number(text.partition(", or ")[2])
        assert value(800, fewer) < 0.01 <= value(800, fewer + 1)
    else:
        assert value(800, 1) >= 0.01


def test_costs_that_much_lower_are_at_the_bound():
    """With returns of the same deviation the Sharpe ratio falls by as much with each further multiple of the costs."""
    year, deviation = 252.0, 0.01
    means = [0.0006, 0.0002, -0.0002]
    sharpe = means[1] / deviation * math.sqrt(year)
    returns = [{"mean": mean} for mean in means]
    gate = failed("cost-stress", sharpe, 0.5, "ratio", ">", factor=2.0, bars_per_year=year, returns=returns)
    share = int(re.search(r"(\d+)%", distance(gate, 900))[1]) / 100
    mean = 0.0006 - (2 * (1 - share) - 1) * 0.0004
    assert mean / deviation * math.sqrt(year) == pytest.approx(0.5, abs=0.05)
    gate["threshold"] = 9.0
    assert distance(gate, 900) == "not even without any costs would it pass"


@given(closed=st.integers(1, 500), share=st.floats(0, 0.499), threshold=st.floats(0.5, 0.9))
def test_so_many_winners_and_not_one_less_reach_the_rate(closed, share, threshold):
    wins = int(closed * share)
    gate = failed("win-rate", wins / closed, threshold, condition=">", wins=wins, closed=closed)
    more = number(distance(gate, 900))
    assert (wins + more) / (closed + more) > threshold - 1e-9
    assert (wins + more - 1) / (closed + more - 1) <= threshold + 1e-9


def test_positions_that_much_smaller_halve_the_fall():
    gate = failed("max-drawdown", 0.6, 0.3, condition="<")
    assert distance(gate, 900) == "with positions 50% smaller it would have been 30.0%"


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["gate"])
def test_every_gate_is_told_whatever_an_earlier_version_left_out(gate):
    assert distance({**gate, "verdict": "PASS"}, 900) == ""
    missed = {**deepcopy(gate), "verdict": "FAIL"}
    assert isinstance(distance(missed, 900), str)
    assert isinstance(distance({**missed, "inputs": {}}, 900), str)
    assert distance({**missed, "value": None}, 900) == ""


def test_a_unit_that_only_a_plugin_knows_is_shown():
    assert distance(failed("own", 1.0, 3.5, "parsecs"), 900) == "2.50 more"
    assert distance(failed("own", 1.0, 3.5, "parsecs", "<"), 900) == "2.50 less"
