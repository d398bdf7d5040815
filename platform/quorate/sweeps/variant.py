"""A recipe with some of its keys set otherwise, by their dotted names: what a trial of a whole recipe is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.space import Choice, Distribution
from quorate.plugins.specs import ModelSpec
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import TUNED, Recipe
from quorate.sweeps.space import Space, conditioned, distribution_of, extremes, fulfilling

# Of sections that cannot be tuned, why.
_REFUSED = {
    "data": "the bars are what trials are judged on",
    "holdout": "what was cut off stays so",
    "folds": "trials have inner folds of their own",
    "costs": "costs are what the market takes, and the cheapest would always be found",
    "backtest": "orders are filled as they are, and not as it suits",
    "gates": "what judges must not be chosen by what is judged",
    "seed": "the best of several seeds is luck",
    "execution": "it changes no result",
    "tuning": "it says how trials are made",
}
# A table that names a plugin has options of that one.
_NAMING = {"ensemble": "method", "strategy": "name", "labels": "name"}


def table_of(recipe: Recipe, models: list[str]) -> dict[str, Any]:
    """Return all keys of a recipe that can be tuned, by dotted name, with their values.

    Parameters
    ----------
    models : list of str
        Those that take part.
    """
    plain = recipe.model_dump(exclude_none=True, include=set(TUNED))
    plain["models"] = {name: one for name, one in plain["models"].items() if name in models}
    for one in plain["models"].values():
        one.pop("warm_start", None)  # trials begin afresh
    return {key: value for section in TUNED for key, value in _flat(section, plain[section])}


def _flat(key: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(key, value)]
    return [pair for name, inner in value.items() for pair in _flat(f"{key}.{name}", inner)]


def key_space(
    recipe: Recipe, registry: Registry, given: Mapping[str, Any], of_models: Mapping[str, Space], economic: bool
) -> dict[str, Distribution]:
    """Return what may be tried of a recipe as a whole, by dotted name, sorted.

    Parameters
    ----------
    given : mapping
        Dotted key to a range or a list of values, as the recipe says.
    of_models : mapping
        The spaces of the models that are tuned.
    economic : bool
        Whether trials are compared by what they earn, which does not depend on how the rows are labelled.

    Raises
    ------
    RecipeError
        For a key that there is not, that cannot be tuned, or values that it does not take.
    """
    own = table_of(recipe, list(recipe.models))
    space: dict[str, Distribution] = {}
    for model, params in of_models.items():
        for name, one in params.items():
            under = {f"models.{model}.{other}": values for other, values in one.when.items()}
            space[f"models.{model}.{name}"] = _with_when(one, under)
    for key, wanted in given.items():
        where = f"tuning.space.{key}"
        section = key.partition(".")[0]
        if section == "labels" and not economic:
            raise RecipeError(
                f"{where} changes what is forecast, and losses on other labels cannot be compared: take an objective "
                'that is earned, e.g. tuning.objective = "sharpe"'
            )
        if wanted is not False:
            space[key] = distribution_of(wanted, None, own.get(key), where)
    space = conditioned(space, own, "tuning.space", list(own))
    for key in given:
        for value in extremes(space[key]) if key in space else []:
            _check(recipe, registry, {**fulfilling(space, key), key: value}, key, list(own))
    return dict(sorted(space.items()))


def _with_when(one: Distribution, when: Mapping[str, tuple[Any, ...]]) -> Distribution:
    return Choice(one.values, when=when) if isinstance(one, Choice) else replace(one, when=when)


def _check(recipe: Recipe, registry: Registry, params: Mapping[str, Any], key: str, known: list[str]) -> None:
    """Refuse a key that a recipe does not have, or a value that it does not take, saying where it was asked for."""
    where = f"tuning.space.{key}"
    try:
        changed = variant(recipe, registry, params)
    except (RecipeError, PluginError) as e:
        raise RecipeError(f"{where}: {e}") from e
    if key not in table_of(changed, list(changed.models)):
        raise RecipeError(f"{where}: no recipe has this key{near_misses(key, known)}: it has e.g. {one_of(known[:8])}")


def refused(key: str) -> str:
    """Return why a key of the recipe cannot be tuned; empty, if it is not known to be such."""
    return _REFUSED.get(key.partition(".")[0], "")


def variant(recipe: Recipe, registry: Registry, params: Mapping[str, Any]) -> Recipe:
    """Return a resolved recipe with keys set by their dotted names, resolved.

    Where another ensembler, strategy or label is named, it has its own options, and not those of the one before.

    Raises
    ------
    RecipeError, PluginError
        For what no recipe takes.
    """
    table = recipe.model_dump(exclude_none=True)
    touched = {key.partition(".")[0] for key in params}
    for section, naming in _NAMING.items():
        name = params.get(f"{section}.{naming}", table[section][naming])
        if name != table[section][naming]:
            table[section]["params"] = {}
            if section == "labels":  # thresholds are of the label's unit
                table["threshold"] = {"min_bars": table["threshold"]["min_bars"]}
                # Baselines are of a label's kind.
                table["models"] = {n: m for n, m in table["models"].items() if not _is_baseline(registry, n, m)}
                touched |= {"threshold", "models"}
    for key, value in params.items():
        *above, last = key.split(".")
        inside = table
        for name in above:
            inside = inside.setdefault(name, {})
            if not isinstance(inside, dict):
                raise RecipeError(f"tuning.space.{key}: {name} is no table")
        inside[last] = value
    # What a plugin file offers joins a recipe unasked: not one that has left it out.
    left = [name for name in registry.given("feature") if name not in recipe.features.use]
    table["features"]["exclude"] = left if "features" in touched else []
    found, _ = resolve(
        validate(table, f"with {', '.join(f'{k} = {v!r}' for k, v in params.items())}", registry), registry
    )
    update: dict[str, Any] = {section: getattr(found, section) for section in touched if section != "models"}
    if "models" in touched:
        update["models"] = {name: found.models[name] for name in recipe.models if name in table["models"]}
    return recipe.model_copy(update=update)


def _is_baseline(registry: Registry, name: str, model: Mapping[str, Any]) -> bool:
    return registry.get(ModelSpec, model.get("plugin") or name).baseline
