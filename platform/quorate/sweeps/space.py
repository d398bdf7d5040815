"""The search space of a model: the plugin's own, as the recipe narrows, widens or replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.options import options_of, resolve_options
from quorate.plugins.space import Choice, Distribution, Float, Int
from quorate.plugins.specs import ModelSpec

Space = Mapping[str, Distribution]
RANGE = ("low", "high", "log")


def space_of(
    spec: ModelSpec, given: Mapping[str, Any], options: Mapping[str, Any], model: str
) -> dict[str, Distribution]:
    """Return what may be tried of a model, sorted by parameter.

    Parameters
    ----------
    given : mapping
        The recipe's ``[tuning.space.MODEL]``: parameter to a range, a list of values, or false.
    options : mapping
        The model's parameters in the recipe.
    model : str
        Its name there.

    Raises
    ------
    RecipeError
        For a parameter that the model does not have, a range that is none, or values that it does not take.
    """
    space: dict[str, Distribution] = dict(spec.space)
    for name, wanted in given.items():
        where = f"tuning.space.{model}.{name}"
        if name not in space and name not in options:
            known = sorted({*space, *options, *options_of(spec)})
            raise RecipeError(
                f"{where}: {spec} has no parameter {name!r}: it has {one_of(known)}{near_misses(name, known)}"
            )
        if wanted is False:
            space.pop(name, None)
        else:
            space[name] = _distribution(wanted, space.get(name), options.get(name), where)
    if not space:
        raise RecipeError(_nothing(spec, options, model))
    for name, distribution in space.items():
        for value in _extremes(distribution):
            if value is None:
                raise RecipeError(
                    f"{model}: {name} may be None, which no recipe can hold: name the values to try in "
                    f"tuning.space.{model}.{name}"
                )
            resolve_options(spec, {**options, name: value}, f"tuning.space.{model}")
    return dict(sorted(space.items()))


def _nothing(spec: ModelSpec, options: Mapping[str, Any], model: str) -> str:
    """Return that there is nothing to tune, and what would mend it."""
    told = f"there is nothing to tune of model {model!r}: {spec} has no search space{' left' if spec.space else ''}"
    numbers = [name for name, v in options.items() if isinstance(v, int | float) and not isinstance(v, bool)]
    if not numbers:
        return f"{told}, and no parameter that is a number: leave it out of tuning.models"
    return f"{told}; name a range, e.g. tuning.space.{model}.{numbers[0]} = {{ low = 1, high = 10 }}"


def _distribution(wanted: Any, known: Distribution | None, value: Any, where: str) -> Distribution:
    """Return what the recipe says that a parameter may be; a range takes its other end from the known one."""
    if isinstance(wanted, list):
        if not wanted:
            raise RecipeError(f"{where} must hold values to choose from; it was an empty list")
        return Choice(tuple(wanted))
    if not isinstance(wanted, Mapping):
        raise RecipeError(
            f"{where} must be a range, {{ low = 1, high = 10 }}, a list of values, or false; it was {wanted!r}"
        )
    if unknown := sorted(set(wanted) - set(RANGE)):
        raise RecipeError(
            f"{where}: a range takes {one_of(RANGE)}; it has {unknown[0]!r}{near_misses(unknown[0], RANGE)}"
        )
    before = known if isinstance(known, Float | Int) else None
    ends = []
    for end in ("low", "high"):
        found = wanted.get(end, getattr(before, end, None))
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise RecipeError(f"{where}.{end} must be a number; it was {'missing' if found is None else repr(found)}")
        ends.append(found)
    log = wanted.get("log", getattr(before, "log", False))
    if not isinstance(log, bool):
        raise RecipeError(f"{where}.log must be true or false; it was {log!r}")
    like = before or value
    whole = isinstance(like, Int) or (isinstance(like, int) and not isinstance(like, bool))
    if like is None:
        whole = all(isinstance(end, int) for end in ends)
    if whole and not all(isinstance(end, int) for end in ends):
        raise RecipeError(f"{where}: this parameter takes whole numbers; the range was {ends[0]!r} to {ends[1]!r}")
    low, high = ends
    try:
        return Int(int(low), int(high), log) if whole else Float(float(low), float(high), log)
    except PluginError as e:
        raise RecipeError(f"{where}: {str(e).partition(': ')[2]}; it was {low!r} to {high!r}") from None


def _extremes(distribution: Distribution) -> list[Any]:
    if isinstance(distribution, Choice):
        return list(distribution.values)
    return [distribution.low, distribution.high]


def holds(space: Space, params: Mapping[str, Any]) -> bool:
    """Whether a space holds a value of each of its parameters that these parameters name."""
    return all(_within(distribution, params.get(name)) for name, distribution in space.items())


def _within(distribution: Distribution, value: Any) -> bool:
    if isinstance(distribution, Choice):
        return value in distribution.values
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    whole = not isinstance(distribution, Int) or value == int(value)
    return whole and distribution.low <= value <= distribution.high
