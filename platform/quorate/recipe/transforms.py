"""Which features go through which transforms."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins import specs
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs.preparing import AT
from quorate.recipe.schema.learning import Transform

GROUP = "group:"
REST = "*"
WHERE = "features.transforms"
Given = Mapping[str, list[Transform] | bool]  # false: left as they are


def resolve_transforms(given: Given, features: list[str], registry: Registry) -> dict[str, list[Transform] | bool]:
    """Return all chains with all options of their transforms, sorted by key.

    Raises
    ------
    RecipeError
        For a key that matches no feature, a feature that two patterns match, an unknown transform or option.
    """
    if not given:
        return {}
    groups = groups_of(features, registry)
    for key, steps in given.items():
        if steps is not False:
            _check_matches(key, groups, registry)
    chosen(given, groups)
    return {key: [_step(key, one, registry) for one in steps] if steps else False for key, steps in _sorted(given)}


def groups_of(features: list[str], registry: Registry) -> dict[str, str]:
    """Return the group of each feature."""
    return {name: registry.get(specs.FeatureSpec, name).group for name in features}


def chosen(given: Given, groups: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the features that go through the chain of each key, which has some.

    The most specific key counts: a feature's own name, then a pattern, then its group, then ``*``.

    Raises
    ------
    RecipeError
        If two patterns match a feature.
    """
    found: dict[str, list[str]] = {}
    for name, group in groups.items():
        others = [k for k in given if k not in (name, REST)]
        patterns = [k for k in others if not k.startswith(GROUP) and matches(k, name, group)]
        if len(patterns) > 1 and name not in given:
            raise RecipeError(
                f"{WHERE}: {' and '.join(map(repr, sorted(patterns)))} both match the feature {name!r}, and neither is "
                f"more specific: give {name!r} a line of its own"
            )
        groups_key = f"{GROUP}{group}{''.join(name.partition(AT)[1:])}"
        key = next((k for k in (name, *patterns, groups_key, REST) if k in given), None)
        if key is not None and given[key] is not False:
            found.setdefault(key, []).append(name)
    return dict(sorted(found.items()))


def matches(key: str, name: str, group: str) -> bool:
    """Return whether a name, pattern or ``group:NAME`` is of this feature, and of bars of its frequency."""
    (wanted, _, asked), (base, _, frequency) = key.partition(AT), name.partition(AT)
    if asked != frequency:
        return False
    return wanted == f"{GROUP}{group}" if wanted.startswith(GROUP) else fnmatch.fnmatch(base, wanted)


def word_of(key: str) -> str:
    """Return what new columns of a key are called after: ``volume`` of ``group:volume``, nothing of ``*``."""
    return re.sub(r"\W+", "_", key.removeprefix(GROUP)).strip("_")


def _sorted(given: Given) -> list[tuple[str, list[Transform]]]:
    return [(key, list(steps) if isinstance(steps, list) else []) for key, steps in sorted(given.items())]


def _check_matches(key: str, groups: Mapping[str, str], registry: Registry) -> None:
    if any(key == REST or matches(key, name, group) for name, group in groups.items()):
        return
    if key.startswith(GROUP):
        known = {f"{group}{''.join(name.partition(AT)[1:])}" for name, group in groups.items()}
        group = key.removeprefix(GROUP)
        raise RecipeError(
            f"{WHERE}: no feature of the recipe is of the group {group!r}: it must be one of {one_of(known)}"
            f"{near_misses(group, known)}"
        )
    unused = fnmatch.filter(registry.names("feature"), key.partition(AT)[0])
    why = f"the recipe does not use {unused[0]}{''.join(key.partition(AT)[1:])} (features.use)" if unused else ""
    raise RecipeError(
        f"{WHERE}: {key!r} matches no feature of the recipe: {why or 'there is none of that name'}; a key is a "
        f"feature, a pattern such as return_*, group:NAME, or * for the rest{near_misses(key, groups)}"
    )


def _step(key: str, given: Transform, registry: Registry) -> Transform:
    where = f'{WHERE}."{key}"'
    try:
        spec = registry.get(specs.TransformSpec, given.name)
    except PluginError as e:
        raise RecipeError(f"{where}: {e}") from e
    return Transform.model_validate({"name": given.name, **resolve_options(spec, given.options, where)})
