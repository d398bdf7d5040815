"""What a member adds: the rules of the verdict, and how often they are wrong."""

import math

import numpy as np
import pytest

from quorate.evidence.marginal import ALIKE, BOUND, Marginal, because, change_of, compare_forecasts, further, overall
from quorate.statistics import diebold_mariano

NONE = np.random.default_rng(0).normal(0, 1e-4, 300)


def found(**changes):
    facts = {
        "n": 1000,
        "freedom": 40,
        "without": 0.25,
        "joined": 0.25,
        "alone": 0.25,
        "change": -0.004,
        "low": -0.010,
        "high": 0.002,
        "p_better": 0.2,
        "p_worse": 0.8,
        "p_knows": 0.5,
        "p_poorer": 0.5,
        "alike": {"ridge": 0.4, "": 0.5},
        "in_set": (True, True, True),
        "others_in_set": {"ridge": True},
        "size": 0.05,
    }
    return Marginal(**{**facts, **changes})


CASES = [
    ("better and knowing", {"p_better": 0.01, "p_knows": 0.02}, "JOIN", "tell what the others miss"),
    ("better by shrinking", {"p_better": 0.01, "p_knows": 0.6}, "REDUNDANT", "drawing forecasts together"),
    ("better, a constant", {"p_better": 0.01, "p_knows": math.nan}, "REDUNDANT", "drawing forecasts together"),
    ("better, but poorer", {"p_better": 0.01, "p_knows": 0.02, "p_poorer": 0.01}, "HARMFUL", "the net return falls"),
    ("worse", {"p_worse": 0.01, "change": 0.004}, "HARMFUL", "rises by 0.40%, beyond chance"),
    ("poorer alone", {"p_poorer": 0.02}, "HARMFUL", "the net return falls by 1.20% a year, beyond chance"),
    ("poorer within the level", {"p_poorer": 0.03}, "TOO EARLY", "within chance"),
    ("better at twice the level", {"p_better": 0.03, "p_knows": 0.001}, "TOO EARLY", "within chance"),
    ("equal", {"change": 0.0, "low": -BOUND, "high": BOUND}, "REDUNDANT", "stays the same, within 0.1%"),
    ("nearly equal", {"change": 0.0, "low": -1.01 * BOUND, "high": BOUND}, "TOO EARLY", "within chance"),
    ("like a member", {"alike": {"ridge": ALIKE, "": 0.5}}, "REDUNDANT", "what ridge does, correlation 0.95"),
    ("like the ensemble", {"alike": {"ridge": math.nan, "": 0.99}}, "REDUNDANT", "what the ensemble does"),
    ("opposite to a member", {"alike": {"ridge": -1.0, "": 0.1}}, "TOO EARLY", "within chance"),
    ("like one and better", {"alike": {"ridge": 0.99}, "p_better": 0.01, "p_knows": 0.01}, "JOIN", "falls by 0.40%"),
    ("untested", {"n": 7, "p_better": math.nan, "low": math.nan, "more": 3}, "TOO EARLY", "at least 3 bars more"),
    ("untested, but poorer", {"p_better": math.nan, "p_poorer": 0.001}, "HARMFUL", "the net return falls"),
]


@pytest.mark.parametrize(("changes", "verdict", "says"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_market_has_the_verdict_that_the_figures_give(changes, verdict, says):
    one = found(**changes)
    assert one.verdict == verdict
    assert says in because(one, -0.012)


def test_a_smaller_share_of_the_level_asks_for_more():
    assert found(p_better=0.02, p_knows=0.01).verdict == "JOIN"
    assert found(p_better=0.02, p_knows=0.01, size=0.025).verdict == "TOO EARLY"


@pytest.mark.parametrize(
    ("given", "harmful", "answer"),
    [
        (["JOIN"], False, "JOIN"),
        (["JOIN"], True, "HARMFUL"),
        (["JOIN", "HARMFUL"], False, "HARMFUL"),
        (["REDUNDANT", "JOIN", "TOO EARLY"], False, "JOIN"),
        (["REDUNDANT", "REDUNDANT"], False, "REDUNDANT"),
        (["REDUNDANT", "TOO EARLY"], False, "TOO EARLY"),
        (["TOO EARLY"], True, "HARMFUL"),
    ],
)
def test_what_follows_from_several_markets(given, harmful, answer):
    assert overall(given, harmful) == answer


def test_as_many_more_bars_are_asked_as_would_tell():
    # Standard error .003: (2.021 + .851) * .003 / .004 squared is 4.64 times the bars; equality cannot come of .004.
    wide = found(change=-0.004, low=-0.004 - 2.0211 * 0.003, high=-0.004 + 2.0211 * 0.003)
    assert further(wide) == pytest.approx(1000 * (2.8719 * 0.003 / 0.004) ** 2 - 1000, rel=1e-3)
    # No change at all is told when its interval fits the bound: (2.021 * .003 / .001) squared.
    none = found(change=0.0, low=-2.0211 * 0.003, high=2.0211 * 0.003)
    assert further(none) == pytest.approx(1000 * (2.0211 * 0.003 / 0.001) ** 2 - 1000, rel=1e-3)


def test_the_interval_of_a_change_is_that_of_its_test():
    rng = np.random.default_rng(3)
    one, other = rng.normal(0, 1, 400), rng.normal(0, 1.1, 400)
    test = diebold_mariano(one, other, dependence="any")
    told = change_of(one**2, other**2, test, test.p_value)
    edge = told.high if told.change < 0 else told.low
    assert edge == pytest.approx(0.0, abs=1e-9)  # at a size of its own p-value the interval just reaches zero
    assert change_of(one**2, one**2, diebold_mariano(one, one, dependence="any")).high == 0.0


def drawn(rng, n, knows, noise, loud=0.05):
    """Return what compare_forecasts makes of a member that knows so much of a coin, beside an ensemble that is loud."""
    edge = rng.normal(0, 1, n)
    y = (rng.random(n) < 0.5 + 0.12 * edge.clip(-3, 3)).astype(float)
    without = 0.5 + loud * rng.normal(0, 1, n)
    member = 0.5 + knows * edge + noise * rng.normal(0, 1, n)
    return compare_forecasts(
        y, without, (3 * without + member) / 4, member, {}, np.arange(n), rng.normal(0, 1e-3, n - 1), draws=1
    )


def test_a_member_that_knows_nothing_joins_no_ensemble():
    """Quiet noise draws a loud ensemble together: its loss falls beyond chance, and that is no reason to join."""
    rng, draws = np.random.default_rng(8), 80
    told = [drawn(rng, 500, knows=0.0, noise=0.01, loud=0.15) for _ in range(draws)]
    assert sum(one.better for one in told) / draws > 0.8
    assert sum(one.verdict == "JOIN" for one in told) / draws <= 0.125  # 5 % and three errors of 80 draws


def test_one_that_knows_joins_and_one_that_shouts_harms():
    rng, draws = np.random.default_rng(9), 30
    assert sum(drawn(rng, 500, knows=0.12, noise=0.02).verdict == "JOIN" for _ in range(draws)) / draws > 0.9
    assert sum(drawn(rng, 500, knows=0.0, noise=0.8).verdict == "HARMFUL" for _ in range(draws)) / draws > 0.9


def test_a_neutral_member_is_seldom_called_harmful_or_helpful():
    """A member that moves the forecasts as much towards the truth as it makes them noisier."""
    rng, draws = np.random.default_rng(10), 80
    told = []
    for _ in range(draws):
        n = 400
        y = rng.normal(0, 1, n)
        one, other = rng.normal(0, 0.2, n), rng.normal(0, 0.2, n)
        told.append(compare_forecasts(y, one, other, other, {}, np.arange(n), rng.normal(0, 1e-3, n - 1), draws=1))
    assert sum(one.verdict == "HARMFUL" for one in told) / draws <= 0.125  # two tests of 2.5 %
    assert sum(one.verdict == "JOIN" for one in told) / draws <= 0.05


def test_few_forecasts_are_too_few_and_it_is_said_how_many_more():
    one = drawn(np.random.default_rng(1), 7, knows=0.1, noise=0.0)
    assert (one.verdict, one.more, one.tested) == ("TOO EARLY", 3, False)
    assert one.in_set == (False, False, False)


def test_a_clone_is_redundant_and_alike():
    rng = np.random.default_rng(2)
    y, same = rng.normal(0, 1, 300), rng.normal(0, 0.1, 300)
    one = compare_forecasts(y, same, same, same, {"twin": same}, np.arange(300), np.zeros(299))
    assert (one.verdict, one.change, one.low, one.high) == ("REDUNDANT", 0.0, 0.0, 0.0)
    assert one.closest == ("twin", pytest.approx(1.0))
    assert one.others_in_set == {"twin": True}


def test_labels_that_overlap_ask_for_more_bars():
    rng = np.random.default_rng(2)
    y, one, other = rng.normal(0, 1, (3, 30))
    told = compare_forecasts(y, one, other, other, {}, np.arange(30), NONE[:29], h=10)
    assert (told.verdict, told.more) == ("TOO EARLY", 10)


def test_symbols_of_one_bar_are_one_observation():
    rng = np.random.default_rng(4)
    y, one, other = (np.repeat(values, 5) for values in rng.normal(0, 1, (3, 200)))
    bars = np.repeat(np.arange(200), 5)
    told = compare_forecasts(y, one, other, other, {}, bars, NONE[:199])
    assert told.n == 200
