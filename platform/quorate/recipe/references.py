"""The series of a recipe that returns are held against: what reads each, with all options."""

from __future__ import annotations

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.options import UnknownOption
from quorate.plugins.registry import Registry
from quorate.recipe.covariates import reader_of
from quorate.recipe.schema import Benchmark, Factors, Recipe
from quorate.recipe.sources import source_options

Given = Benchmark | Factors


def resolve_references(recipe: Recipe, registry: Registry) -> dict[str, Given | None]:
    """Return the benchmark and the factors with all options of their sources.

    Raises
    ------
    RecipeError
        For an unknown source or option, and where nothing says what is read.
    """
    return {name: _resolved(name, getattr(recipe, name), registry) for name in ("benchmark", "factors")}


def of_own_bars(given: Given) -> bool:
    """Return whether it is a symbol of the recipe's own bars."""
    return isinstance(given, Benchmark) and bool(given.symbol) and not given.source and "path" not in given.options


def _resolved(name: str, given: Given | None, registry: Registry) -> Given | None:
    if given is None:
        return None
    if isinstance(given, Benchmark) and given.percent and not given.returns:
        raise RecipeError("benchmark.percent is of returns, and it is read as prices: add benchmark.returns = true")
    if of_own_bars(given):
        if extra := [*given.options, *(key for key in ("value", "returns") if getattr(given, key))]:
            raise RecipeError(
                f"benchmark.symbol = {getattr(given, 'symbol', None)!r} is of the recipe's own bars, which take no "
                f"{one_of(extra)}: give benchmark.path or benchmark.source, too, or leave it out"
            )
        return given
    reader = reader_of(name, given, registry)
    records = [one for one in registry.names("source") if getattr(registry.find("source", one).spec, "records", None)]
    if reader.name not in records and isinstance(given, Factors):
        raise RecipeError(
            f"factors.source: {reader.name!r} gives bars, and factors are returns: use one of {one_of(records)}"
        )
    path = given.options.get("path")
    single = {**given.options, **({"path": path[0]} if isinstance(path, list) and path else {})}
    try:
        options = source_options(reader, single, name)
    except UnknownOption as e:
        near = near_misses(e.key, type(given).model_fields)
        raise RecipeError(f"{e}{near if 'did you mean' not in str(e) else ''}") from None
    own = {key: getattr(given, key) for key in type(given).model_fields}
    kept = {"path": path} if isinstance(path, list) else {}
    return type(given).model_validate({**own, "source": reader.name, **options, **kept})
