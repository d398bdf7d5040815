"""Which features a recipe uses, and on bars of which frequency: ``return_5``, ``return_*@1w``, ``group:trend@1d``."""

from __future__ import annotations

import fnmatch

from quorate.bars.frequency import minutes_of, read_frequency
from quorate.bars.panel import FIELDS
from quorate.errors import DataError, PluginError, RecipeError, near_misses, one_of
from quorate.plugins import specs
from quorate.plugins.registry import Registry
from quorate.plugins.specs.preparing import AT
from quorate.recipe.covariates import check_inputs, not_of_all
from quorate.recipe.schema import Features, Recipe
from quorate.recipe.transforms import GROUP, matches, resolve_transforms

SOURCE = "source"  # in place of a frequency: the source's own bars, before they were resampled


def resolve_features(recipe: Recipe, registry: Registry) -> Features:
    """Return which features a recipe uses, by name, and all options of what they go through.

    Raises
    ------
    RecipeError, PluginError
        For a name, pattern, group or frequency that there is not.
    """
    use = select_features(recipe, registry)
    check_inputs(recipe, registry, use)
    given = {at_its_frequency(key, "features.transforms"): chain for key, chain in recipe.features.transforms.items()}
    transforms = resolve_transforms(given, use, registry)
    return recipe.features.model_copy(update={"use": use, "exclude": [], "transforms": transforms})


def select_features(recipe: Recipe, registry: Registry) -> list[str]:
    """Return the features that the recipe's names, patterns and groups select, sorted by name."""
    groups = {name: registry.get(specs.FeatureSpec, name).group for name in registry.names("feature")}
    use = [at_its_frequency(pattern, "features.use") for pattern in recipe.features.use]
    chosen: set[str] = set()
    apart = not_of_all(recipe, registry)
    for pattern in use:
        wanted, at, frequency = pattern.partition(AT)
        if frequency == SOURCE and recipe.data.resample is None:
            raise RecipeError(
                f"features.use: {pattern!r} is computed on bars that were resampled, and these are not: leave out "
                f"{at}{frequency}, or set data.resample"
            )
        found = _matching(wanted, groups) if wanted != "*" else sorted({*registry.at_hand("feature")} - apart)
        if wanted == "*" and at:
            found = [name for name in found if {*registry.get(specs.FeatureSpec, name).inputs} <= {*FIELDS}]
        if not found:
            _find(registry, wanted)
        chosen.update(f"{name}{at}{frequency}" for name in found)
    # Giving a feature is asking for it, at whatever frequency.
    asked = {name.partition(AT)[0] for name in chosen}
    chosen.update(name for name in registry.given("feature") if name not in asked)
    for pattern in (at_its_frequency(one, "features.exclude") for one in recipe.features.exclude):
        if not _matching(pattern.partition(AT)[0], groups):
            raise RecipeError(f"features.exclude: {pattern!r} matches no feature{near_misses(pattern, groups)}")
        chosen = {name for name in chosen if not matches(pattern, name, groups[name.partition(AT)[0]])}
    if not chosen:
        raise RecipeError("features: none is selected: widen features.use or narrow features.exclude")
    return sorted(chosen)


def at_its_frequency(pattern: str, where: str) -> str:
    """Return a name, pattern or group with its frequency as bars name it, or raise `RecipeError`."""
    wanted, at, frequency = pattern.partition(AT)
    if not at:
        return pattern
    try:
        return f"{wanted}{AT}{frequency if frequency == SOURCE else read_frequency(frequency)}"
    except DataError as e:
        raise RecipeError(f"{where}: {pattern!r}: {e}") from e


def reads_finer(recipe: Recipe) -> bool:
    """Return whether features of a recipe, or of a trial of it, read shorter bars than those they are resampled to."""
    tried = recipe.tuning.space.get("features.use", [])
    names = [*recipe.features.use, *(name for use in tried if isinstance(use, list) for name in use)]
    found = {at_its_frequency(name, "features.use").partition(AT)[2] for name in names} - {""}
    long = recipe.data.resample
    return long is not None and any(one == SOURCE or minutes_of(one) < minutes_of(long) for one in found)


def _find(registry: Registry, name: str) -> None:
    """Raise what is said of a feature that there is not, or that cannot be used."""
    try:
        registry.find("feature", name)
    except PluginError as e:
        raise RecipeError(f"features.use: {e}") from e
    registry.get(specs.FeatureSpec, name)


def _matching(pattern: str, groups: dict[str, str]) -> list[str]:
    if pattern.startswith(GROUP):
        group = pattern.removeprefix(GROUP)
        if group not in groups.values():
            known = set(groups.values())
            raise RecipeError(
                f"features: unknown group {group!r}: it must be one of {one_of(known)}{near_misses(group, known)}"
            )
        return [n for n, g in groups.items() if g == group]
    return fnmatch.filter(groups, pattern)
