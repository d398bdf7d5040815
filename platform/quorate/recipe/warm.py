"""Which models of a recipe go on from the fold before."""

from __future__ import annotations

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.schema import Model


def check_warm(name: str, model: Model, spec: ModelSpec, registry: Registry) -> ModelSpec:
    """Return the spec of a model, unless it is to go on from a fitted one and cannot.

    Raises
    ------
    RecipeError
        Naming those that can.
    """
    if model.warm_start is None or spec.warm:
        return spec
    able = [one for one in registry.at_hand("model") if registry.get(ModelSpec, one).warm]
    remedy = f"take one of {one_of(able)}, or leave warm_start out" if able else "leave warm_start out"
    raise RecipeError(
        f"models.{name}.warm_start: {spec} cannot go on from a fitted model{near_misses(spec.name, able)}: {remedy}"
    )
