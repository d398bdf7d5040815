"""The registry: every plugin that is installed or given, loud where pluggy is silent."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, overload

import pluggy

from quorate.errors import PluginError, RecipeError, near_misses, one_of, reason_of
from quorate.plugins import hooks
from quorate.plugins.guard import IMPORT_SECONDS, Overdue, stopped_after
from quorate.plugins.local import LocalSource, import_local, plugin_files
from quorate.plugins.provider import Plugin, Provider, Reference, ask, check_hooks
from quorate.plugins.specs import FeatureSpec, Spec
from quorate.plugins.specs.preparing import AT

S = TypeVar("S", bound=Spec)
ENTRY_POINT_GROUP = "quorate"
OWN = "quorate"
FOLDERS = "QUORATE_PLUGINS"
LIMIT = "QUORATE_LOAD_PLUGINS"
LONGER = "execution.import_seconds"
_EXTRA = re.compile(r"""(?P<name>[\w.-]+).*;\s*extra\s*==\s*['"](?P<extra>[\w-]+)['"]""")


class Registry:
    """Plugins by kind and name.

    Nothing is shared between registries, and a registry never travels: workers are given
    references (`reference`) and load just what they need.
    """

    def __init__(self, seconds: float = IMPORT_SECONDS) -> None:
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks.Hooks)
        self._plugins: dict[tuple[str, str], Plugin] = {}
        self._at: dict[str, FeatureSpec] = {}
        self._broken: list[Plugin] = []
        self._limit = _Limit(None)
        self._seconds = seconds

    @classmethod
    def load(cls, given: Iterable[Any] = (), environment: bool = True, seconds: float = IMPORT_SECONDS) -> Registry:
        """Return a registry of all installed plugins and those that are given.

        Parameters
        ----------
        given : iterable
            Plugin files, folders of them, specs, or objects whose attributes are hook implementations.
        environment : bool
            Whether ``QUORATE_PLUGINS`` (files and folders) is read. ``QUORATE_LOAD_PLUGINS`` limits which
            installed distributions and which of these files are loaded; empty, none but the built-ins. What
            is given is asked for, and not limited.
        seconds : float
            That each may take to be imported.

        Raises
        ------
        PluginError
            If a given file is not a valid plugin. One that is installed or lies in a folder is listed as
            broken.
        """
        registry = cls(seconds)
        limit = registry._limit = _Limit(os.environ.get(LIMIT))
        for provider in _offered():
            if provider.distribution == OWN or limit.allows(provider.distribution or "", provider.name):
                registry._load_entry_point(provider)
        if environment:
            for path in filter(None, os.environ.get(FOLDERS, "").split(os.pathsep)):
                registry._add_found(Path(path), limit)
            limit.check()
        for one in given:
            registry.add(one)
        return registry

    def add(self, one: Any) -> None:
        """Add what the caller gives: a file, a folder, a spec, or an object with hooks."""
        if not isinstance(one, str | os.PathLike):
            self.add_inline(one)
        elif not str(one):
            raise RecipeError("the name of a plugin file is empty")
        elif os.path.isdir(one):  # of a name that no file can have it says no
            if not self._add_found(Path(one), _Limit(None)):
                raise RecipeError(f"the plugin folder {one} holds no plugin file (*.py)")
        else:
            self.add_local(LocalSource.read(Path(one)), given=True)

    def _add_found(self, path: Path, limit: _Limit) -> int:
        """Load a file, or those of a folder, for whoever names their plugins; return how many there are.

        One that is broken harms nobody else.
        """
        files = plugin_files(path) if path.is_dir() else [path]
        for file in files:
            if not limit.allows(file.stem):
                continue
            try:
                self.add_local(LocalSource.read(file))
            except (PluginError, RecipeError) as e:
                provider = Provider(file.name, None, None, str(file))
                self._broken.append(Plugin("-", file.stem, None, provider, "broken", str(e)))
        return len(files)

    def _load_entry_point(self, provider: Provider) -> None:
        try:
            with self._in_time(f"{provider}"):
                self._register(importlib.import_module(provider.module), provider)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # whatever a foreign module does on import must not stop the others
            reason = str(e) if isinstance(e, PluginError) else reason_of(e)
            self._broken.append(Plugin("-", provider.name, None, provider, "broken", reason))

    def add_local(self, source: LocalSource, given: bool = False) -> None:
        """Load a single-file plugin from its text; the same text is loaded once, however often it is given."""
        provider = Provider(source.path.name, None, None, source.module_name, source, given=given)
        with self._in_time(f"the plugin file {source.path}"):
            module = import_local(source)
            if new := not self._manager.is_registered(module):
                self._register(module, provider)
        if not new and given:
            for key, plugin in self._plugins.items():
                if plugin.provider.module == provider.module:
                    self._plugins[key] = replace(plugin, provider=provider)

    def add_inline(self, one: Any, name: str = "inline") -> None:
        """Register a spec, or an object whose attributes are hook implementations.

        Its models are fitted in the calling process: no other could find it.
        """
        provider = Provider(name, None, None, getattr(one, "__name__", type(one).__name__), inline=one, given=True)
        if isinstance(one, Spec):
            self._add(one, replace(provider, name=one.name))
        else:
            self._register(one, provider)

    def add_of_recipe(self, spec: Spec, given: bool) -> None:
        """Register what a recipe offers by itself, such as the features of its covariates; once is enough."""
        version = importlib.metadata.version(OWN)
        own = Provider("recipe", OWN, version, "quorate.recipe.covariates", given=given)
        known = self._plugins.get((spec.kind, spec.name))
        if known is None or known.provider != own or known.spec != spec:
            self._add(spec, own)

    @contextmanager
    def _in_time(self, what: str) -> Iterator[None]:
        """Stop an import, and the hooks that are asked after it, when it takes too long."""
        try:
            with stopped_after(self._seconds):
                yield
        except Overdue as e:
            raise PluginError(f"{what} did not finish importing within {self._seconds:g} s ({LONGER})") from e

    def _register(self, module: Any, provider: Provider) -> None:
        check_hooks(module, provider)
        try:
            self._manager.register(module, name=f"{provider.module}#{len(self._manager.get_plugins())}")
        except pluggy.PluginValidationError as e:
            raise PluginError(f"{provider}: a hook takes no arguments: {str(e).splitlines()[-1].strip()}") from e
        offered: list[Spec] = []
        try:
            for hook, kind in hooks.HOOKS.items():
                for impl in getattr(self._manager.hook, hook).get_hookimpls():
                    if impl.plugin is module:
                        offered += ask(impl.function, hook, kind, provider)
        except PluginError:
            self._manager.unregister(module)  # so that it is asked again where the file is given later
            raise
        for spec in offered:
            self._add(spec, provider)

    def _add(self, spec: Spec, provider: Provider) -> None:
        key = (spec.kind, spec.name)
        object.__setattr__(spec, "provider", provider)
        plugin = Plugin(spec.kind, spec.name, spec, provider)
        missing = [need for need in spec.requires if not _installed(need)]
        if missing:
            needs = " and ".join(m.replace("|", " or ") for m in missing)
            reason = f"needs {needs}, which is not installed{_extras(provider.distribution, missing)}"
            plugin = replace(plugin, state="disabled", reason=reason)
        first = self._plugins.get(key)
        if first is not None:
            others = first.reason if first.state == "conflict" else f"provided by both {first.provider}"
            twice = first.state != "conflict" and first.provider == provider
            reason = f"provided twice by {provider}" if twice else f"{others} and {provider}"
            plugin = replace(first, state="conflict", reason=reason, rivals=(*first.rivals, provider))
        self._plugins[key] = plugin

    def __iter__(self) -> Iterator[Plugin]:
        """Iterate over all plugins, then the providers that could not be loaded."""
        yield from self._plugins.values()
        yield from self._broken

    def names(self, kind: str) -> list[str]:
        """Return the usable plugins of a kind, in the order they were provided."""
        return [p.name for p in self._plugins.values() if p.kind == kind and p.state == "ok"]

    def given(self, kind: str) -> list[str]:
        """Return the usable plugins of a kind that were given for this run: giving them is asking for them."""
        return [n for n in self.names(kind) if self.find(kind, n).provider.given]

    def at_hand(self, kind: str) -> list[str]:
        """Return the usable plugins of a kind that are installed or given: not what merely lies in a folder."""
        providers = {n: self.find(kind, n).provider for n in self.names(kind)}
        return [n for n, provider in providers.items() if provider.given or provider.local is None]

    def find(self, kind: str, name: str) -> Plugin:
        """Return the plugin, whatever its state; of a feature also by its name at a frequency.

        Raises
        ------
        PluginError
            If there is none: names the near misses, and providers that could not be loaded.
        """
        base = name.partition(AT)[0] if kind == FeatureSpec.kind else name
        try:
            return self._plugins[kind, base]
        except KeyError:
            known = self.names(kind)
            message = f"unknown {kind} {name!r}: it must be one of {one_of(known)}{near_misses(name, known)}"
            for broken in self._broken:
                message += f"\n  broken plugin {broken.provider}: {broken.reason}"
            if self._limit.left_out:
                message += f"\n  {LIMIT} leaves out {one_of(set(self._limit.left_out))}"
            raise PluginError(message) from None

    @overload
    def get(self, kind: type[S], name: str) -> S: ...
    @overload
    def get(self, kind: str, name: str) -> Spec: ...
    def get(self, kind: type[Spec] | str, name: str) -> Spec:
        """Return the spec of a usable plugin, its kind given as a word or as the class of its specs.

        Raises
        ------
        PluginError
            If there is none, or with the reason why it cannot be used.
        """
        plugin = self.find(kind if isinstance(kind, str) else kind.kind, name)
        if plugin.state != "ok" or plugin.spec is None:
            raise PluginError(f"{plugin.kind} {name!r} is not usable: {plugin.reason}")
        if isinstance(plugin.spec, FeatureSpec) and name != plugin.name:
            if name not in self._at:
                self._at[name] = plugin.spec.at(name.partition(AT)[2])
            return self._at[name]
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


def reference(registry: Registry, kind: str, name: str) -> Reference:
    """Return what a worker needs to load this plugin."""
    provider = registry.find(kind, name).provider
    return Reference(
        kind, name, provider.module, provider.local, provider.inline, provider.distribution, provider.version
    )


class _Limit:
    """The plugins that ``QUORATE_LOAD_PLUGINS`` allows: distributions, entry points, or file names."""

    def __init__(self, text: str | None) -> None:
        self._wanted = None if text is None else {_normal(n) for n in text.split(",") if n.strip()}
        self._known: set[str] = set()
        self.left_out: list[str] = []

    def allows(self, *names: str) -> bool:
        """Whether something is loaded that has these names."""
        known = {_normal(name) for name in names if name}
        self._known |= known
        allowed = self._wanted is None or bool(self._wanted & known)
        if not allowed:
            self.left_out.append(next(filter(None, names)))
        return allowed

    def check(self) -> None:
        """Raise, if a name was wanted that nothing has: a misspelt one must not look like a plugin that is off."""
        for name in sorted((self._wanted or set()) - self._known - {OWN}):
            raise PluginError(
                f"{LIMIT} names {name!r}, which is neither installed nor in {FOLDERS}: it must be among "
                f"{one_of(self._known)}{near_misses(name, self._known)}"
            )


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _offered() -> list[Provider]:
    """Return what installed distributions offer, our own first."""
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    # A distribution reads its metadata whenever it is asked: each is asked once, however many points it has.
    facts = {dist: (dist.name, dist.version) for dist in {p.dist for p in points} if dist}
    found = []
    for point in points:
        distribution, version = facts[point.dist] if point.dist else (None, None)
        found.append(Provider(point.name, distribution, version, point.value))
    return sorted(found, key=lambda p: (p.distribution != OWN, p.module, p.name))


def _installed(requirement: str) -> bool:
    return any(_has_distribution(name.strip()) for name in requirement.split("|"))


def _extras(distribution: str | None, missing: Iterable[str]) -> str:
    """Return how to install what is missing, where extras of the plugin's own distribution have it."""
    if not distribution or not _has_distribution(distribution):
        return ""
    declared = [found for line in importlib.metadata.requires(distribution) or [] if (found := _EXTRA.match(line))]
    having = {found["name"].lower(): found["extra"] for found in declared if found["extra"] != "dev"}
    extras = [having.get(need.partition("|")[0].strip().lower(), "") for need in missing]
    return f": pip install '{distribution}[{','.join(dict.fromkeys(extras))}]'" if all(extras) else ""


def _has_distribution(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)  # its version would be parsed out of all its metadata
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
