"""Alerts of a recipe: their plugins and options, checked before a run, and filled in only when one is sent."""

from __future__ import annotations

import re
from typing import Any

from quorate.errors import PluginError, RecipeError
from quorate.plugins import specs
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.recipe.environment import VARIABLE, mask
from quorate.recipe.schema import Alerts, Told

# A piece of an address that is long, and of letters and digits, is what lets one in.
_TOKEN = re.compile(r"://[^\s?#]*[/:](?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{16,}")


def resolve_alerts(alerts: Alerts | None, registry: Registry) -> Alerts | None:
    """Return the alerts of a recipe with all options of their plugins; what comes from the environment names it still.

    Raises
    ------
    RecipeError
        For an unknown alert or option, and for a secret that stands in the recipe itself.
    """
    if alerts is None:
        return None
    found: dict[str, Any] = {}
    for name, one in alerts.told.items():
        spec = alert_of(registry, name, one)
        where = f"alerts.{name}"
        for key, value in one.options.items():
            if _is_told(key, value):
                raise RecipeError(
                    f"{where}.{key} holds what looks like a secret, which would be stored with every run: put it into "
                    f'a variable of the environment, and write {key} = "${{NAME}}"'
                )
        options = resolve_options(spec, one.options, where)
        plugin = {} if one.plugin is None else {"plugin": one.plugin}
        found[name] = {"on": list(one.on), **plugin, **{k: v for k, v in options.items() if v is not None}}
    return Alerts.model_validate({"stalled_minutes": alerts.stalled_minutes, **found})


def alert_of(registry: Registry, name: str, one: Told) -> specs.AlertSpec:
    """Return the plugin of an alert.

    Raises
    ------
    RecipeError
        If there is none of that name.
    """
    try:
        registry.find("alert", one.plugin or name)
        return registry.get(specs.AlertSpec, one.plugin or name)
    except PluginError as e:
        raise RecipeError(f"alerts.{name}: {e}") from e


def _is_told(key: str, value: Any) -> bool:
    """Return whether a value of a recipe is, or has in it, what must not be stored."""
    if mask({key: value}) != {key: value} and value != "":
        return True
    return isinstance(value, str) and _TOKEN.search(VARIABLE.sub("", value)) is not None
