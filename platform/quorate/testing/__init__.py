"""The conformance kit: what a sound plugin does, one function per rule.

On the command line ``quorate check my_plugin.py``; in tests `parametrize_with_checks`, or a class of
tests per kind (``ModelTests``, ``FeatureTests``, ...). Fixtures come by themselves where quorate is
installed: ``quorate_market``, ``quorate_panel``, ``quorate_home``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Rule": "_base",
    "Violation": "_base",
    "NotApplicable": "_base",
    "Outcome": "_base",
    "check": "runner",
    "rules": "_base",
    "parametrize_with_checks": "cases",
    "plugins_of": "cases",
    "PluginTests": "cases",
    "market": "markets",
    "panel": "markets",
    "sample": "markets",
    "scramble": "markets",
    "performance": "markets",
    "evidence": "markets",
}

if TYPE_CHECKING:
    from quorate.testing._base import NotApplicable as NotApplicable
    from quorate.testing._base import Outcome as Outcome
    from quorate.testing._base import Rule as Rule
    from quorate.testing._base import Violation as Violation
    from quorate.testing._base import rules as rules
    from quorate.testing.cases import PluginTests as PluginTests
    from quorate.testing.cases import parametrize_with_checks as parametrize_with_checks
    from quorate.testing.cases import plugins_of as plugins_of
    from quorate.testing.markets import evidence as evidence
    from quorate.testing.markets import market as market
    from quorate.testing.markets import panel as panel
    from quorate.testing.markets import performance as performance
    from quorate.testing.markets import sample as sample
    from quorate.testing.markets import scramble as scramble
    from quorate.testing.runner import check as check


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name, "cases" if name.endswith("Tests") else "")
    if not module:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quorate.testing.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_PUBLIC)
