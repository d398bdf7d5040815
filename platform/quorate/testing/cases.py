"""The rules as pytest tests: one id per plugin and rule, or a class of tests to inherit from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs import Spec
from quorate.testing._base import NotApplicable, Rule
from quorate.testing.runner import ask, rules

Target = str | Path | Spec


def plugins_of(target: Any) -> list[Plugin]:
    """Return the usable plugins of a file, a spec, an object with hooks, a distribution, or of a name.

    Raises
    ------
    PluginError, RecipeError
        If it cannot be loaded, or there is nothing of that name.
    """
    from quorate.testing._targets import offered

    if isinstance(target, str | Path):
        return offered(str(target))
    registry = Registry()
    registry.add_inline(target)
    return [plugin for plugin in registry if plugin.state == "ok"]


def keep(rule: Rule, plugin: Plugin) -> None:
    """Ask a rule within a test: fails it, skips it, or marks it as an expected failure."""
    assert plugin.spec is not None
    try:
        rule.ask(plugin)
    except NotApplicable as e:
        pytest.skip(str(e))
    except AssertionError as e:
        root = next((name for name in rule.after if _broken(plugin, name)), "")
        if root:
            pytest.skip(f"it says nothing as long as {root!r} is broken")
        gap = plugin.spec.known_gaps.get(rule.name)
        if gap and not rule.causal:
            pytest.xfail(f"{gap} ({e})")
        raise


def _broken(plugin: Plugin, name: str) -> bool:
    return any(rule.name == name and ask(rule, plugin).state == "failed" for rule in rules(plugin.kind))


def parametrize_with_checks(*targets: Any) -> pytest.MarkDecorator:
    """Return a mark that runs a test for every plugin of the targets and every rule of its kind.

    The test takes one argument, ``check``, and calls it::

        @quorate.testing.parametrize_with_checks("my_plugin.py")
        def test_my_plugin(check):
            check()

    Parameters
    ----------
    *targets : str, Path, Spec or object with hooks
        Plugin files, names, installed distributions, or plugins themselves.
    """
    cases = [
        pytest.param(_bound(rule, plugin), id=f"{plugin.kind}-{plugin.name}-{rule.name}")
        for target in targets
        for plugin in plugins_of(target)
        for rule in rules(plugin.kind)
    ]
    return pytest.mark.parametrize("check", cases)


def _bound(rule: Rule, plugin: Plugin) -> Callable[[], None]:
    def check() -> None:
        keep(rule, plugin)

    return check


class PluginTests:
    """Tests of one plugin; inherit from the class of its kind and name it.

    ::

        class TestMyRidge(quorate.testing.ModelTests):
            target = "my_ridge.py"

    Parameters
    ----------
    target : str, Path or Spec
        Whatever `parametrize_with_checks` takes.
    kind : str
        Of the plugins that are tested.
    """

    target: ClassVar[Target]
    kind: ClassVar[str] = ""

    def _keep(self, rule: Rule) -> None:
        found = [plugin for plugin in plugins_of(self.target) if plugin.kind == self.kind]
        assert found, f"{self.target} offers no {self.kind}"
        for plugin in found:
            keep(rule, plugin)


def _test_class(kind: str) -> type[PluginTests]:
    def method(rule: Rule) -> Callable[[PluginTests], None]:
        def test(self: PluginTests) -> None:
            self._keep(rule)

        test.__doc__ = rule.summary
        return test

    tests = {f"test_{rule.name.replace('-', '_')}": method(rule) for rule in rules(kind)}
    name = f"{kind.capitalize()}Tests"
    return type(
        name,
        (PluginTests,),
        {**tests, "kind": kind, "__doc__": f"Every rule for a {kind}, as a test.", "__module__": __name__},
    )


def __getattr__(name: str) -> Any:
    """Make the class of a kind when it is asked for: ``ModelTests``, ``FeatureTests``, ..."""
    from quorate.plugins.specs import KINDS

    kind = name.removesuffix("Tests").lower()
    if not name.endswith("Tests") or kind not in KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = _test_class(kind)
    return globals()[name]
