"""A plugin as it is in a new process: what one remembers shows beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from quorate.plugins.hooks import HOOKS
from quorate.plugins.local import LocalSource, import_local
from quorate.plugins.provider import Plugin

MEMORY = (
    "it remembers an earlier call. Look for a cache by shape or length, a global, a mutable default or an attribute "
    "that is written, and compute from the arguments alone"
)
_loads = count(1)


def fresh(plugin: Plugin) -> Plugin:
    """Return the plugin with its file loaded anew; as it is where it comes from no file."""
    local = plugin.provider.local
    if local is None or plugin.spec is None:
        return plugin
    # Another text is another module, every time; a comment at the end moves no line.
    module = import_local(LocalSource(local.path, f"{local.text}\n# loaded anew: {next(_loads)}\n"))
    hook = next(name for name, kind in HOOKS.items() if kind == plugin.kind)
    found = [spec for spec in getattr(module, hook)() if spec.name == plugin.name]
    return replace(plugin, spec=replace(found[0], params=plugin.spec.params)) if found else plugin
