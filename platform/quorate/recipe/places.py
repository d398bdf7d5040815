"""Where in a recipe a key belongs that was written somewhere else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from quorate.errors import QuorateError, near_misses
from quorate.plugins.options import UnknownOption, options_of
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Model, Recipe

# Kind of plugin: the table that takes its options, and the key that names it. Those of models and gates would be
# found in too many places.
TABLES = {
    "source": ("data", "data.source"),
    "splitter": ("folds", "folds.splitter"),
    "cost": ("costs", "costs.model"),
    "label": ("labels.params", "labels.name"),
    "ensembler": ("ensemble.params", "ensemble.method"),
    "strategy": ("strategy.params", "strategy.name"),
    "sampler": ("tuning.sampler_options", "tuning.sampler"),
}


def places(key: str, registry: Registry) -> list[str]:
    """Return the full keys under which a recipe takes this one: of the schema, and of options of installed plugins."""
    found = sorted(_schema_places(Recipe, key))
    for kind, (table, _) in TABLES.items():
        if _takers(kind, key, registry):
            found.append(f"{table}.{key}")
    return found


def instead(error: UnknownOption, registry: Registry) -> str:
    """Return where an option belongs that a plugin does not have, to be put after the message; or nothing."""
    kind, key = error.spec.kind, error.key
    if kind in TABLES and (others := _takers(kind, key, registry)):
        name = next((n for n in others if str(error.value).rstrip("/").endswith(n)), others[0])
        kinds = "strategies" if kind == "strategy" else f"{kind}s"
        who = f"{kind} {others[0]} has" if len(others) == 1 else f"{kinds} {', '.join(others)} have"
        return f"; {who} it: --set {TABLES[kind][1]}={name}"
    if kind == "model" and "did you mean" not in str(error) and (near := near_misses(key, Model.model_fields)):
        return near
    return or_places("", [place for place in places(key, registry) if not place.startswith(f"{error.where}.")])


def or_places(near: str, found: list[str]) -> str:
    """Return near misses, as `near_misses` gives them, and the places; if these are few enough to help."""
    if not 0 < len(found) <= 3:
        return near
    return f"{near[:-1] + ', or' if near else '; did you mean'} {' or '.join(found)}?"


def _schema_places(model: type[BaseModel], key: str, above: str = "") -> set[str]:
    found = {f"{above}{key}"} if key in model.model_fields else set()
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= _schema_places(annotation, key, f"{above}{name}.")
    return found


def _takers(kind: str, key: str, registry: Registry) -> list[str]:
    """Return the plugins of a kind that have an option of that name."""
    names = []
    for name in registry.names(kind):
        try:
            options = options_of(registry.get(kind, name))
        except QuorateError:  # one that cannot be loaded
            continue
        if key in options:
            names.append(name)
    return names
