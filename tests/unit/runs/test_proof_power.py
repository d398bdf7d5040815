"""Shares, the edge at which they are enough, and the gate that is in the way: against figures worked out by hand."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from quorate.runs.prove.draw import Drawn
from quorate.runs.prove.power import POWER, binding, crossing, instead, level, share, share_in_turn, smallest


def test_a_share_has_the_interval_of_wilson():
    # Wilson (1927): (p + z^2/2n -+ z sqrt(p q / n + z^2 / 4n^2)) / (1 + z^2 / n)
    found, z2 = share(48, 60), float(ndtri(0.975)) ** 2
    spread = math.sqrt(z2 * (0.8 * 0.2 / 60 + z2 / 4 / 60**2))
    ends = [(0.8 + z2 / 120 + sign * spread) / (1 + z2 / 60) for sign in (-1, 1)]
    assert (found["share"], found["n"]) == (0.8, 60)
    assert [found["low"], found["high"]] == pytest.approx(ends, abs=1e-9)
    assert share(0, 60)["low"] == pytest.approx(0, abs=1e-12)
    assert share(0, 60)["high"] == pytest.approx(0.06017, abs=1e-4)


def test_a_share_is_asked_of_no_more_than_decide_it():
    answers = iter([True, *[False] * 13, *[True] * 46])
    assert share_in_turn(answers, 60) == share(1, 14)
    assert len([*answers]) == 46  # nobody asked them
    enough = [True] * 48 + [False] * 12
    assert share_in_turn(iter(enough), 60) == share_in_turn(iter(enough[::-1]), 60) == share(48, 60)
    assert share_in_turn(iter([*enough[1:], False]), 60) == share(47, 60)  # that it fails shows with the last one


@pytest.mark.parametrize("n", [10, 60, 100])
def test_fewer_say_of_a_remedy_what_all_would(n):
    rng = np.random.default_rng(n)
    for one in rng.random((300, n)) < rng.uniform(0.6, 1.0, (300, 1)):
        assert (share_in_turn(iter(one), n)["share"] >= POWER) == (share(int(one.sum()), n)["share"] >= POWER)


def test_the_interval_holds_what_it_says_where_fewer_were_asked():
    """All courses of 60 are summed: those that end at the 13th miss, and those that come to an end."""
    n, most = 60, 12
    for true in np.arange(0.05, 1.0, 0.05):
        lost = 1 - true
        ends = {
            (m - most - 1, m): math.comb(m - 1, most) * lost ** (most + 1) * true ** (m - most - 1)
            for m in range(most + 1, n + 1)
        }
        ends |= {(n - k, n): math.comb(n, k) * lost**k * true ** (n - k) for k in range(most + 1)}
        held = sum(p for (k, m), p in ends.items() if share(k, m)["low"] <= true <= share(k, m)["high"])
        assert sum(ends.values()) == pytest.approx(1)
        assert 0.93 < held < 0.985, true


@pytest.mark.parametrize(
    "edges, values, found",
    [
        ([0.0, 1.0, 2.0], [0.0, 0.4, 0.9], 1.8),
        ([0.0, 1.0, 2.0], [0.0, 0.8, 0.9], 1.0),
        ([0.5, 1.0], [0.9, 1.0], 0.5),  # the first is enough
        ([0.0, 1.0, 2.0, 3.0], [0.0, 0.6, 0.5, 1.0], 2.5),  # a share that falls counts as the highest before it
        ([0.0, 1.0], [0.0, 0.79], None),
        ([None, 1.0, 2.0], [0.9, 0.6, 1.0], 1.5),  # of which nothing is known is left out
    ],
)
def test_the_edge_is_on_the_line_between_two_that_were_tried(edges, values, found):
    assert crossing(edges, values) == (None if found is None else pytest.approx(found))


def test_the_smallest_edge_has_the_interval_of_the_shares():
    found = smallest([0.0, 1.0, 2.0], [share(k, 60) for k in (0, 30, 60)])
    assert found["edge"] == pytest.approx(1.6)
    assert found["low"] < found["edge"] < found["high"]
    assert smallest([0.0, 2.0], [share(0, 10), share(10, 10)])["high"] is None  # ten are too few to be sure


def test_a_level_counts_promotions_and_what_was_missed():
    drawn = [
        Drawn(1.0, (), (), True),
        Drawn(2.0, (), ("psr",), False),
        Drawn(3.0, ("selection",), (), True),
        Drawn(None, ("psr", "selection"), (), False),
    ]
    found = level(2.0, 0.1, drawn)
    assert found["edge"] == 2.0
    assert [found[name]["passed"] for name in ("walk_forward", "all", "one_trial")] == [2, 1, 2]
    assert found["missed"] == {"selection": 2, "psr": 1, "psr (holdout)": 1}
    assert found["only"] == {"psr (holdout)": 1, "selection": 1}
    assert binding([level(0.0, 0.0, drawn, brief=True), found]) == {
        "gate": "selection",
        "missed": 2,
        "n": 4,
        "edge": 2.0,
    }
    assert binding([level(0.0, 0.0, drawn[:1])]) is None


def test_a_candidate_that_is_better_in_more_than_one_of_five_is_told():
    short, mean = (("strategy.name", "long-short"),), (("ensemble.method", "mean"),)
    often = [Drawn(2.0, ("mcs",), (), False, short)] * 3 + [Drawn(2.0, ("mcs",), (), False, mean)]
    found = level(2.0, 0.1, often + [Drawn(2.0, (), (), True)] * 6)
    assert found["instead"] == [
        {"set": {"strategy.name": "long-short"}, "n": 3},
        {"set": {"ensemble.method": "mean"}, "n": 1},
    ]
    assert instead([found]) == {"strategy.name": "long-short"}
    assert instead([level(2.0, 0.1, often[2:] + [Drawn(2.0, (), (), True)] * 8)]) == {}  # one of ten changes little
    assert instead([level(0.0, 0.0, [Drawn(None, (), (), False)])]) == {}
