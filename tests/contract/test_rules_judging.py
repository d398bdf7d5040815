"""Each rule for metrics, gates, ensemblers and recipes names what breaks it and lets pass what does not."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

import quorate
from quorate.plugins.registry import Registry
from quorate.testing import reference_cases
from quorate.testing._base import NotApplicable, Violation, rules_in
from quorate.testing.runner import check


def broken(spec):
    """Return the message of every rule that the plugin breaks."""
    registry = Registry.load()
    registry.add_inline(spec)
    out = {}
    for rule in rules_in(importlib.import_module(f"quorate.testing.checks.{spec.kind}s"), spec.kind):
        try:
            rule.check(registry.find(spec.kind, spec.name))
        except Violation as e:
            out[rule.name] = e.message
        except NotApplicable:
            pass
    return out


def metric(function, **more):
    return quorate.MetricSpec("tried", function, **more)


def gate(function, **more):
    return quorate.GateSpec("tried", function, **more)


def ensembler(function, **more):
    return quorate.EnsemblerSpec("tried", function, **more)


def mean(p):
    return float(p.returns.mean()) if len(p.returns) else math.nan


def per_deviation(p, otherwise=math.nan):
    r = p.returns
    return float(r.mean() / r.std()) if len(r) and r.std() > 1e-12 else otherwise


def drawdown(p):
    return float((p.equity / np.maximum.accumulate(p.equity) - 1).min())


def money(p):
    return float(p.closed["pnl"].sum())


def zero_wins(p):
    return float((p.closed["pnl"] > 0).sum() / max(len(p.closed), 1))


def sort_equity(p):
    p.equity.sort()
    return 0.5


SOUND = [
    metric(mean, unit="fraction"),
    metric(per_deviation),
    metric(drawdown, unit="fraction", ordered=True, reference="max_drawdown"),
    metric(money, unit="currency"),
    metric(lambda p: mean(p) * p.bars_per_year, unit="fraction", annualised=True),
    gate(lambda e: quorate.judge("g", e.metric("sharpe"), ">", 1.0)),
    gate(lambda e, least=0.5: quorate.judge("g", e.metric("win-rate"), ">=", least)),
    ensembler(lambda h: np.ones(len(h.members))),
    ensembler(lambda h: 1 / (((h.predictions - h.labels[:, None]) ** 2).mean(axis=0) + 1e-9)),
    ensembler(lambda h: quorate.Combiner(lambda rows: rows.predictions.max(axis=1))),
    ensembler(lambda h: path(h) + 1.0, update="bar"),
]


@pytest.mark.parametrize("spec", SOUND)
def test_what_keeps_the_rules_passes_them(spec):
    assert broken(spec) == {}


def by_hand(verdict, condition=">", threshold=0.5, sign=1, reason="low"):
    """Return a gate on the win rate that says itself what passes."""

    def function(e, least=threshold):
        v = e.metric("win-rate")
        if not math.isfinite(v) and not verdict(v, least):
            return quorate.judge("g", math.nan, condition, least)
        passed = "PASS" if verdict(v, least) else "FAIL"
        return quorate.GateResult("g", passed, v, condition, least, sign * (v - least), reason=reason)

    return gate(function)


def wins_too(e):
    result = quorate.judge("g", e.metric("sharpe"), ">", 0.5)
    return result.failed("it wins too rarely") if e.metric("win-rate") < 0.4 else result


def in_place(h):
    h.labels[:] = 0
    return np.ones(len(h.members))


def sorts(e):
    return quorate.judge("g", sort_equity(e.performance), ">", 1)


SEEN: list[int] = []


def all_seen(h):
    SEEN.append(len(h.labels))
    return np.arange(len(h.members)) * len(SEEN) + 1.0


def path(h):
    """Return the sums of errors through time, one row per bar at which labels ended."""
    _, step = np.unique(h.ends, return_inverse=True)
    errors = (h.predictions - h.labels[:, None]) ** 2
    return np.column_stack([np.bincount(step, column) for column in errors.T]).cumsum(axis=0)


def by_hand_mean(rows):
    return rows.predictions.mean(axis=1)


def halved(h):
    return np.ones(len(h.members)) if len(h.members) > 1 else np.zeros(1)


FAULTY = [
    ("computes", "must return one number", metric(lambda p: p.returns)),
    ("undefined-is-nan", "inf", metric(lambda p: per_deviation(p, math.inf))),
    ("undefined-is-nan", "nothing to divide by", metric(lambda p: per_deviation(p, 0.0))),
    ("undefined-is-nan", "share of nothing", metric(zero_wins)),
    ("undefined-is-nan", "max()", metric(lambda p: max(p.returns.tolist()))),
    ("unit", "ten times the capital", metric(money)),
    ("unit", "ten times the capital", metric(mean, unit="currency")),
    ("unit", "whole number", metric(lambda p: 0.5, unit="count")),
    ("unit", "prints as", metric(lambda p: 55.0, unit="fraction")),
    ("direction", "declare higher_is_better=True", metric(mean, unit="fraction", higher_is_better=False)),
    ("direction", "vary half as much", metric(lambda p: float(p.returns.std()) if len(p.returns) else math.nan)),
    ("annualisation", "declare annualised=True", metric(lambda p: mean(p) * p.bars_per_year)),
    ("annualisation", "bars_per_year", metric(lambda p: mean(p) * 252, annualised=True)),
    ("order-free", "ordered=True", metric(drawdown, unit="fraction")),
    ("deterministic", "seed", metric(lambda p: float(np.random.default_rng().random()))),
    ("input-unmodified", "performance.equity", metric(sort_equity)),
    ("reference", "it must be one of accuracy", metric(mean, unit="fraction", reference="mean")),
    ("reference", "total_return is -0.1", metric(mean, unit="fraction", reference="total_return")),
    ("computes", "quorate.judge", gate(lambda e: True)),
    ("computes", "inputs['x']", gate(lambda e: quorate.judge("g", 2.0, ">", 1.0, inputs={"x": object()}))),
    ("undefined-never-passes", "evidence.metric('win-rate') is NaN", gate(wins_too)),
    ("undefined-never-passes", "an undefined value never passes", by_hand(lambda v, least: not v < least, ">=")),
    ("boundary-as-declared", "not > the threshold", by_hand(lambda v, least: v >= least)),
    ("boundary-as-declared", "lies on the threshold", by_hand(lambda v, least: v > least, ">=")),
    ("margin", "distance", by_hand(lambda v, least: v > least, sign=-1)),
    ("says-why", "without a reason", by_hand(lambda v, least: v > least, reason="")),
    ("deterministic", "evidence.seed", gate(lambda e: quorate.judge("g", np.random.default_rng().random(), ">", 0.5))),
    ("input-unmodified", "evidence.performance.equity", gate(sorts)),
    ("computes", "is negative", ensembler(lambda h: -np.ones(len(h.members)))),
    ("computes", "is not finite", ensembler(lambda h: np.full(len(h.members), math.nan))),
    ("computes", "one weight per member", ensembler(lambda h: np.ones(len(h.labels)))),
    ("future-free", "remembers", ensembler(all_seen)),
    ("one-member", "is all zero", ensembler(halved)),
    ("members-with-gaps", "no predictions in one of three", ensembler(lambda h: np.ones(max(len(h.members), 3)))),
    ("members-exchangeable", "order of the columns", ensembler(lambda h: np.arange(len(h.members)) + 1)),
    ("deterministic", "seed", ensembler(lambda h: np.random.default_rng().random(len(h.members)))),
    ("input-unmodified", "history.labels", ensembler(in_place)),
    ("computes", "entries of 2 finite weights", ensembler(lambda h: np.ones(len(h.members)), update="bar")),
    ("computes", "a finite prediction per row", ensembler(lambda h: quorate.Combiner(lambda r: r.volatility))),
    ("computes", "from a function, (40, 2)", ensembler(lambda h: quorate.Combiner(by_hand_mean, lambda r: r.bars))),
    ("prefix-invariant", "are cut off", ensembler(lambda h: 1 + path(h) / path(h)[-1].sum(), update="bar")),
    ("rows-independent", "later rows", ensembler(lambda h: quorate.Combiner(lambda r: by_hand_mean(r) - r.bars[-1]))),
    ("members-exchangeable", "means nothing", ensembler(lambda h: quorate.Combiner(lambda r: r.predictions[:, 0]))),
]  # fmt: skip


@pytest.mark.parametrize("rule, words, spec", FAULTY)
def test_a_rule_names_what_breaks_it(rule, words, spec):
    SEEN.clear()
    found = broken(spec)
    assert words in found.get(rule, ""), found


def test_a_gate_that_asks_for_an_unknown_metric_is_told_so():
    found = broken(gate(lambda e: quorate.judge("g", e.metric("sharpness"), ">", 1.0)))
    assert "'sharpness', which no plugin provides" in found["computes"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("horizon = 2", "horizon: unknown key"),
        ("[labels]\nname = 'ups'\n[models.logistic]", "unknown label 'ups'"),
        ("[labels", "not valid TOML"),
        (None, "there is no file"),
    ],
)
def test_a_recipe_must_resolve(tmp_path, text, words):
    path = tmp_path / "tried.toml"
    if text is not None:
        path.write_text(text)
    assert words in broken(quorate.RecipeSpec("tried", lambda: path))["valid"]


def test_a_recipe_that_resolves_passes(tmp_path):
    path = tmp_path / "tried.toml"
    path.write_text('[data]\nsource = "csv"\npath = "${NOT_SET_HERE}"\n[models.logistic]\n')
    assert broken(quorate.RecipeSpec("tried", lambda: path)) == {}


def test_a_recipe_path_must_not_depend_on_the_folder():
    assert "Path(__file__)" in broken(quorate.RecipeSpec("tried", lambda: "tried.toml"))["valid"]


def test_every_reference_case_says_its_source_and_gives_a_performance():
    for name in reference_cases.names():
        for case in reference_cases.cases(name):
            assert case.source
            assert len(case.performance().returns) == len(case.inputs["returns"])


def remark(spec, rule):
    """Return what the rule says of a plugin that keeps it."""
    registry = Registry.load()
    registry.add_inline(spec)
    rules = {r.name: r for r in rules_in(importlib.import_module(f"quorate.testing.checks.{spec.kind}s"), spec.kind)}
    return rules[rule].check(registry.find(spec.kind, spec.name)) or ""


def best_first(h):
    weights = np.zeros(len(h.members))
    weights[((h.predictions - h.labels[:, None]) ** 2).mean(axis=0).argmin()] = 1.0
    return weights


def draws_alike(e):
    return quorate.judge("g", float(np.random.default_rng(0).random()), ">", 0.2)


@pytest.mark.parametrize(
    "rule, words, spec",
    [
        ("members-exchangeable", "of two members that say the same", ensembler(best_first)),
        ("members-exchangeable", "", ensembler(lambda h: np.ones(len(h.members)))),
        ("deterministic", "evidence.seed changes nothing", gate(draws_alike)),
    ],
)
def test_what_is_doubtful_but_no_fault_is_remarked(rule, words, spec):
    found = remark(spec, rule)
    assert words in found
    assert bool(words) == bool(found)


def test_a_misspelt_metric_is_told_the_nearest_and_nothing_else():
    message = broken(gate(lambda e: quorate.judge("g", e.metric("sharp"), ">", 1.0)))["computes"]
    assert "did you mean 'sharpe'" in message
    assert "quorate.judge" not in message


def few_pass(e):
    if len(e.performance.closed) < 10:
        return quorate.GateResult("g", "PASS", None, ">", 0.5, None)
    return quorate.judge("g", 0.7, ">", 0.5)


def test_a_pass_without_a_figure_is_told_apart_from_a_comparison_with_nan():
    literal = broken(gate(few_pass))["undefined-never-passes"]
    compared = broken(by_hand(lambda v, least: not v < least, ">="))["undefined-never-passes"]
    assert "too few trades" in literal
    assert "comparison" not in literal
    assert "every comparison with NaN is false" in compared


@pytest.mark.parametrize("reference", ["max-drawdown", "max_drawdown"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_drawdown_may_have_either_sign(reference, sign):
    spec = metric(lambda p: sign * drawdown(p), unit="fraction", ordered=True, reference=reference)
    assert "reference" not in broken(spec)


def test_a_drawdown_may_not_change_its_sign():
    spec = metric(lambda p: drawdown(p) * (1 if p.returns.max() > 0 else -1), reference="max_drawdown")
    assert "reference" in broken(spec)


def test_an_unknown_reference_is_told_the_nearest():
    assert "did you mean 'sharpe'" in broken(metric(per_deviation, reference="sharp"))["reference"]


LOADED = [
    (
        'yield quorate.FeatureSpec("opt", lambda close: close, look_back=4)',
        "lookback, name, params, recursive, requires; did you mean 'lookback'?",
    ),
    ('yield quorate.FeatureSpec("opt", lambda close: close)\n    ' * 2, "'feature opt' is provided twice by"),
]


@pytest.mark.parametrize("body, words", LOADED)
def test_a_file_is_told_what_its_spec_cannot_be(tmp_path, body, words):
    path = tmp_path / "own.py"
    path.write_text(f"import quorate\n\n@quorate.hookimpl\ndef quorate_features():\n    {body.strip()}\n")
    failed = [o.message for o in check(path, isolate=False) if o.state == "failed"]
    assert any(words in message for message in failed), failed
