"""The first paragraph of a report: by what it was judged, and whether the holdout was still unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.recipe.presets import PRESETS, departures
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import Recipe
from quorate.report.report import Report
from quorate.report.sections.words import next_step, paragraph

DOCUMENT = Path(__file__).parents[2] / "snapshots" / "report.json"
REGISTRY = Registry.load()


def told(gates=None, looks=1, only=None, **holdout):
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    provenance = document["provenance"]
    provenance["gates"] = gates or departures(judged(), REGISTRY)
    provenance["holdout"].update(recipes_that_opened_it=looks, **holdout)
    if only:
        part = document["results"]["development"]
        part["gates"] = [gate for gate in part["gates"] if gate["gate"] == only]
        document["results"]["holdout"] = None
    return paragraph(Report(document))


def judged(**gates):
    recipe, _ = resolve(Recipe.model_validate({"models": {"logistic": {}}, "gates": gates}), REGISTRY)
    return recipe.gates


def words(**gates):
    return told(departures(judged(**gates), REGISTRY))


# --- by what it was judged


def test_the_preset_standard_and_a_stricter_one_need_no_word():
    assert told() == told(departures(judged(preset="strict"), REGISTRY))
    assert "Judged" not in told()
    assert "Judged" not in words(psr={"confidence": 0.95}, cpcv={}, **{"sample-size": {"trades": 100}})


def test_what_was_taken_away_is_named():
    facts = departures(judged(selection=False, **{"null-market": False}), REGISTRY)
    assert facts == {"preset": "standard", "without": ["null-market", "selection"], "changed": {}}
    assert "gate, 25 in all. Judged without null-market and selection. To mind" in told(facts)
    assert "Judged without integrity, psr and halves." in words(integrity=False, psr=False, halves=False)
    assert "Judged without selection." in words(preset="strict", selection=False)


def test_the_preset_headline_is_told_in_one_phrase():
    assert "Judged by the preset headline: 15 gates of standard are left out." in words(preset="headline")
    more = {name: {} for name in PRESETS["standard"] if name != "selection"}
    assert "Judged by the preset headline: 1 gate of standard is left out." in words(preset="headline", **more)
    assert "Judged" not in words(preset="headline", selection={}, **more)


def test_where_no_gate_charges_for_looks_that_is_told():
    free = "Without psr no gate charges for looks at the holdout: of many recipes one passes by chance."
    assert free in words(preset="headline")
    assert free in words(psr=False)
    assert free in told(departures(judged(preset="headline"), REGISTRY), looks=2, opened="2024-01-01")
    assert free not in words(preset="headline", psr={})
    assert free not in told()
    assert free not in told(departures(judged(preset="headline"), REGISTRY), start=None)  # there is nothing to look at


@pytest.mark.parametrize(
    "gates, said",
    [
        ({"psr": {"confidence": 0.5}}, "psr (confidence 0.5)"),
        ({"selection": {"size": 0.1}}, "selection (size 0.1)"),
        ({"preset": "strict", "selection": {"size": 0.1}}, "selection (size 0.1)"),
        ({"preset": "headline", "win-rate": {"threshold": 0.1}}, "win-rate (threshold 0.1)"),
        ({"preset": "strict", "cpcv": {"threshold": 0.1}}, "cpcv (threshold 0.1)"),
        (
            {"psr": {"confidence": 0.5}, "pbo": {"most": 0.5, "loss": 0.6}},
            "psr (confidence 0.5) and pbo (most 0.5, loss 0.6)",
        ),
    ],
)
def test_other_options_are_told_with_their_values(gates, said):
    assert f"Judged with other options: {said}." in words(**gates)


def test_it_is_told_whatever_was_decided():
    facts = departures(judged(selection=False), REGISTRY)
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["provenance"]["gates"] = facts
    document["results"]["holdout"] = None
    assert "Judged without selection." in paragraph(Report(document))
    document["results"]["development"]["gates"][1].update(verdict="FAIL", reason="it lost")
    assert paragraph(Report(document)).endswith("The walk-forward passed 14 of 15 gates. Judged without selection.")


def test_a_report_that_does_not_know_says_nothing():
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["provenance"].pop("gates", None)
    assert "Judged" not in paragraph(Report(document))


def test_a_single_gate_is_one():
    assert "the walk-forward passed its only gate, and" in told(only="sharpe", start="2005-06-20")
    assert "the walk-forward passed its only gate, but" in told(only="sharpe", start=None)


# --- the holdout


@pytest.mark.parametrize(
    "looks, which", [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")]
)
def test_a_holdout_that_others_have_seen_is_no_longer_unseen(looks, which):
    said = f"This is the {which} recipe that was judged on this holdout: it is no longer unseen."
    assert said in told(looks=looks)
    assert "unseen" not in told(looks=1)


# --- nonsense is refused before anything is fitted

FREE = {("sharpe", "threshold"), ("cost-stress", "threshold"), ("concentration", "threshold"), ("halves", "threshold")}
OPTIONS = [
    (name, option, value)
    for name, options in judged(preset="strict").judging.items()
    for option, value in options.items()
    if not isinstance(value, str) and (name, option) not in FREE
]


@pytest.mark.parametrize("gate, option, usual", OPTIONS)
def test_every_bound_of_a_built_in_gate_knows_its_range(gate, option, usual):
    with pytest.raises(RecipeError, match=f"gates.{gate}.{option} must be greater than .*; it was -2"):
        judged(preset="strict", **{gate: {option: -2}})
    assert judged(preset="strict", **{gate: {option: usual}}).judging[gate][option] == usual


@pytest.mark.parametrize(
    "gate, options, said",
    [
        ("psr", {"confidence": 0}, "confidence must be greater than 0; it was 0"),
        ("psr", {"confidence": 1.0}, "confidence must be less than 1; it was 1.0"),
        ("pbo", {"blocks": 3}, "blocks must be a multiple of 2; it was 3"),
        ("pbo", {"blocks": 40}, "blocks must be less than or equal to 20; it was 40"),
        ("spa", {"draws": 99}, "draws must be greater than or equal to 100; it was 99"),
        ("stepm", {"size": 1}, "size must be less than 1; it was 1"),
        ("sample-size", {"trades": 0}, "trades must be greater than or equal to 1; it was 0"),
        ("max-drawdown", {"threshold": 30}, "threshold must be less than 1; it was 30"),
        ("cost-stress", {"factor": 1.0}, "factor must be greater than 1; it was 1.0"),
        ("cpcv", {"threshold": 1.1}, "threshold must be less than or equal to 1; it was 1.1"),
    ],
)
def test_options_out_of_range_are_refused(gate, options, said):
    with pytest.raises(RecipeError, match=f"gates.{gate}.{said}"):
        judged(**{gate: options})


# --- what it earned, for whoever has never traded


def of_part(loss=False, **changes):
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["results"]["holdout"] = None
    part = document["results"]["development"]
    if loss:
        part["series"][0]["metrics"].update({"total-return": -0.123, "cagr": -0.036, "sharpe": -0.4})
    for gate in part["gates"]:
        gate.update(changes.get(gate["gate"].replace("-", "_"), {}))
    return paragraph(Report(document))


def test_it_begins_with_what_was_earned_against_buying_and_holding():
    first = of_part().split(". ")[0]
    assert first.startswith(
        "Over 3.5 years, after costs, it gained 694.1% (76.0% a year), where buying and holding gained"
    )
    assert "a Sharpe ratio of 4.20 against 0.13, a deepest fall of 6.8% against 7.5%" in of_part()


def test_of_a_loss_nothing_is_said_to_be_left_of_a_gain():
    missed = {"verdict": "FAIL", "required": True}
    told = of_part(
        loss=True,
        concentration={**missed, "reason": "without 2003-05 nothing is left of the gain"},
        halves={**missed, "reason": "the first half gains nothing"},
        psr={**missed, "value": 0.2, "reason": "it lost: no longer record would help"},
    )
    assert "it lost 12.3% (3.6% a year)" in told
    assert "It lost money." in told
    assert "gain." not in told.replace("gained", "")
    assert "of the gain" not in told
    assert "luck" not in told  # whoever lost need not ask that


def test_what_is_most_basic_is_told_first():
    missed = {"verdict": "FAIL", "required": True}
    told = of_part(psr={**missed, "value": 0.9, "reason": ""}, cost_stress={**missed, "value": 0.1, "reason": ""})
    assert (
        told.index("cannot be told from luck (psr)") < told.index("if trading cost more") < told.index("Not promoted")
    )


def test_a_loss_that_costs_made_is_told_as_one():
    lost = {"returns": [{"mean": -0.0001}, {"mean": -0.0004}], "factor": 2.0}
    told = of_part(loss=True, cost_stress={"verdict": "FAIL", "value": -2.0, "inputs": lost})
    assert "costs are what it lost by" in told
    gained = {**lost, "own": lost["returns"], "returns": [{"mean": 0.0004}, {"mean": 0.0001}]}  # with its walk-forward
    assert "costs are what it lost by" in of_part(
        loss=True, cost_stress={"verdict": "FAIL", "value": -2.0, "inputs": gained}
    )


# --- what to do next


def next_of(development, holdout=None, start="2005-06-20"):
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    results = document["results"]
    results["development"]["verdict"] = development
    results["holdout"] = {**results["holdout"], "verdict": holdout} if holdout else None
    document["provenance"]["holdout"]["start"] = start
    return next_step(Report(document))


@pytest.mark.parametrize(
    ("verdicts", "start", "said"),
    [
        (("PASS", "PASS"), "2005-06-20", "quorate predict "),
        (("PASS",), "2005-06-20", "quorate promote "),
        (("PASS",), None, "--set holdout.fraction=0.2"),
        (("PASS", "FAIL"), "2005-06-20", "did not hold"),
        (("PASS", "INSUFFICIENT"), "2005-06-20", "--section gates"),
        (("INSUFFICIENT",), "2005-06-20", "--section gates"),
        (("FAIL",), "2005-06-20", "quorate explain "),
        (("FAIL",), None, "quorate explain "),
    ],
)
def test_the_next_step_is_a_command_that_fits_the_verdict(verdicts, start, said):
    assert said in next_of(*verdicts, start=start)
