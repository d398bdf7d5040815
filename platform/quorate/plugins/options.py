"""Options of plugins: what a recipe gives, checked against the function's own signature."""

from __future__ import annotations

import datetime as dt
import inspect
import typing
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.documented import Told, choices_of, documented, in_words
from quorate.plugins.specs import ModelSpec, SourceSpec, Spec, SplitterSpec, StrategySpec
from quorate.plugins.specs.learning import CATEGORIES, HORIZONS, TASK
from quorate.plugins.values import meant

# Arguments that the platform passes itself; what follows them are options.
LEADING = {
    "model": 0,
    "transform": 2,
    "label": 2,
    "weight": 1,
    "splitter": 2,
    "ensembler": 1,
    "strategy": 2,
    "cost": 1,
    "metric": 1,
    "gate": 1,
    "sampler": 5,
    "source": 0,
    "recipe": 0,
    "alert": 1,
}
RESERVED = {"random_state", "n_jobs"}
DEVICE = "device"  # passed too, to models that ask for a GPU and leave no choice
WARM = "warm_start"  # a key of the recipe's own, which an option of a model would hide
READING = ("home", "since", "until", "read", "zone", "values")  # passed too, to sources whose signature names them
# Passed too, to strategies whose signature names them.
TOLD = ("bars_per_year", "binary", "horizon", "side", "gone", "member", "categories")


class UnknownOption(RecipeError):
    """A plugin has no option of that name.

    `where` is the table in which `key` stands with `value`; `spec` is the plugin.
    """

    def __init__(self, message: str, spec: Spec, where: str, key: str, value: Any) -> None:
        super().__init__(message)
        self.spec, self.where, self.key, self.value = spec, where, key, value


def resolve_options(spec: Spec, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return all options of a plugin: the signature's defaults, the spec's, then the given ones.

    Parameters
    ----------
    spec : Spec
        The plugin.
    given : mapping
        What the recipe says.
    where : str
        The recipe's key, for messages, e.g. ``data``.

    Raises
    ------
    RecipeError
        For an unknown option, a wrong type, or a missing one.
    """
    function = spec.resolve()
    accepted, open_ended = _options(spec)
    reserved = passed_by_name(spec)
    for key, value in given.items():
        if key in accepted or (open_ended and key not in reserved):
            continue
        choice = f"it must be one of {one_of(accepted)}" if accepted else "it takes none"
        told = f"{where}: {spec} has no option {key!r}: {choice}{near_misses(key, accepted)}"
        raise UnknownOption(told, spec, where, key, value)
    options = {k: p.default for k, p in accepted.items() if p.default is not p.empty}
    options.update(spec.params)
    options.update(given)
    missing = [k for k, p in accepted.items() if p.default is p.empty and k not in options]
    if missing:
        raise RecipeError(f"{where}: {spec} needs the option {missing[0]!r}: set {where}.{missing[0]}")
    for key, value in given.items():
        options[key] = _check_type(function, key, value, where)
    return options


def passed_by_name(spec: Spec) -> frozenset[str]:
    """Return the arguments that the platform passes by name, if they are named: no recipe sets them."""
    if isinstance(spec, StrategySpec):
        return frozenset((*spec.inputs, *TOLD))
    if isinstance(spec, SourceSpec):
        return frozenset(READING)
    if not isinstance(spec, ModelSpec):
        return frozenset()
    return frozenset([TASK] * (spec.task == "any") + [CATEGORIES] * spec.categories + [HORIZONS] * bool(spec.labels))


def told_when_reading(spec: SourceSpec, **values: Any) -> dict[str, Any]:
    """Return what of some values, of those in `READING`, the source's signature names."""
    named, _ = _accepted(spec.resolve(), LEADING["source"])
    return {name: value for name, value in values.items() if name in named}


def options_of(spec: Spec) -> list[str]:
    """Return the names of the options that a plugin tells."""
    return list(_options(spec)[0])


def defaults_of(spec: Spec) -> dict[str, Any]:
    """Return the options of a plugin that have a default, with it."""
    accepted = {name: one.default for name, one in _options(spec)[0].items() if one.default is not one.empty}
    return {**accepted, **spec.params}


def parameters_of(spec: Spec) -> list[dict[str, Any]]:
    """Return the options of a plugin as plain data.

    Of each: name, type as it is written, what it takes in words, choices, default, whether one must be given, meaning.
    """
    accepted = _options(spec)[0] if spec.kind in LEADING else {}  # what a feature is given is in its spec
    names = dict.fromkeys((*accepted, *spec.params))
    function = spec.resolve()
    told = {**documented(getattr(function, "__init__", None).__doc__), **documented(function.__doc__)}
    return [
        {**_parameter(name, accepted.get(name), spec.params), **_told(function, name, told.get(name, Told("", "")))}
        for name in names
    ]


def _told(function: Callable[..., Any], name: str, told: Told) -> dict[str, Any]:
    """Return what type and docstring tell of an option: what it takes, of which values it is one, what it means."""
    hint = _hint(function, name)
    takes = in_words(hint, told.unit) if hint is not None else told.type
    return {"takes": takes, "choices": choices_of(hint), "unit": told.unit, "meaning": told.meaning}


def _parameter(name: str, accepted: inspect.Parameter | None, given: Mapping[str, Any]) -> dict[str, Any]:
    default, hint = (accepted.default, accepted.annotation) if accepted else (inspect.Parameter.empty,) * 2
    default = given.get(name, default)
    required = default is inspect.Parameter.empty
    plain = isinstance(default, str | int | float | bool | list | dict | None)
    return {
        "name": name,
        "type": "" if hint is inspect.Parameter.empty else hint if isinstance(hint, str) else _name_of(hint),
        "default": None if required else default if plain else repr(default),
        "required": required,
    }


def _name_of(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint))


def _options(spec: Spec) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the options of a plugin, and whether it takes others, too."""
    accepted, open_ended = _accepted(spec.resolve(), LEADING[spec.kind])
    reserved = passed_by_name(spec)
    if isinstance(spec, ModelSpec):
        reserved |= {DEVICE, WARM} if spec.gpus and DEVICE not in spec.settings else {WARM}
    return {k: p for k, p in accepted.items() if k not in reserved}, open_ended


def _accepted(function: Callable[..., Any], leading: int) -> tuple[dict[str, inspect.Parameter], bool]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some compiled callables do not tell
        return {}, True
    named = [p for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    rest = {p.name: p for p in named[leading:] if p.name not in RESERVED}
    return rest, any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _hint(function: Callable[..., Any], key: str) -> Any:
    """Return the type that a function wants for one argument, or None if it does not tell."""
    target = function.__init__ if inspect.isclass(function) else inspect.unwrap(function)
    annotation = getattr(target, "__annotations__", {}).get(key)
    if annotation is None:
        return None
    # Alone, as the other annotations of foreign code need not resolve.
    alone = SimpleNamespace(__annotations__={key: annotation})
    try:
        return typing.get_type_hints(alone, globalns=getattr(target, "__globals__", {}), include_extras=True)[key]
    except (NameError, TypeError, AttributeError):
        return None


def _check_type(function: Callable[..., Any], key: str, value: Any, where: str) -> Any:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    hint = _hint(function, key)
    if hint is None:
        return value
    if isinstance(value, dt.date) and hint in (str, str | None):  # TOML and Python have dates, options mostly texts
        value = value.isoformat()
    try:
        return TypeAdapter(hint, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(value)
    except ValidationError as e:
        error = e.errors()[0]
        detail = error["msg"].removeprefix("Input should ")
        raise RecipeError(f"{where}.{key} must {detail}; it was {value!r}{meant(error['type'], value)}") from e


def check_walk_forward(splitter: SplitterSpec) -> None:
    """Raise `RecipeError` if the splitter is combinatorial: its folds would train on what comes later."""
    if splitter.combinatorial:
        raise RecipeError(
            f"folds.splitter: a walk-forward trains on earlier data alone; splitter {splitter.name!r} is combinatorial "
            "and trains on later data, too, so only the gate of the strict preset uses it: "
            'take another one, e.g. splitter = "expanding"'
        )
