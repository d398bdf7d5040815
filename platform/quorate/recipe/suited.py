"""What of a recipe goes together: its label, ensemble, models and categories."""

from __future__ import annotations

from inspect import signature

from quorate.errors import PluginError, RecipeError, one_of
from quorate.plugins import specs
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.recipe.schema.learning import Weight

WITHIN = "bar-"  # how calibrations begin that bring members to one scale within each bar
UNITS = {"bar-rank": "rank"}  # of these, and the label that has the same scale


def check_numbers(recipe: Recipe, label: specs.LabelSpec) -> None:
    """Refuse of a class what is only of labels that are numbers, and of a number what is only of classes."""
    for key, given in (("labels.steps", recipe.labels.steps), ("ensemble.interval", recipe.ensemble.interval)):
        if given is not None and label.task == "classification":
            raise RecipeError(
                f"{key} is for labels that are numbers; label {label.name!r} is a class: leave it out, or set "
                'labels.name = "return"'
            )
    if recipe.ensemble.calibration.startswith(WITHIN) and recipe.labels.steps is not None:
        raise RecipeError(
            f"ensemble.calibration = {recipe.ensemble.calibration!r} is of one step, and labels.steps asks for "
            "several: leave one out"
        )
    if recipe.ensemble.calibration.startswith(WITHIN) and label.task == "classification":
        raise RecipeError(
            f"ensemble.calibration = {recipe.ensemble.calibration!r} is for labels that are numbers; label "
            f'{label.name!r} is a class: set labels.name = "rank", or another calibration'
        )
    check_unit(recipe, label)


def check_unit(recipe: Recipe, label: specs.LabelSpec) -> None:
    """Refuse an interval around forecasts of another unit than the label: how far they were off would mean nothing."""
    calibration = recipe.ensemble.calibration
    if recipe.ensemble.interval is None or not calibration.startswith(WITHIN) or UNITS.get(calibration) == label.name:
        return
    raise RecipeError(
        f"ensemble.interval is around forecasts in units of the label; ensemble.calibration = {calibration!r} makes "
        f'them places within the bar, and label {label.name!r} is none: set ensemble.calibration = "bar-rank" and '
        'labels.name = "rank", or leave one of them out'
    )


def resolve_weights(recipe: Recipe, registry: Registry, label: specs.LabelSpec) -> list[Weight] | None:
    """Return the weights of training rows with all their options; refuse one that is not for labels of this task."""
    if recipe.labels.weights is None:
        return None
    found = []
    for one in recipe.labels.weights:
        try:
            spec = registry.get(specs.WeightSpec, one.name)
        except PluginError as e:
            raise RecipeError(f"labels.weights: {e}") from e
        if spec.task not in ("any", label.task):
            of, is_, instead = {
                "classification": ("classes", "a number", "direction"),
                "regression": ("numbers", "a class", "return"),
            }[spec.task]
            raise RecipeError(
                f"labels.weights: {spec.name} is for labels that are {of}; label {label.name!r} is {is_}: leave it "
                f'out, or set labels.name = "{instead}"'
            )
        options = resolve_options(spec, one.options, "labels.weights")
        found.append(Weight.model_validate({"name": one.name, **options}))
    return found


def check_sides(recipe: Recipe, registry: Registry, label: specs.LabelSpec) -> None:
    """Refuse a strategy that follows the side of a primary rule, where the label has none."""
    if label.side is not None:
        return
    for name in (recipe.strategy.name, *recipe.strategy.compare):
        if "side" in signature(registry.get(specs.StrategySpec, name).resolve()).parameters:
            able = [one for one in registry.at_hand("label") if registry.get(specs.LabelSpec, one).side is not None]
            raise RecipeError(
                f"strategy {name!r} follows the side that the primary rule of a meta-label takes; label "
                f"{label.name!r} has none: set labels.name to {one_of(able)}, or take another strategy"
            )


def check_categories(recipe: Recipe, registry: Registry, models: list[str]) -> None:
    """Refuse categories that no model of the recipe would read, and those named twice."""
    wanted = recipe.features.categories
    if len(set(wanted)) < len(wanted):
        raise RecipeError(f"features.categories: each must be named once; they were {', '.join(wanted)}")
    if wanted and not any(registry.get(specs.ModelSpec, name).categories for name in models):
        takers = [n for n in registry.at_hand("model") if registry.get(specs.ModelSpec, n).categories]
        raise RecipeError(
            f"features.categories = {wanted}: no model of the recipe takes categories; of those installed "
            f"{', '.join(takers) or 'none'} do{'es' if len(takers) == 1 else ''}: add one, or leave them out"
        )


def check_ranks(recipe: Recipe, registry: Registry, models: dict[str, str]) -> None:
    """Refuse members whose order within a bar alone counts, where they would be combined as numbers of a unit.

    Parameters
    ----------
    models : dict of str to str
        The plugin of each member.
    """
    ranks = [name for name, plugin in models.items() if registry.get(specs.ModelSpec, plugin).ranks]
    if ranks and not recipe.ensemble.calibration.startswith(WITHIN):
        raise RecipeError(
            f"models.{ranks[0]} gives scores of which only the order within a bar counts, and members are combined and "
            f"traded as they are (ensemble.calibration is {recipe.ensemble.calibration!r}): set ensemble.calibration = "
            '"bar-rank", or "bar-z-score"'
        )


def check_label(name: str, recipe: Recipe, spec: specs.ModelSpec) -> None:
    """Refuse a model that forecasts prices, where the label does not follow from these."""
    if spec.labels and recipe.labels.name not in spec.labels:
        raise RecipeError(
            f"models.{name} forecasts prices, from which label {recipe.labels.name!r} does not follow: set labels.name "
            f"to {one_of(spec.labels)}, or leave it out"
        )
    if spec.labels and recipe.labels.steps is not None and not spec.steps:
        raise RecipeError(f"models.{name} forecasts one step, and labels.steps asks for several: leave one of them out")
