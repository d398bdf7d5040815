"""Rules for gates."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from quorate.errors import PluginError
from quorate.evidence.evidence import Evidence
from quorate.evidence.result import GateResult, plain
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import GateSpec
from quorate.testing._base import NotApplicable, Violation, after, causal, default_options
from quorate.testing.markets import undefined
from quorate.testing.tools import altered, gated, thresholds
from quorate.testing.tools.fresh import fresh
from quorate.testing.tools.gated import answer, holds
from quorate.testing.tools.identity import demand_no_memory

VERDICTS = ("PASS", "FAIL", "INSUFFICIENT")


def check_gate_computes(plugin: Plugin) -> str | None:
    """A `GateResult` whose figures and inputs a report can hold, also where something is undefined."""
    _check_paths(plugin)
    missing = _undefined(plugin)
    for name, e in gated.samples(plugin).items():
        _check_figures(name, answer(plugin, e, name))
        for held in (False, True):
            for metric in gated.asked(e, held):
                label = f"{name}, {metric}{' of buy and hold' if held else ''} undefined"
                missing[label] = gated.with_metric(e, metric, math.nan, held)
    for name, e in missing.items():
        try:
            result = answer(plugin, e, name)
        except Violation:  # that it raises there is said by the next rule
            continue
        _check_figures(name, result)
    return None


def _check_paths(plugin: Plugin) -> None:
    if isinstance(plugin.spec, GateSpec) and plugin.spec.paths:
        from quorate.walkforward.paths import key_of  # it imports what reads recipes

        try:
            key_of(plugin.name, default_options(plugin))
        except PluginError as e:
            raise Violation(str(e)) from e


def _check_figures(name: str, result: GateResult) -> None:
    if result.verdict not in VERDICTS:
        _complain(name, "verdict", result.verdict, "PASS, FAIL or INSUFFICIENT")
    if result.condition not in gated.SIGNS:
        _complain(name, "condition", result.condition, "one of > < >= <=")
    if not _number(result.threshold):
        _complain(name, "threshold", result.threshold, "a finite number, also where what it is made of is undefined")
    for field in ("value", "margin", "benchmark"):
        figure = getattr(result, field)
        if figure is not None and not isinstance(figure, int | float | np.number):
            _complain(name, field, figure, "a number, or None where it is undefined")
    for key, value in dict(result.inputs).items():
        if not isinstance(key, str) or not _plain(value):
            _complain(name, f"inputs[{key!r}]", value, "plain numbers, text, lists and mappings of them")
    for field in ("gate", "unit", "uncertainty", "sample", "reason"):
        if not isinstance(getattr(result, field), str):
            _complain(name, field, getattr(result, field), "text")
    if result.unit not in ("ratio", "fraction", "count", "p-value"):
        _complain(name, "unit", result.unit, "ratio, fraction, count or p-value")


@causal
@after("computes")
def check_gate_undefined_never_passes(plugin: Plugin) -> str | None:
    """What is undefined never passes: no figure, NaN among what the verdict rests on, nothing traded."""
    if not _answers(plugin):
        raise NotApplicable("it answers no ordinary evidence: see 'computes'")
    for name, p in undefined().items():
        for other in (None, p):
            e = gated.evidence_of(plugin, p, other)
            result = answer(plugin, e, name)
            if result.verdict == "PASS" and holds(result) is not True:
                unknown = [metric for metric in gated.asked(e) if not math.isfinite(e._metrics[metric])]
                _passed(name, result, f" though evidence.metric({unknown[0]!r}) is NaN" if unknown else "")
    found = list(islice(gated.passing(plugin), 3))
    for name, e in found:
        _check_metrics(plugin, name, e)
        _check_ingredients(plugin, name, e)
    return None if found else "it passed on no sample evidence, so little could be tried"


@after("computes", "deterministic")
def check_gate_boundary_as_declared(plugin: Plugin) -> str | None:
    """It passes only where its condition holds for the value and threshold that it reports, boundary included."""
    at_boundary = False
    for name, e in gated.samples(plugin).items():
        cases = thresholds.cases(plugin, name, e)
        for label, _, result in cases:
            if result.verdict == "PASS" and holds(result) is False:
                thresholds.against(label, result)
            if holds(result) is not None and float(result.value or 0.0) == float(result.threshold):
                at_boundary = True
        at_boundary = thresholds.check_boundary(plugin, name, e, cases[0][2]) or at_boundary
        thresholds.check_inclusive(plugin, cases)
    thresholds.check_other_threshold(plugin)
    return None if at_boundary else "no sample evidence lies on the threshold"


@after("computes", "deterministic")
def check_gate_margin(plugin: Plugin) -> str | None:
    """The margin is the distance to the threshold, positive on the passing side."""
    found = [case for name, e in gated.samples(plugin).items() for case in thresholds.cases(plugin, name, e)]
    for name, _, result in found:
        if holds(result) is None:
            if result.margin is not None and math.isfinite(result.margin):
                _complain(name, "margin", result.margin, "None, as there is no value")
            continue
        if result.margin is None and result.verdict == "INSUFFICIENT":
            continue
        assert result.value is not None
        expected = (float(result.value) - float(result.threshold)) * gated.SIGNS[result.condition]
        if result.margin is None or not math.isclose(result.margin, expected, rel_tol=1e-6, abs_tol=1e-9):
            _complain(
                name,
                "margin",
                result.margin,
                f"{expected:.6g}: the distance of {result.value:g} from {result.threshold:g}, positive where it is "
                f"{result.condition} (quorate.judge computes it)",
            )
    return None


@after("computes", "deterministic")
def check_gate_says_why(plugin: Plugin) -> str | None:
    """A verdict that is not PASS gives its reason."""
    sample = True
    for name, e in {**gated.samples(plugin), **_undefined(plugin)}.items():
        try:
            result = answer(plugin, e, name)
        except Violation:  # said by others
            continue
        sample = sample and bool(result.sample)
        if result.verdict != "PASS" and not result.reason.strip():
            raise Violation(
                f"on the evidence {name!r} the verdict is {result.verdict} without a reason: say what is missing or "
                "what must hold, e.g. reason='must be > 1', or by .failed(reason) and .insufficient(reason)",
                evidence=name,
                found=result.reason,
            )
    return None if sample else "it does not always say what it rests on: pass sample='250 bars' to quorate.judge"


@after("computes")
def check_gate_deterministic(plugin: Plugin) -> str | None:
    """The same evidence gives the same answer; what is drawn at random comes from ``evidence.seed``."""
    demand_no_memory(plugin)
    names = list(gated.samples(plugin))
    anew = fresh(plugin)
    first = [_text(answer(anew, e, name)) for name, e in gated.samples(plugin).items()]
    again = [_text(answer(plugin, e, name)) for name, e in reversed(gated.samples(plugin).items())][::-1]
    for name, a, b in zip(names, first, again, strict=True):
        if a != b:
            field = next(key for key in a if a[key] != b[key])
            raise Violation(
                f"on the evidence {name!r} its {field} was {a[field]} and, asked again, {b[field]}: draw at random "
                "only from np.random.default_rng(evidence.seed), and keep nothing between calls",
                evidence=name,
                field=field,
                expected=a[field],
                found=b[field],
            )
    return gated.check_draws(plugin)


@after("computes")
def check_gate_input_unmodified(plugin: Plugin) -> str | None:
    """The evidence is as it was: every other gate and the report read it, too."""
    for name, e in gated.samples(plugin).items():
        before = altered.snapshot(e)
        answer(plugin, e, name)
        field = altered.first_change(before, altered.snapshot(e))
        if field is not None:
            raise Violation(
                f"it changed evidence.{field} in place, which every gate after it reads: work on a copy",
                evidence=name,
                field=field,
            )
    return None


def _complain(name: str, field: str, found: Any, expected: str) -> None:
    raise Violation(
        f"on the evidence {name!r} its {field} is {found!r}; it must be {expected}",
        evidence=name,
        field=field,
        found=repr(found),
        expected=expected,
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _plain(value: Any) -> bool:
    try:
        json.dumps(plain(value), allow_nan=False, default=lambda v: v.item())
    except (TypeError, ValueError, AttributeError):
        return False
    return True


def _text(result: GateResult) -> dict[str, str]:
    return {key: repr(value) for key, value in result.to_dict().items()}


def _undefined(plugin: Plugin) -> dict[str, Evidence]:
    return {name: gated.evidence_of(plugin, p) for name, p in undefined().items()}


def _answers(plugin: Plugin) -> bool:
    for name, e in gated.samples(plugin).items():
        with suppress(Violation):
            answer(plugin, e, name)
            return True
    return False


def _passed(name: str, result: GateResult, why: str = "") -> None:
    remedy = (
        "what cannot be judged is INSUFFICIENT: e.g. return quorate.judge(name, math.nan, condition, "
        "threshold).insufficient('too few trades')"
        if result.value is None and not why
        else "every comparison with NaN is false, so 'if value < threshold: fail' lets it through, and so does a "
        "number put in its place: ask 'value > threshold' for the pass, or use quorate.judge"
    )
    raise Violation(
        f"on the evidence {name!r} it passes{why} (value {result.value}, must be {result.condition} "
        f"{result.threshold}): an undefined value never passes; {remedy}",
        evidence=name,
        expected="FAIL or INSUFFICIENT",
        found="PASS",
    )


def _check_metrics(plugin: Plugin, name: str, e: Evidence) -> None:
    """Raise, if a metric that can make the gate fail does not when it is NaN."""
    answer(plugin, e, name)
    for held, method in ((False, "metric"), (True, "benchmark_metric")):
        for metric in gated.asked(e, held):
            some = [answer(plugin, gated.with_metric(e, metric, v, held), name).verdict for v in gated.GRID]
            label = f"{name}, {metric}{' of buy and hold' if held else ''} undefined"
            result = answer(plugin, gated.with_metric(e, metric, math.nan, held), label)
            if result.verdict == "PASS" and any(verdict != "PASS" for verdict in some):
                _passed(label, result, f" though evidence.{method}({metric!r}) is NaN")


def _check_ingredients(plugin: Plugin, name: str, e: Evidence) -> None:
    """Raise, if NaN in what the gate reads of the performance itself passes where some numbers do not."""
    for what, spoil, others in gated.INGREDIENTS:
        some = [answer(plugin, replace(e, performance=f(e.performance)), name).verdict for f in others]
        if all(verdict == "PASS" for verdict in some):
            continue
        result = answer(plugin, replace(e, performance=spoil(e.performance)), f"{name}, {what} NaN")
        if result.verdict == "PASS":
            _passed(name, result, f" though {what} are NaN" if what.endswith("s") else f" though {what} is NaN")
