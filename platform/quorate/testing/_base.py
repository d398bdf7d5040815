"""What a rule is: a function that takes a plugin and raises where the plugin breaks it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from quorate.errors import PluginError
from quorate.plugins.calling import without_foreign_options
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
    of : tuple of str
        Of a rule for plugins of many kinds: which ones; empty: all.
    root : bool
        All rules of the kind rest on it, too.
    shared : bool
        It is one for plugins of many kinds.
    """

    kind: str
    name: str
    check: Check = field(repr=False)
    causal: bool = False
    after: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    root: bool = False
    shared: bool = False

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
        if not isinstance(spec, ModelSpec) or (spec.task != "any" and isinstance(spec.outputs, tuple)):
            return self.check(plugin)
        params = default_options(plugin)
        if spec.task != "any":
            return self.check(replace(plugin, spec=spec.for_label(spec.task, params)))
        remarks, silent = [], []
        for task, label in _LABELS:
            try:
                remark = self.check(replace(plugin, spec=spec.for_label(task, params)))
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


def of_kinds(*kinds: str) -> Callable[[Check], Check]:
    """Mark a rule of any plugin that holds for these kinds only."""

    def mark(check: Check) -> Check:
        check.of = kinds  # type: ignore[attr-defined]
        return check

    return mark


def root(check: Check) -> Check:
    """Mark a rule of any plugin without which those of its kind say nothing, but those that it rests on itself."""
    check.root = True  # type: ignore[attr-defined]
    return check


def rules_in(module: ModuleType, kind: str) -> Iterator[Rule]:
    """Yield a rule for every ``check_<kind>_<name>`` of a module, in the order they are written."""
    prefix = f"check_{kind}_"
    for name, function in vars(module).items():
        if name.startswith(prefix) and inspect.isfunction(function) and function.__module__ == module.__name__:
            rule = name.removeprefix(prefix).replace("_", "-")
            marks = {
                mark: getattr(function, mark) for mark in ("causal", "after", "of", "root") if hasattr(function, mark)
            }
            yield Rule(kind, rule, function, **marks)


@cache
def rules(kind: str) -> tuple[Rule, ...]:
    """Return the rules of a kind: those of any plugin, then its own, in the order they are written."""
    names = [info.name for info in iter_modules(import_module("quorate.testing.checks").__path__)]

    def of(start: str, prefix: str) -> Iterator[Rule]:
        for name in names:
            if name.startswith(start):
                yield from rules_in(import_module(f"quorate.testing.checks.{name}"), prefix)

    found = [
        replace(rule, kind=kind, shared=True) for rule in of("plugins", "plugin") if not rule.of or kind in rule.of
    ]
    roots = [rule for rule in found if rule.root]
    for rule in of(kind.removesuffix("y"), kind):  # what other kinds need is not imported
        rests = (one.name for one in roots if rule.name not in one.after)
        found.append(replace(rule, after=(*rule.after, *rests)))
    known = {rule.name for rule in found}
    return tuple(replace(rule, after=tuple(name for name in rule.after if name in known)) for rule in found)


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
        told = explain(e, plugin)
        if plugin.kind == "source":
            told = without_foreign_options(plugin.spec, told)
        raise Violation(f"it raised {told}") from e


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

    return f"{type(error).__name__}: {brief(error)}{line_in(error, plugin.provider.local)}{meaning(error)}"


# What libraries say where they mean something else, and what it comes from.
_MEANINGS = (
    (
        "SVD did not converge|infs or NaNs|contains (?:NaN|infinity)|Array must not contain",
        "what it was given there holds NaN or infinity, mostly from a division by zero or a logarithm: look at what is "
        "computed before that line, and guard it (np.isfinite)",
    ),
    (
        "Singular matrix|not positive definite|singular",
        "two columns say the same, or one never varies, so that the equations have no single answer: add a small "
        "multiple of the identity, or use np.linalg.lstsq or pinv",
    ),
    (
        "zero-size array|empty sequence|arg is an empty|iterable argument is empty|0 sample|out of bounds for axis 0 "
        "with size 0|list index out of range|Mean of empty",
        "nothing was left there to compute from: answer the empty case by itself (if len(values) == 0)",
    ),
    ("No such file or directory", "a run is started from any folder: find files by Path(__file__).parent"),
    ("cannot convert float (?:NaN|infinity)", "a figure is undefined there: ask math.isfinite before it becomes whole"),
    ("division by zero|divide by zero", "a denominator can be zero, where all values are equal or nothing is left"),
    ("could not be broadcast", "two arrays of different lengths meet there: a length or a number is taken for fixed"),
    (
        "unsupported operand type.*NoneType|NoneType' object",
        "a function or a table gave None there, as dict.get does for what it does not know",
    ),
)


def meaning(error: BaseException) -> str:
    """Return what a library's bare message comes from, or nothing."""
    said = f"{error}"
    found = next((told for words, told in _MEANINGS if re.search(words, said)), "")
    return f" ({found})" if found else ""


def brief(error: BaseException | None) -> str:
    """Return the first line of what an error says: libraries add advice that does not fit here."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0] if len(lines[0]) <= 300 else lines[0][:300] + " ..."
