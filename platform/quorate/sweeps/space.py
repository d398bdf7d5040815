"""What is tried: a plugin's own search space as the recipe narrows, widens or replaces it, and any key of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.options import options_of, resolve_options
from quorate.plugins.space import Choice, Distribution, Float, Int, When
from quorate.plugins.specs import ModelSpec
from quorate.recipe.schema import RANGE

Space = Mapping[str, Distribution]


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
    known = sorted({*space, *options, *options_of(spec)})
    for name, wanted in given.items():
        where = f"tuning.space.{model}.{name}"
        if name not in space and name not in options:
            raise RecipeError(
                f"{where}: {spec} has no parameter {name!r}: it has {one_of(known)}{near_misses(name, known)}"
            )
        if wanted is False:
            space.pop(name, None)
        else:
            space[name] = distribution_of(wanted, space.get(name), options.get(name), where)
    space = conditioned(space, options, f"tuning.space.{model}", known)
    if not space:
        raise RecipeError(_nothing(spec, options, model))
    for name, one in space.items():
        for value in extremes(one):
            if value is None:
                raise RecipeError(
                    f"{model}: {name} may be None, which no recipe can hold: name the values to try in "
                    f"tuning.space.{model}.{name}"
                )
            resolve_options(spec, {**options, **fulfilling(space, name), name: value}, f"tuning.space.{model}")
    return dict(sorted(space.items()))


def _nothing(spec: ModelSpec, options: Mapping[str, Any], model: str) -> str:
    """Return that there is nothing to tune, and what would mend it."""
    told = f"there is nothing to tune of model {model!r}: {spec} has no search space{' left' if spec.space else ''}"
    numbers = [name for name, v in options.items() if isinstance(v, int | float) and not isinstance(v, bool)]
    if not numbers:
        return f"{told}, and no parameter that is a number: leave it out of tuning.models"
    return f"{told}; name a range, e.g. tuning.space.{model}.{numbers[0]} = {{ low = 1, high = 10 }}"


def distribution_of(wanted: Any, known: Distribution | None, value: Any, where: str) -> Distribution:
    """Return what the recipe says that a parameter may be; a range takes its other end from the known one.

    Parameters
    ----------
    value : Any
        What the recipe has: whether a range is of whole numbers.
    """
    if isinstance(wanted, list):
        return Choice(_values(wanted, where), when=known.when if known else None)
    if not isinstance(wanted, Mapping):
        raise RecipeError(
            f"{where} must be a range, {{ low = 1, high = 10 }}, a list of values, or false; it was {wanted!r}"
        )
    if unknown := sorted(set(wanted) - set(RANGE)):
        raise RecipeError(
            f"{where}: a range takes {one_of(RANGE)}; it has {unknown[0]!r}{near_misses(unknown[0], RANGE)}"
        )
    when = _when(wanted["when"], f"{where}.when") if "when" in wanted else known.when if known else None
    if "values" in wanted:
        if beside := [name for name in ("low", "high", "log") if name in wanted]:
            raise RecipeError(f"{where} takes values or a range, not both; it has {beside[0]}, too")
        return Choice(_values(wanted["values"], f"{where}.values"), when=when)
    if known is not None and set(wanted) == {"when"}:
        return Choice(known.values, when=when) if isinstance(known, Choice) else replace(known, when=when or {})
    return _range(wanted, known, value, where, when or {})


def _range(wanted: Mapping[str, Any], known: Distribution | None, value: Any, where: str, when: When) -> Distribution:
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
        return Int(int(low), int(high), log, when) if whole else Float(float(low), float(high), log, when)
    except PluginError as e:
        raise RecipeError(f"{where}: {str(e).partition(': ')[2]}; it was {low!r} to {high!r}") from None


def _values(given: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(given, list) or not given:
        was = "an empty list" if given == [] else repr(given)
        raise RecipeError(f"{where} must hold values to choose from; it was {was}")
    return tuple(given)


def _when(given: Any, where: str) -> When:
    if not isinstance(given, Mapping) or not given or [] in given.values():
        raise RecipeError(f'{where} takes values by parameter, e.g. {{ kind = ["rbf"] }}; it was {given!r}')
    return {name: tuple(values) if isinstance(values, list) else (values,) for name, values in given.items()}


def conditioned(
    space: Mapping[str, Distribution], fixed: Mapping[str, Any], where: str, known: list[str]
) -> dict[str, Distribution]:
    """Return a space in which each condition names a parameter of the space, and can be met.

    What depends on a parameter that is not tuned counts always or never: by the value that it has.

    Parameters
    ----------
    fixed : mapping
        The values of what is not tuned.
    known : list of str
        What a condition may name, for near misses.

    Raises
    ------
    RecipeError
        For a condition that names nothing, or itself, or that no trial can meet.
    """
    found = dict(space)
    changed = True
    while changed:
        changed = False
        for name, one in list(found.items()):
            kept: dict[str, tuple[Any, ...]] = {}
            for other, values in one.when.items():
                told = f"{where}.{name}.when"
                if other in found:
                    if not any(_within(found[other], value) for value in values):
                        raise RecipeError(f"{told}: {other} is never {' or '.join(map(repr, values))} in this space")
                    kept[other] = values
                elif other not in fixed and other not in space:
                    raise RecipeError(f"{told}: there is no {other!r}{near_misses(other, known)}")
                elif other in space or fixed.get(other) not in values:  # it counts never, or has another value
                    del found[name]
                    changed = True
                    break
            if name in found and kept != dict(one.when):
                found[name] = Choice(one.values, when=kept) if isinstance(one, Choice) else replace(one, when=kept)
                changed = True
    for name in found:
        _check_ends(found, name, (), where)
    return found


def _check_ends(space: Space, name: str, above: tuple[str, ...], where: str) -> None:
    if name in above:
        raise RecipeError(f"{where}.{name}.when: it depends on itself: {' -> '.join((*above, name))}")
    for other in space[name].when:
        _check_ends(space, other, (*above, name), where)


def active(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that count: those whose conditions are met."""

    def counts(name: str) -> bool:
        return all(counts(other) and params[other] in values for other, values in space[name].when.items())

    return {name: params[name] for name in space if name in params and counts(name)}


def fulfilling(space: Space, name: str) -> dict[str, Any]:
    """Return values of other parameters with which one counts."""
    found: dict[str, Any] = {}
    for other, values in space[name].when.items():
        found |= {**fulfilling(space, other), other: next(v for v in values if _within(space[other], v))}
    return found


def extremes(one: Distribution) -> list[Any]:
    """Return the values that must be checked for all to be: every choice, both ends of a range."""
    return list(one.values) if isinstance(one, Choice) else [one.low, one.high]


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
