"""All that a plugin tells of itself, as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import MISSING, asdict, fields
from typing import Any

from quorate.errors import PluginError, RecipeError, near_misses, one_of, plural
from quorate.plugins.documented import as_toml
from quorate.plugins.options import parameters_of
from quorate.plugins.provider import Plugin
from quorate.plugins.space import Choice, Distribution, Int
from quorate.plugins.specs import KINDS, ModelSpec, Spec

# What stands elsewhere, or says nothing to who uses the plugin.
APART = {
    "name", "function", "params", "description", "space", "known_gaps", "provider", "requires", "contributions",
    "apply", "inverse",
}  # fmt: skip

# How a recipe takes a plugin of each kind.
_USE = {
    "model": "[models]\n{name} = {{ {options} }}",
    "feature": '[features]\nuse = ["{name}"]',
    "transform": '[features.transforms]\n"*" = {{ name = "{name}", {options} }}',
    "label": '[labels]\nname = "{name}"',
    "weight": '[labels]\nweights = [{{ name = "{name}", {options} }}]',
    "splitter": '[folds]\nsplitter = "{name}"',
    "ensembler": '[ensemble]\nmethod = "{name}"',
    "strategy": '[strategy]\nname = "{name}"',
    "cost": '[costs]\nmodel = "{name}"',
    "gate": "[gates]\n{name} = {{ {options} }}",
    "sampler": '[tuning]\nsampler = "{name}"',
    "source": '[data]\nsource = "{name}"',
    "alert": "[alerts]\n{name} = {{ {options} }}",
}


def described(plugin: Plugin) -> dict[str, Any]:
    """Return what a plugin is: its spec, its parameters and their defaults, its search space, its documentation.

    A plugin that cannot be used is described as far as it can be, with the reason.
    """
    spec, provider = plugin.spec, plugin.provider
    found: dict[str, Any] = {
        "name": plugin.name,
        "kind": plugin.kind,
        "description": spec.description if spec else "",
        "state": plugin.state,
        "reason": plugin.reason,
        "origin": provider.origin,
        "version": provider.version or "",
        "contract": _contract(plugin.kind),
        "requires": list(spec.requires) if spec else [],
        "spec": {},
        "params": [],
        "space": {},
        "documentation": "",
        "known_gaps": dict(spec.known_gaps) if spec else {},
        "use": "",
    }
    if spec is None:
        return found
    found["spec"] = _own(spec)
    found["space"] = {name: to_plain(one) for name, one in getattr(spec, "space", {}).items()}
    try:
        function = spec.resolve()
    except PluginError as e:
        return {**found, "reason": found["reason"] or str(e)}
    found["params"] = parameters_of(spec)
    found["documentation"] = inspect.getdoc(function) or ""
    found["use"] = _use(plugin, found["params"])
    if isinstance(spec, ModelSpec) and spec.pretrained is not None:
        found["spec"]["pretrained"] = _weights(spec)
    return found


def _weights(spec: ModelSpec) -> dict[str, Any] | str:
    """Return what weights a model begins with, or why they cannot be had."""
    try:
        weights = spec.begins_with({})
    except PluginError as e:
        return str(e)
    assert weights is not None
    return {name: value for name, value in asdict(weights).items() if value != ""}


def _contract(kind: str) -> str:
    """Return what a plugin of a kind is given, and what it gives."""
    if kind not in KINDS:  # of a file that is broken
        return ""
    return " ".join((inspect.getdoc(KINDS[kind]) or "").partition("\n\n")[0].split())


def to_plain(one: Distribution) -> dict[str, Any]:
    """Return what a parameter may be as plain data."""
    when = {"when": {name: list(values) for name, values in one.when.items()}} if one.when else {}
    if isinstance(one, Choice):
        return {"values": list(one.values), **when}
    return {"low": one.low, "high": one.high, "log": one.log, "whole": isinstance(one, Int), **when}


def _own(spec: Spec) -> dict[str, Any]:
    """Return what a spec says beyond the defaults of its kind."""
    told = {}
    for one in fields(spec):
        value = getattr(spec, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if one.name not in APART and value != default:
            told[one.name] = (
                list(value) if isinstance(value, tuple) else dict(value) if hasattr(value, "keys") else value
            )
    return told


def _use(plugin: Plugin, params: list[dict[str, Any]]) -> str:
    if plugin.kind == "recipe":
        return f"quorate run {plugin.name}"
    if plugin.kind not in _USE:
        return ""  # metrics are computed of every series, asked or not
    simple = [p for p in params if isinstance(p["default"], int | float | str) and not isinstance(p["default"], bool)]
    given = [f'{p["name"]} = "..."' for p in params if p["required"]]
    given = given or [f"{p['name']} = {as_toml(p['default'])}" for p in simple[:1]]
    options = ", ".join(given)
    used = _USE[plugin.kind].format(name=plugin.name, options=options)
    return used.replace("{  }", "{}").replace(",  }", " }")


def the_one(plugins: Iterable[Plugin], name: str, kind: str | None) -> Plugin:
    """Return the plugin of that name, and of that kind, if one is given.

    Raises
    ------
    RecipeError
        If there is none, with near misses; or if several kinds have that name.
    """
    if kind is not None and kind not in KINDS:
        raise RecipeError(f"--kind must be one of {one_of(KINDS)}; it was {kind!r}{near_misses(kind, KINDS)}")
    every = list(plugins)
    called = [plugin for plugin in every if plugin.name == name]
    found = [plugin for plugin in called if kind in (None, plugin.kind)]
    if len(found) == 1:
        return found[0]
    kinds = " and ".join(f"a {plugin.kind}" for plugin in called)
    if found:
        raise RecipeError(f"{name!r} is the name of {plural(len(found), 'plugin')}, {kinds}: say which with --kind")
    if called:
        raise RecipeError(f"there is no plugin {name!r} of kind {kind!r}; there is {kinds} of that name")
    of = f" of kind {kind!r}" if kind else ""
    near = near_misses(name, {plugin.name for plugin in every if kind in (None, plugin.kind)})
    raise RecipeError(f"there is no plugin {name!r}{of}{near or '; quorate plugins lists them'}")
