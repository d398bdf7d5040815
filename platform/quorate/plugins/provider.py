"""Where plugins come from, and how their hooks are asked."""

from __future__ import annotations

import importlib
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from quorate.errors import PluginError, near_misses, one_of, reason_of
from quorate.plugins import hooks
from quorate.plugins.guard import Overdue
from quorate.plugins.local import LocalSource, import_local, line_in
from quorate.plugins.specs import KINDS, Spec

TRACE = "QUORATE_TRACE_PLUGINS"


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
    inline : object or None
        A spec, or an object with hooks, that the caller passed.
    given : bool
        It was given for this very run, not merely found: its models, features and gates join.
    """

    name: str
    distribution: str | None
    version: str | None
    module: str
    local: LocalSource | None = None
    inline: Any = None
    given: bool = False

    @property
    def origin(self) -> str:
        """File, or distribution and module."""
        if self.local is not None:
            return str(self.local.path)
        if self.inline is not None:
            return "inline"
        return f"{self.distribution}: {self.module}" if self.distribution else self.module

    def __str__(self) -> str:
        if self.inline is not None:
            return f"inline plugin {self.name!r}"
        if self.local is not None:
            return str(self.local.path)
        return f"{self.distribution} {self.version} ({self.module})" if self.distribution else self.module


@dataclass(frozen=True)
class Plugin:
    """One spec, its provider and its state: ``ok``, ``disabled``, ``conflict`` or ``broken``.

    In a conflict, `rivals` are the others that provide the same name.
    """

    kind: str
    name: str
    spec: Spec | None
    provider: Provider
    state: str = "ok"
    reason: str = ""
    rivals: tuple[Provider, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What a worker needs to load one plugin: names, and for a file its text.

    An inline plugin has no name by which another process could find it: it travels nowhere.
    """

    kind: str
    name: str
    module: str
    local: LocalSource | None = None
    inline: Any = None
    distribution: str | None = None
    version: str | None = None


def load_reference(ref: Reference) -> Spec:
    """Load one plugin from its reference, in any process; a module is asked once."""
    if isinstance(ref.inline, Spec):
        return ref.inline
    if ref.inline is not None:
        return _find(ref.inline, ref)
    module = import_local(ref.local) if ref.local is not None else importlib.import_module(ref.module)
    known = _asked.setdefault(module, {})
    if (ref.kind, ref.name) not in known:
        known[ref.kind, ref.name] = _find(module, ref)
    return known[ref.kind, ref.name]


_asked: WeakKeyDictionary[ModuleType, dict[tuple[str, str], Spec]] = WeakKeyDictionary()


def _find(module: Any, ref: Reference) -> Spec:
    hook = next(h for h, k in hooks.HOOKS.items() if k == ref.kind)
    for spec in getattr(module, hook)():
        if spec.name == ref.name:
            return spec  # type: ignore[no-any-return]
    raise PluginError(f"{ref.module} no longer provides {ref.kind} {ref.name!r}")


def check_hooks(module: Any, provider: Provider) -> None:
    """Raise `PluginError`, if a module implements no hook, misspells one, or forgot to mark it."""
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


def _fields(error: BaseException) -> str:
    """Return what a spec can be given, where that is what its constructor complains of."""
    told = re.match(r"(\w+)\.__init__\(\) .*argument", str(error)) if isinstance(error, TypeError) else None
    spec = next((k for k in KINDS.values() if told and k.__name__ == told[1]), None)
    if spec is None:
        return ""
    known = [f.name for f in fields(spec) if f.init]
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    return f": its fields are {one_of(known)}{near_misses(unknown[1], known) if unknown else ''}"


def ask(function: Any, hook: str, kind: str, provider: Provider) -> list[Spec]:
    """Call a plugin's hook and return the specs it yields.

    Raises
    ------
    PluginError
        If it fails, or yields something else.
    """
    start = time.perf_counter()
    try:
        result = function()
        specs = list(result) if isinstance(result, Iterable) else []
    except (KeyboardInterrupt, Overdue):
        raise
    except BaseException as e:  # a hook is foreign code
        reason = str(e) if isinstance(e, PluginError) else f"{reason_of(e)}{_fields(e)}"
        raise PluginError(f"{provider}: {hook} failed{line_in(e, provider.local)}: {reason}") from e
    if isinstance(result, Spec) or result is None or not isinstance(result, Iterable):
        raise PluginError(f"{provider}: {hook} must yield specs; it returned {type(result).__name__}: use yield")
    for spec in specs:
        if not isinstance(spec, KINDS[kind]):
            raise PluginError(f"{provider}: {hook} must yield {KINDS[kind].__name__}; it yielded {type(spec).__name__}")
    if os.environ.get(TRACE, "0") not in ("", "0"):
        names = ", ".join(spec.name for spec in specs)
        print(f"{hook} of {provider}: {names} ({(time.perf_counter() - start) * 1e3:.1f} ms)", file=sys.stderr)
    return specs
