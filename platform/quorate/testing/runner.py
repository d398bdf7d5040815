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
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from quorate.errors import PluginError, QuorateError, RecipeError, near_misses, one_of
from quorate.isolated import Isolated, Lost
from quorate.modules import LocalSource, import_local
from quorate.providers import Plugin
from quorate.registry import Registry
from quorate.specs import KINDS
from quorate.testing._base import NotApplicable, Rule, Violation, rules_in

SECONDS = 60.0
LOADING = {
    "imports": "The module can be imported.",
    "hooks": "Its hooks exist, are marked, take no arguments, and yield valid specs.",
    "unique-names": "No other plugin has the same name.",
    "libraries": "What it requires is installed.",
    "known-gaps": "Known gaps are rules that exist and may be excused.",
}


@dataclass(frozen=True)
class Outcome:
    """What came of one rule.

    Parameters
    ----------
    kind, plugin : str
        What was checked; while it loads, kind is ``plugin`` and the name that of the file or package.
    rule : str
        Its id.
    state : {"passed", "failed", "not-applicable", "excused", "not-checked"}
        ``excused``: it does not hold, and the spec's ``known_gaps`` says why.
    message : str
        Why it did not pass.
    example : mapping
        The smallest counter-example.
    summary : str
        What the rule asks.
    """

    kind: str
    plugin: str
    rule: str
    state: str
    message: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True)
class _Target:
    """What is to be checked, and the options that its functions need beside their defaults.

    A file is known by its text too: an edited one is another target.
    """

    name: str
    options: str = "{}"
    path: str = ""
    text: str = ""

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any] | None = None) -> _Target:
        told = json.dumps(dict(options or {}))
        if not name.endswith(".py"):
            return cls(name, told)
        source = LocalSource.read(Path(name))
        return cls(name, told, str(source.path), source.text)

    @property
    def source(self) -> LocalSource:
        return LocalSource(Path(self.path), self.text)


Step = tuple[str, str, str] | None


@cache
def rules(kind: str) -> tuple[Rule, ...]:
    """Return the rules of a kind: those of any plugin, then its own, in the order they are written."""
    package = import_module("quorate.testing")
    names = [info.name for info in iter_modules(package.__path__) if not info.name.startswith("_")]
    own = [n for n in names if n not in ("runner", "cases", "markets", "plugins", "pytest_plugin")]
    found = [replace(rule, kind=kind) for rule in rules_in(import_module("quorate.testing.plugins"), "plugin")]
    for name in own:
        found += rules_in(import_module(f"quorate.testing.{name}"), kind)
    return tuple(found)


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
    asked = _Target.of(str(target), options)
    if not isolate:
        loaded, steps = load_target(asked)
        yield from loaded
        yield from _telling((step, _ask(asked, step)) for step in steps)
        return
    process: Isolated[Step, Any] = Isolated("quorate.testing.runner")
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
    process: Isolated[Step, Any], target: _Target, steps: Sequence[tuple[str, str, str]], seconds: float
) -> Iterator[tuple[tuple[str, str, str], Outcome]]:
    lost = ""
    left = list(steps)
    answers = process.each(_answer, target, steps, seconds)
    while left and not lost:
        step, outcome = next(answers)
        assert step is not None
        left.remove(step)
        if isinstance(outcome, Lost):
            lost = str(outcome)
            outcome = Outcome(*step, "failed", f"while this rule was tried, {lost}", summary=_rule(step).summary)
        yield step, outcome
    answers.close()
    for step in left:
        yield step, Outcome(*step, "not-checked", f"after {lost}", summary=_rule(step).summary)


def _telling(answers: Iterable[tuple[tuple[str, str, str], Outcome]]) -> Iterator[Outcome]:
    """Yield the outcomes; what is broken only because another rule is says nothing of its own."""
    failed: set[tuple[str, str, str]] = set()
    for step, outcome in answers:
        root = next((name for name in _rule(step).after if (*step[:2], name) in failed), "")
        if outcome.state == "failed" and root:
            why = f"it says nothing as long as {root!r} is broken"
            outcome = replace(outcome, state="not-applicable", message=why, example={})
        elif outcome.state == "failed":
            failed.add(step)
        yield outcome


def _rule(step: tuple[str, str, str]) -> Rule:
    return next(rule for rule in rules(step[0]) if rule.name == step[2])


def _answer(target: _Target, step: Step) -> Any:
    """Answer in the process beside: load the target, or ask one rule."""
    if step is not None:
        return _ask(target, step)
    try:
        return load_target(target)
    except QuorateError as e:
        return e


def _ask(target: _Target, step: tuple[str, str, str]) -> Outcome:
    kind, name, _ = step
    plugin = _registry(target)[0].find(kind, name)
    options = json.loads(target.options)
    if options:
        assert plugin.spec is not None
        plugin = replace(plugin, spec=replace(plugin.spec, params={**plugin.spec.params, **options}))
    return ask(_rule(step), plugin)


def ask(rule: Rule, plugin: Plugin) -> Outcome:
    """Ask one rule of one plugin, in this process."""
    state, message, example = "passed", "", {}
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            message = rule.check(plugin) or ""
    except NotApplicable as e:
        state, message = "not-applicable", str(e)
    except Violation as e:
        state, message, example = "failed", e.message, _plain(e.example)
    except Exception as e:  # a plugin may raise anything, anywhere
        state, message = "failed", f"it raised {type(e).__name__}: {e}"
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


@cache
def _registry(target: _Target) -> tuple[Registry, list[Outcome]]:
    """Return the registry with the target in it, and what came of loading."""
    registry, said = Registry.load(), []
    if target.path:
        source = target.source
        for rule, load in (("imports", import_local), ("hooks", lambda s: registry.add_local(s, given=True))):
            try:
                load(source)
            except PluginError as e:
                said.append(_loading(source.path.name, rule, "failed", str(e)))
                return registry, said
            said.append(_loading(source.path.name, rule))
    return registry, said


def load_target(target: _Target) -> tuple[list[Outcome], list[tuple[str, str, str]]]:
    """Return what came of loading the target, and the rules to ask of its plugins."""
    registry, said = _registry(target)
    said = list(said)
    for plugin in _offered(registry, target, said):
        name = f"{plugin.kind} {plugin.name}"
        said.append(
            _loading(name, "unique-names", "failed", f"{name!r} is {plugin.reason}: rename one")
            if plugin.state == "conflict"
            else _loading(name, "unique-names")
        )
        if plugin.state == "disabled":
            said.append(_loading(name, "libraries", "failed", f"it {plugin.reason}: install it to check the plugin"))
        said += _known_gaps(plugin)
    usable = [p for p in _offered(registry, target, []) if p.state == "ok"]
    return said, [(p.kind, p.name, rule.name) for p in usable for rule in sorted(rules(p.kind), key=_rests)]


def _rests(rule: Rule) -> int:
    """Order rules so that those that others rest on come first."""
    return len(rule.after)


def _known_gaps(plugin: Plugin) -> Iterator[Outcome]:
    assert plugin.spec is not None
    known = {rule.name: rule for rule in rules(plugin.kind)}
    for gap in plugin.spec.known_gaps:
        if gap not in known:
            why = f"is no rule for a {plugin.kind}: it must be one of {one_of(known)}{near_misses(gap, known)}"
        elif known[gap].causal:
            why = "concerns the future and cannot be excused"
        else:
            continue
        yield _loading(f"{plugin.kind} {plugin.name}", "known-gaps", "failed", f"known_gaps: {gap!r} {why}")


def _loading(name: str, rule: str, state: str = "passed", message: str = "") -> Outcome:
    return Outcome("plugin", name, rule, state, message, summary=LOADING[rule])


def offered(target: str) -> list[Plugin]:
    """Return the usable plugins of a file, a distribution, or of a name.

    Raises
    ------
    PluginError, RecipeError
        If it cannot be loaded, or there is nothing of that name.
    """
    asked = _Target.of(target)
    registry, loaded = _registry(asked)
    said = list(loaded)
    found = _offered(registry, asked, said)
    for outcome in said:
        if outcome.state == "failed":
            raise PluginError(outcome.message)
    return [plugin for plugin in found if plugin.state == "ok"]


def _offered(registry: Registry, target: _Target, said: list[Outcome]) -> list[Plugin]:
    """Return the plugins that the target names; what of it could not be loaded is added to `said`."""
    if target.path:
        path = Path(target.path)
        return [p for p in registry if any(o.local and o.local.path == path for o in (p.provider, *p.rivals))]
    kind, _, name = target.name.rpartition(":")
    if kind and kind not in KINDS:
        raise RecipeError(f"unknown kind {kind!r}: it must be one of {one_of(KINDS)}{near_misses(kind, KINDS)}")
    if kind:
        try:
            return [registry.find(kind, name)]
        except PluginError as e:
            raise RecipeError(str(e)) from e
    of_package = [p for p in registry if _normal(p.provider.distribution) == _normal(target.name)]
    if of_package:
        broken = [p for p in of_package if p.state == "broken"]
        said += [_loading(str(p.provider), "imports", "failed", p.reason) for p in broken]
        return [p for p in of_package if p.spec is not None]
    found = [p for p in registry if p.name == target.name and p.spec is not None]
    if not found:
        known = [*{p.name for p in registry}, *(d.name for d in metadata.distributions() if d.name)]
        raise RecipeError(
            f"there is nothing to check under {target.name!r}: give a plugin file (.py), the name of a plugin, or "
            f"an installed distribution that offers plugins{near_misses(target.name, known)}"
        )
    return found


def _normal(name: str | None) -> str:
    return (name or "").lower().replace("_", "-")
