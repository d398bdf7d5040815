"""Putting plugins through the rules of their kind, each in a process that may hang or die.

1. The target is loaded: a file, a plugin's name, or an installed distribution.
2. Every rule of its kind is asked of every plugin it offers.
3. Each answer is an `Outcome`; a plugin that hangs or kills its process is asked no more.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.isolated import Isolated, Lost
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Outcome, Rule, Violation
from quorate.testing._base import rules as rules
from quorate.testing._targets import Step, Target, load_target, registry_with
from quorate.testing.tools.beside import beside

SECONDS = 60.0


def check(
    target: str | Path, *, options: Mapping[str, Any] | None = None, seconds: float = SECONDS, isolate: bool = True
) -> list[Outcome]:
    """Put a plugin file, a plugin, or all plugins of a distribution through the rules.

    Parameters
    ----------
    target : str or Path
        A ``.py`` file, a plugin's name (``logistic`` or ``model:logistic``), or a distribution's name.
    options : mapping, optional
        Options beside the defaults, for a source that needs some.
    seconds : float
        Longest time for one rule.
    isolate : bool
        Whether rules run in a process of their own.

    Returns
    -------
    list of Outcome
        In the order of the plugins and rules.

    Raises
    ------
    RecipeError
        If there is no such target.
    """
    return list(outcomes(target, options=options, seconds=seconds, isolate=isolate))


def outcomes(
    target: str | Path, *, options: Mapping[str, Any] | None = None, seconds: float = SECONDS, isolate: bool = True
) -> Iterator[Outcome]:
    """Yield what `check` returns, as it comes."""
    asked = Target.of(str(target), options)
    if not isolate:
        loaded, steps = load_target(asked)
        yield from loaded
        yield from _telling((step, _ask(asked, step)) for step in steps)
        return
    process: Isolated[Step | None, Any] = Isolated("quorate.testing.runner")
    try:
        [(_, first)] = process.each(_answer, asked, [None], seconds)
        if isinstance(first, Lost):
            yield Outcome("plugin", asked.name, "imports", "failed", f"while it was loaded: {first}")
            return
        if isinstance(first, QuorateError):
            raise first
        yield from first[0]
        for name in dict.fromkeys(step[:2] for step in first[1]):
            yield from _telling(_ask_all(process, asked, [s for s in first[1] if s[:2] == name], seconds))
    finally:
        process.close()


def _ask_all(
    process: Isolated[Step | None, Any], target: Target, steps: Sequence[Step], seconds: float
) -> Iterator[tuple[Step, Outcome]]:
    lost = ""
    left = list(steps)
    answers = process.each(_answer, target, steps, seconds)
    while left and not lost:
        step, outcome = next(answers)
        assert step is not None
        left.remove(step)
        if isinstance(outcome, Lost):
            lost = str(outcome)
            outcome = step.outcome("failed", f"while this rule was tried, {lost}")
        yield step, outcome
    answers.close()
    for step in left:
        yield step, step.outcome("not-checked", f"after {lost}")


def _telling(answers: Iterable[tuple[Step, Outcome]]) -> Iterator[Outcome]:
    """Yield the outcomes; what is broken only because another rule is says nothing of its own."""
    failed: set[tuple[str, str, str]] = set()
    for step, outcome in answers:
        root = next((name for name in step.after if (*step[:2], name) in failed), "")
        if outcome.state == "failed" and root:
            why = f"it says nothing as long as {root!r} is broken"
            outcome = replace(outcome, state="not-applicable", message=why, example={})
        elif outcome.state == "failed":
            failed.add(step[:3])
        yield outcome


def _answer(target: Target, step: Step | None) -> Any:
    """Answer in the process beside: load the target, or ask one rule."""
    if step is not None:
        return _ask(target, step)
    try:
        loaded, steps = load_target(target)
    except QuorateError as e:
        return e
    if any(step.kind == "model" for step in steps):
        beside().prepare(target.text)  # it takes a second or two to start
    return loaded, steps


def _ask(target: Target, step: Step) -> Outcome:
    plugin = registry_with(target)[0].find(step.kind, step.plugin)
    options = json.loads(target.options)
    if options:
        assert plugin.spec is not None
        plugin = replace(plugin, spec=replace(plugin.spec, params={**plugin.spec.params, **options}))
    return ask(next(rule for rule in rules(step.kind) if rule.name == step.rule), plugin)


def ask(rule: Rule, plugin: Plugin) -> Outcome:
    """Ask one rule of one plugin, in this process; settings that the plugin leaves are put back."""
    from quorate.testing.tools.model_settings import put_back, settings

    before = settings()
    state, message, example = "passed", "", {}
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            message = rule.ask(plugin) or ""
    except NotApplicable as e:
        state, message = "not-applicable", str(e)
    except Violation as e:
        state, message, example = "failed", e.message, _plain(e.example)
    except Exception as e:  # a plugin may raise anything, anywhere
        state, message = "failed", f"it raised {type(e).__name__}: {e}"
    finally:
        put_back(before)
    assert plugin.spec is not None
    gap = plugin.spec.known_gaps.get(rule.name)
    if state == "failed" and gap and not rule.causal:
        state, message = "excused", f"{gap} ({message})"
    return Outcome(plugin.kind, plugin.name, rule.name, state, message, example, rule.summary)


def _plain(example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counter-example as JSON holds it."""

    def plain(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value if isinstance(value, bool | int | float | str | None) else str(value)

    return {key: plain(value) for key, value in example.items()}
