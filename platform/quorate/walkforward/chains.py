"""The transforms of a recipe, as fits are told of them."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.execution.transforms import Chain, Step
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec
from quorate.recipe.schema import Recipe
from quorate.recipe.transforms import chosen, groups_of, word_of


def chains_of(recipe: Recipe, registry: Registry, features: Sequence[str], spec: ModelSpec) -> tuple[Chain, ...]:
    """Return what features go through before a model reads them; a model that reads raw bars has none.

    Parameters
    ----------
    features : sequence of str
        Of the rows, by column.
    """
    given = recipe.features.transforms
    if not given or spec.input == "bars":
        return ()
    chains = []
    for key, names in chosen(given, groups_of(list(features), registry)).items():
        steps = given[key]
        assert isinstance(steps, list)  # what is left as it is goes through no chain
        told = tuple(Step(reference(registry, "transform", one.name), one.options) for one in steps)
        chains.append(Chain(word_of(key), tuple(features.index(name) for name in names), told))
    return tuple(chains)
