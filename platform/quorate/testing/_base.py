"""What a rule is: a function that takes a plugin and raises where the plugin breaks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from quorate.errors import PluginError
from quorate.plugins.options import resolve_options
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec, Task

Check = Callable[[Plugin], str | None]
_LABELS: tuple[tuple[Task, str], ...] = (
    ("classification", "with a label of 0 and 1"),
    ("regression", "with a label that is a number"),
)


class Violation(AssertionError):
    """A plugin breaks a rule.

    Parameters
    ----------
    message : str
        What was found, on what, what it must be, and how to put it right.
    example : mapping
        The smallest counter-example: e.g. ``bar``, ``symbol``, ``expected`` and ``found``.
    """

    def __init__(self, message: str, **example: Any) -> None:
        super().__init__(message)
        self.message = message
        self.example: Mapping[str, Any] = example


class NotApplicable(Exception):
    """The rule says nothing about this plugin; the text says why."""


@dataclass(frozen=True)
class Rule:
    """One rule of the contract.

    Parameters
    ----------
    kind, name : str
        The plugin kind it holds for, and its id, e.g. ``prefix-invariant``.
    check : callable
        Takes a `Plugin`; raises `Violation` or `NotApplicable`, and may return a remark.
    causal : bool
        It concerns the future: ``known_gaps`` cannot excuse it.
    after : tuple of str
        Rules without which it says nothing: what breaks them breaks it too.
    """

    kind: str
    name: str
    check: Check = field(repr=False)
    causal: bool = False
    after: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.check) or "").splitlines()[0]

    @property
    def id(self) -> str:
        """``kind-name``, for pytest."""
        return f"{self.kind}-{self.name}"

    def ask(self, plugin: Plugin) -> str | None:
        """Ask it of a plugin as `check` does; a model for any task is asked twice, and both must keep it."""
        spec = plugin.spec
        if not (isinstance(spec, ModelSpec) and spec.task == "any"):
            return self.check(plugin)
        remarks, silent = [], []
        for task, label in _LABELS:
            try:
                remark = self.check(replace(plugin, spec=spec.for_label(task)))
            except NotApplicable as e:
                silent.append(str(e))
            except Violation as e:
                raise Violation(f"{label}: {e.message}", **e.example) from e.__cause__
            else:
                remarks.append(f"{label}: {remark}" if remark else "")
        if not remarks:
            raise NotApplicable(silent[0])
        return "; ".join(filter(None, remarks)) or None


def causal(check: Check) -> Check:
    """Mark a rule that no known gap excuses: it keeps the future out."""
    check.causal = True  # type: ignore[attr-defined]
    return check


def after(*names: str) -> Callable[[Check], Check]:
    """Mark a rule that says nothing as long as one of these is broken."""

    def mark(check: Check) -> Check:
        check.after = names  # type: ignore[attr-defined]
        return check

    return mark


def rules_in(module: ModuleType, kind: str) -> Iterator[Rule]:
    """Yield a rule for every ``check_<kind>_<name>`` of a module, in the order they are written."""
    prefix = f"check_{kind}_"
    for name, function in vars(module).items():
        if name.startswith(prefix) and inspect.isfunction(function) and function.__module__ == module.__name__:
            rule = name.removeprefix(prefix).replace("_", "-")
            yield Rule(kind, rule, function, getattr(function, "causal", False), getattr(function, "after", ()))


@cache
def rules(kind: str) -> tuple[Rule, ...]:
    """Return the rules of a kind: those of any plugin, then its own, in the order they are written."""
    package = import_module("quorate.testing.checks")
    modules = {info.name: import_module(f"{package.__name__}.{info.name}") for info in iter_modules(package.__path__)}
    found = [replace(rule, kind=kind) for rule in rules_in(modules.pop("plugins"), "plugin")]
    return (*found, *(rule for module in modules.values() for rule in rules_in(module, kind)))


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


def call(plugin: Plugin, *arguments: Any, **more: Any) -> Any:
    """Call the plugin's function with its default options.

    Raises
    ------
    Violation
        If it raises: whatever a sound input makes a plugin raise is its fault.
    """
    assert plugin.spec is not None
    options = {**default_options(plugin), **more}
    try:
        return plugin.spec.resolve()(*arguments, **options)
    except NotApplicable:
        raise
    except Exception as e:
        raise Violation(f"it raised {explain(e, plugin)}") from e


def default_options(plugin: Plugin) -> dict[str, Any]:
    """Return the options that a run would pass without a word in the recipe."""
    assert plugin.spec is not None
    if plugin.kind == "feature":
        return dict(plugin.spec.params)
    try:
        return resolve_options(plugin.spec, {}, plugin.name)
    except PluginError:
        raise
    except Exception as e:  # an option without a default, which a recipe has to give
        raise NotApplicable(str(e)) from e


def explain(error: BaseException, plugin: Plugin) -> str:
    """Return an error with its type, and the line of the plugin's file where it arose."""
    from quorate.plugins.local import line_in

    return f"{type(error).__name__}: {brief(error)}{line_in(error, plugin.provider.local)}"


def brief(error: BaseException | None) -> str:
    """Return the first line of what an error says: libraries add advice that does not fit here."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0] if len(lines[0]) <= 300 else lines[0][:300] + " ..."
