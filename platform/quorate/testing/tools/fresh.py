"""A plugin as it is in a new process: what one remembers shows beside it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

from quorate.plugins.hooks import HOOKS
from quorate.plugins.local import LocalSource, import_local
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec, Spec

MEMORY = (
    "it remembers an earlier call. Look for a cache by shape or length, a global, a mutable default or an attribute "
    "that is written, and compute from the arguments alone"
)
_loads = count(1)


def fresh(plugin: Plugin, text: str | None = None, names: Mapping[str, Any] = MappingProxyType({})) -> Plugin:
    """Return the plugin with its file loaded anew, or another text; as it is where it comes from no file.

    Its code finds `names` as if they were built in.
    """
    local = plugin.provider.local
    if local is None or plugin.spec is None:
        return plugin
    # Another text is another module, every time; a comment at the end moves no line.
    module = import_local(LocalSource(local.path, f"{text or local.text}\n# loaded anew: {next(_loads)}\n"), names)
    hook = next(name for name, kind in HOOKS.items() if kind == plugin.kind)
    found = [spec for spec in getattr(module, hook)() if spec.name == plugin.name]
    return (
        replace(plugin, spec=replace(as_asked(found[0], plugin.spec), params=plugin.spec.params)) if found else plugin
    )


def as_asked(spec: Spec, asked: Spec) -> Spec:
    """Return a spec that was loaded anew as the one that is asked: a model for the label of the same task."""
    if isinstance(spec, ModelSpec) and isinstance(asked, ModelSpec) and asked.task != "any":
        return replace(replace(spec, outputs=()).for_label(asked.task), outputs=asked.outputs)
    return spec


def text_of(plugin: Plugin) -> str:
    """Return the text of the plugin's module."""
    if plugin.provider.local is not None:
        return plugin.provider.local.text
    try:
        return inspect.getsource(sys.modules[plugin.provider.module])
    except (KeyError, OSError, TypeError):
        return ""
