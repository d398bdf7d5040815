"""The registry: every plugin that is installed or given, loud where pluggy is silent."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from quorate import hooks, modules
from quorate.errors import PluginError, near_misses, one_of
from quorate.specs import KINDS, Spec

ENTRY_POINT_GROUP = "quorate"


@dataclass(frozen=True)
class Provider:
    """Where plugins came from.

    Parameters
    ----------
    name : str
        Entry point or file name.
    distribution, version : str or None
        The installed package; None for a local file.
    module : str
        Import name, for a local file a private one.
    local : LocalSource or None
        The file's text, which is what travels to workers and into a run.
    """

    name: str
    distribution: str | None
    version: str | None
    module: str
    local: modules.LocalSource | None = None

    def __str__(self) -> str:
        if self.local is not None:
            return str(self.local.path)
        return f"{self.distribution} {self.version} ({self.module})"


@dataclass(frozen=True)
class Plugin:
    """One spec, its provider and its state: ``ok``, ``disabled``, ``conflict`` or ``broken``."""

    kind: str
    name: str
    spec: Spec | None
    provider: Provider
    state: str = "ok"
    reason: str = ""


class Registry:
    """Plugins by kind and name.

    Nothing is shared between registries, and a registry never travels: workers are given
    references (`reference`) and load just what they need.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks.Hooks)
        self._plugins: dict[tuple[str, str], Plugin] = {}
        self._broken: list[Plugin] = []

    @classmethod
    def load(cls, files: Iterable[str | Path] = ()) -> Registry:
        """Return a registry of all installed plugins and those in `files`.

        Raises
        ------
        PluginError
            If a file is not a valid plugin. An installed plugin that fails is listed as broken.
        """
        registry = cls()
        for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=_own_first):
            registry._load_entry_point(point)
        for path in files:
            registry.add_local(modules.LocalSource.read(Path(path)))
        return registry

    def _load_entry_point(self, point: importlib.metadata.EntryPoint) -> None:
        dist = point.dist
        provider = Provider(point.name, dist.name if dist else None, dist.version if dist else None, point.value)
        try:
            self._register(importlib.import_module(point.value), provider)
        except (Exception, SystemExit) as e:  # whatever a foreign module does on import must not stop the others
            reason = str(e) if isinstance(e, PluginError) else f"{type(e).__name__}: {e}"
            self._broken.append(Plugin("-", point.name, None, provider, "broken", reason))

    def add_local(self, source: modules.LocalSource) -> None:
        """Load a single-file plugin from its text; the same text is loaded once, however often it is given."""
        module = modules.import_local(source)
        if not self._manager.is_registered(module):
            self._register(module, Provider(source.path.name, None, None, source.module_name, source))

    def add_module(self, module: ModuleType | Any, name: str = "inline") -> None:
        """Register an object whose attributes are hook implementations.

        Good for everything but models: fits load theirs by module or file, wherever they run.
        """
        self._register(module, Provider(name, None, None, getattr(module, "__name__", name)))

    def _register(self, module: Any, provider: Provider) -> None:
        _check_hooks(module, provider)
        try:
            self._manager.register(module, name=f"{provider.module}#{len(self._manager.get_plugins())}")
        except pluggy.PluginValidationError as e:
            raise PluginError(f"{provider}: a hook takes no arguments: {str(e).splitlines()[-1].strip()}") from e
        offered: list[Spec] = []
        for hook, kind in hooks.HOOKS.items():
            for impl in getattr(self._manager.hook, hook).get_hookimpls():
                if impl.plugin is module:
                    offered += _specs(impl.function, hook, kind, provider)
        for spec in offered:
            self._add(spec, provider)

    def _add(self, spec: Spec, provider: Provider) -> None:
        key = (spec.kind, spec.name)
        plugin = Plugin(spec.kind, spec.name, spec, provider)
        missing = [need for need in spec.requires if not _installed(need)]
        if missing:
            needs = " and ".join(m.replace("|", " or ") for m in missing)
            plugin = replace(plugin, state="disabled", reason=f"needs {needs}, which is not installed")
        first = self._plugins.get(key)
        if first is not None:
            others = first.reason if first.state == "conflict" else f"provided by both {first.provider}"
            reason = f"{others} and {provider}"
            plugin = replace(first, state="conflict", reason=reason)
        self._plugins[key] = plugin

    def __iter__(self) -> Iterator[Plugin]:
        """Iterate over all plugins, then the providers that could not be loaded."""
        yield from self._plugins.values()
        yield from self._broken

    def names(self, kind: str) -> list[str]:
        """Return the usable plugins of a kind, in the order they were provided."""
        return [p.name for p in self._plugins.values() if p.kind == kind and p.state == "ok"]

    def offered_by_files(self, kind: str) -> list[str]:
        """Return the usable plugins of a kind that came from local files."""
        return [n for n in self.names(kind) if self.find(kind, n).provider.local is not None]

    def find(self, kind: str, name: str) -> Plugin:
        """Return the plugin, whatever its state.

        Raises
        ------
        PluginError
            If there is none: names the near misses, and providers that could not be loaded.
        """
        try:
            return self._plugins[kind, name]
        except KeyError:
            known = self.names(kind)
            message = f"unknown {kind} {name!r}: it must be one of {one_of(known)}{near_misses(name, known)}"
            for broken in self._broken:
                message += f"\n  broken plugin {broken.provider}: {broken.reason}"
            raise PluginError(message) from None

    def get(self, kind: str, name: str) -> Spec:
        """Return the spec of a usable plugin, or raise `PluginError` with the reason."""
        plugin = self.find(kind, name)
        if plugin.state != "ok" or plugin.spec is None:
            raise PluginError(f"{kind} {name!r} is not usable: {plugin.reason}")
        return plugin.spec

    def check(self) -> None:
        """Raise `PluginError` if any name is provided twice: which one runs must never be a matter of luck."""
        for plugin in self._plugins.values():
            if plugin.state == "conflict":
                raise PluginError(f"{plugin.kind} {plugin.name!r} is {plugin.reason}: rename or uninstall one")

    @property
    def broken(self) -> list[Plugin]:
        """Installed providers that could not be loaded."""
        return list(self._broken)


def reference(registry: Registry, kind: str, name: str) -> tuple[str, str, str, modules.LocalSource | None]:
    """Return what a worker needs to load this plugin: kind, name, module and, for a file, its text."""
    plugin = registry.find(kind, name)
    return kind, name, plugin.provider.module, plugin.provider.local


def load_reference(ref: tuple[str, str, str, modules.LocalSource | None]) -> Spec:
    """Load one plugin from its reference, in any process."""
    kind, name, module_name, local = ref
    module = modules.import_local(local) if local is not None else importlib.import_module(module_name)
    hook = next(h for h, k in hooks.HOOKS.items() if k == kind)
    for spec in getattr(module, hook)():
        if spec.name == name:
            return spec  # type: ignore[no-any-return]
    raise PluginError(f"{module_name} no longer provides {kind} {name!r}")


def _own_first(point: importlib.metadata.EntryPoint) -> tuple[bool, str, str]:
    return (not point.value.startswith("quorate_"), point.value, point.name)


def _check_hooks(module: Any, provider: Provider) -> None:
    found = False
    for name in dir(module):
        function = getattr(module, name)
        marked = hasattr(function, f"{hooks.PROJECT}_impl")
        if not marked and not (name.startswith("quorate_") and callable(function) and _defined_in(module, function)):
            continue
        if name not in hooks.HOOKS:
            raise PluginError(
                f"{provider}: there is no hook {name!r}: it must be one of {one_of(hooks.HOOKS)}"
                f"{near_misses(name, hooks.HOOKS)}"
            )
        if not marked:
            raise PluginError(f"{provider}: {name} is not marked: put @quorate.hookimpl above it")
        found = True
    if not found:
        raise PluginError(
            f"{provider}: no hook is implemented: a plugin defines at least one of {one_of(hooks.HOOKS)}, "
            "marked with @quorate.hookimpl"
        )


def _defined_in(module: Any, function: Any) -> bool:
    return getattr(function, "__module__", None) == getattr(module, "__name__", None)


def _specs(function: Any, hook: str, kind: str, provider: Provider) -> list[Spec]:
    try:
        result = function()
        specs = list(result) if isinstance(result, Iterable) else []
    except Exception as e:  # a hook is foreign code
        reason = str(e) if isinstance(e, PluginError) else f"{type(e).__name__}: {e}"
        raise PluginError(f"{provider}: {hook} failed{modules.line_in(e, provider.local)}: {reason}") from e
    if isinstance(result, Spec) or result is None or not isinstance(result, Iterable):
        raise PluginError(f"{provider}: {hook} must yield specs; it returned {type(result).__name__}: use yield")
    for spec in specs:
        if not isinstance(spec, KINDS[kind]):
            raise PluginError(f"{provider}: {hook} must yield {KINDS[kind].__name__}; it yielded {type(spec).__name__}")
    return specs


def _installed(requirement: str) -> bool:
    return any(_has_distribution(name.strip()) for name in requirement.split("|"))


def _has_distribution(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
