"""What is to be checked: files, plugins and distributions, and what comes of loading them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.local import LocalSource, import_local
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from quorate.testing._base import Outcome, Rule, rules
from quorate.testing.tools.loading import watched

LOADING = {
    "imports": "The module can be imported.",
    "hooks": "Its hooks exist, are marked, take no arguments, and yield valid specs.",
    "unique-names": "No other plugin has the same name.",
    "libraries": "What it requires is installed.",
    "known-gaps": "Known gaps are rules that exist and may be excused.",
}


@dataclass(frozen=True)
class Target:
    """What is to be checked, and the options that its functions need beside their defaults.

    A file is known by its text too: an edited one is another target.
    """

    name: str
    options: str = "{}"
    path: str = ""
    text: str = ""

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any] | None = None) -> Target:
        told = json.dumps(dict(options or {}))
        if not name.endswith(".py"):
            return cls(name, told)
        source = LocalSource.read(Path(name))
        return cls(name, told, str(source.path), source.text)

    @property
    def source(self) -> LocalSource:
        return LocalSource(Path(self.path), self.text)


class Step(NamedTuple):
    """One rule to ask of one plugin; it says all that is told where there is no answer."""

    kind: str
    plugin: str
    rule: str
    summary: str = ""
    after: tuple[str, ...] = ()

    def outcome(self, state: str, message: str) -> Outcome:
        """Return what is told of it."""
        return Outcome(*self[:3], state, message, summary=self.summary)


@cache
def registry_with(target: Target) -> tuple[Registry, list[Outcome]]:
    """Return the registry with the target in it, and what came of loading."""
    registry, said = Registry.load(), []
    if target.path:
        source = target.source
        for rule, load in (("imports", import_local), ("hooks", lambda s: registry.add_local(s, given=True))):
            try:
                with watched(source):
                    load(source)
            except PluginError as e:
                said.append(loading(source.path.name, rule, "failed", str(e)))
                return registry, said
            said.append(loading(source.path.name, rule))
    return registry, said


def load_target(target: Target) -> tuple[list[Outcome], list[Step]]:
    """Return what came of loading the target, and the rules to ask of its plugins."""
    registry, said = registry_with(target)
    said = list(said)
    for plugin in offered_of(registry, target, said):
        name = f"{plugin.kind} {plugin.name}"
        said.append(
            loading(name, "unique-names", "failed", f"{name!r} is {plugin.reason}: rename one")
            if plugin.state == "conflict"
            else loading(name, "unique-names")
        )
        if plugin.state == "disabled":
            said.append(loading(name, "libraries", "failed", f"it {plugin.reason}: install it to check the plugin"))
        said += known_gaps(plugin)
    usable = [p for p in offered_of(registry, target, []) if p.state == "ok"]
    return said, [
        Step(p.kind, p.name, rule.name, rule.summary, rule.after) for p in usable for rule in in_order(rules(p.kind))
    ]


def in_order(found: Sequence[Rule]) -> list[Rule]:
    """Return rules so that those that others rest on come first."""
    named = {rule.name: rule for rule in found}

    def rests(rule: Rule) -> int:
        return 1 + max((rests(named[name]) for name in rule.after), default=0)

    return sorted(found, key=rests)


def known_gaps(plugin: Plugin) -> Iterator[Outcome]:
    """Yield a failure for every known gap that is no rule, or one that nothing excuses."""
    assert plugin.spec is not None
    known = {rule.name: rule for rule in rules(plugin.kind)}
    for gap in plugin.spec.known_gaps:
        if gap not in known:
            why = f"is no rule for a {plugin.kind}: it must be one of {one_of(known)}{near_misses(gap, known)}"
        elif known[gap].causal:
            why = "concerns the future and cannot be excused"
        else:
            continue
        yield loading(f"{plugin.kind} {plugin.name}", "known-gaps", "failed", f"known_gaps: {gap!r} {why}")


def loading(name: str, rule: str, state: str = "passed", message: str = "") -> Outcome:
    """Return what came of one of the rules of loading."""
    return Outcome("plugin", name, rule, state, message, summary=LOADING[rule])


def offered(target: str) -> list[Plugin]:
    """Return the usable plugins of a file, a distribution, or of a name.

    Raises
    ------
    PluginError, RecipeError
        If it cannot be loaded, or there is nothing of that name.
    """
    asked = Target.of(target)
    registry, loaded = registry_with(asked)
    said = list(loaded)
    found = offered_of(registry, asked, said)
    for outcome in said:
        if outcome.state == "failed":
            raise PluginError(outcome.message)
    return [plugin for plugin in found if plugin.state == "ok"]


def offered_of(registry: Registry, target: Target, said: list[Outcome]) -> list[Plugin]:
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
        said += [loading(str(p.provider), "imports", "failed", p.reason) for p in broken]
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
