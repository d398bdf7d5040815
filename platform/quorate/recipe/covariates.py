"""Covariates of a recipe: what reads each, and the features that it offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quorate.bars.covariates import AGE, KNOWN, NEXT, value_name
from quorate.bars.panel import FIELDS
from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.options import UnknownOption
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, SourceSpec
from quorate.plugins.specs.preparing import AT
from quorate.recipe.bar_files import source_of
from quorate.recipe.schema import Benchmark, Covariate, Factors, Rate, RateOf, Recipe
from quorate.recipe.sources import source_options

GROUP = "covariates"
_FUNCTION = "quorate.dataset.covariates:as_known"


def reader_of(key: str, given: Covariate | Benchmark | Factors, registry: Registry) -> SourceSpec:
    """Return the source that reads the table `key`, its function that which gives the records, or else bars.

    Raises
    ------
    RecipeError
        If nothing says which it is.
    """
    path = given.options.get("path")
    if isinstance(path, list) and path:
        path = path[0]
    source = given.source or (source_of(Path(path)) if isinstance(path, str) else None)
    if source is None:
        raise RecipeError(
            f"{key} must say what reads it: a file with {key}.path, or {key}.source, one of "
            f"{one_of(registry.names('source'))}"
        )
    try:
        spec = registry.get(SourceSpec, source)
    except PluginError as e:
        raise RecipeError(f"{key}.source: {e}") from e
    bars = isinstance(given, Covariate) and given.bars
    return spec if bars or spec.records is None else spec.offering(spec.records)


def resolve_covariates(recipe: Recipe, registry: Registry) -> dict[str, Covariate] | None:
    """Return the covariates with all options of their sources.

    Raises
    ------
    RecipeError
        For an unknown source or option.
    """
    found = {}
    for name, one in sorted((recipe.covariates or {}).items()):
        where = f"covariates.{name}"
        reader = reader_of(where, one, registry)
        _check_periods(where, one)
        try:
            options = source_options(reader, one.options, where)
        except UnknownOption as e:
            own = near_misses(e.key, Covariate.model_fields)
            raise RecipeError(f"{e}{own if 'did you mean' not in str(e) else ''}") from None
        kept = {key: getattr(one, key) for key in Covariate.model_fields}
        found[name] = Covariate.model_validate({**kept, "source": reader.name, **options})
    return found or None


def _check_periods(where: str, one: Covariate) -> None:
    """Raise `RecipeError`, where what is said of periods, or of dates, says nothing."""
    if one.bars and one.values == []:
        raise RecipeError(f"{where}.values is empty, and bars are of no dates to come: name fields, or leave it out")
    if one.aggregate is not None and one.resample is None:
        raise RecipeError(
            f"{where}.aggregate says what the records of a period come to, and no period is given: add "
            f'{where}.resample, e.g. "1d"'
        )
    if one.values is None or not isinstance(one.aggregate, dict):
        return
    known = {value_name(value) for value in one.values}
    if other := [name for name in one.aggregate if value_name(name) not in known]:
        raise RecipeError(
            f"{where}.aggregate: {other[0]!r} is not among {where}.values: it must be one of {one_of(one.values)}"
            f"{near_misses(other[0], one.values)}"
        )


def rates_in(recipe: Recipe) -> dict[str, Rate]:
    """Return the rates of interest that a recipe gives, by key."""
    found = {
        "data.cash": recipe.data.cash,
        "costs.borrow": recipe.costs.borrow,
        "costs.funding": recipe.costs.funding,
    }
    return {key: rate for key, rate in found.items() if rate is not None}


def without_rates(recipe: Recipe) -> Recipe:
    """Return the recipe with cash that earns nothing, and nothing to pay for positions."""
    if not rates_in(recipe):
        return recipe
    costs = recipe.costs.model_copy(update={"borrow": None, "funding": None})
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"cash": None}), "costs": costs})


def read_as_rates(recipe: Recipe) -> set[str]:
    """Return the inputs that are read as rates of interest: covariates, or ``NAME.VALUE`` of those with several."""
    told = (rate.covariate if isinstance(rate, RateOf) else rate for rate in rates_in(recipe).values())
    found = {text for text in told if isinstance(text, str)}
    several = {name for name, one in (recipe.covariates or {}).items() if len(one.values or ()) > 1}
    return found | {text.partition(".")[0] for text in found} - several


def check_rates(recipe: Recipe) -> None:
    """Raise `RecipeError`, if a rate of interest names a covariate that the recipe does not have."""
    known = [*(recipe.covariates or {})]
    for key, rate in rates_in(recipe).items():
        text = rate.covariate if isinstance(rate, RateOf) else rate
        if isinstance(text, str) and (name := text.partition(".")[0]) not in known:
            there = f"there are {one_of(known)}" if known else "there is none"
            raise RecipeError(
                f"{key} must be a number, such as 0.04 for 4 % per year, or the name of a covariate of the recipe, of "
                f"which {there}; it was {text!r}{near_misses(name, known)}: add [covariates.{name}], or give the number"
            )


def offer_features(recipe: Recipe, registry: Registry) -> None:
    """Add to a registry what the recipe's covariates offer: their values join the features, the others are named.

    What is read as a rate of interest is there for that, and a feature only where it is named.
    """
    rates = read_as_rates(recipe)
    for name, one in (recipe.covariates or {}).items():
        for feature, value in _features_of(name, one):
            what = {
                AGE: "days since the time that is known of",
                KNOWN: "1 where it is known",
                NEXT: "days to the next time that is known to come",
            }
            spec = FeatureSpec(
                feature,
                _FUNCTION,
                inputs=(value,),
                group=GROUP,
                description=what.get(value.rpartition(".")[2], "as it was known at the close"),
            )
            joins = value not in rates and (not _is_beside(value) or value.endswith(f".{NEXT}"))
            registry.add_of_recipe(spec, given=joins)


def _features_of(name: str, covariate: Covariate) -> Iterator[tuple[str, str]]:
    """Yield the features of a covariate, and the input of each."""
    values = covariate.values or []
    if len(values) < 2 and not _of_dates(covariate):
        yield name, name
    elif values:
        for value in values:
            yield f"{name}_{value_name(value)}", f"{name}.{value_name(value)}"
    for value in (AGE, KNOWN, *([NEXT] if _of_dates(covariate) else [])):
        yield f"{name}_{value}", f"{name}.{value}"


def _is_beside(value: str) -> bool:
    return value.endswith((f".{AGE}", f".{KNOWN}", f".{NEXT}"))


def _of_dates(covariate: Covariate) -> bool:
    """Whether it has dates alone."""
    return covariate.values == []


def not_of_all(recipe: Recipe, registry: Registry) -> set[str]:
    """Return the features that ``*`` leaves out: of covariates there are not, rates, what is beside values."""
    specs = [registry.get(FeatureSpec, name) for name in registry.names("feature")]
    rates = read_as_rates(recipe)
    beside = {s.name for s in specs if s.group == GROUP and (_is_beside(s.inputs[0]) or s.inputs[0] in rates)}
    return beside | {s.name for s in specs if lacking(recipe, s)}


def lacking(recipe: Recipe, feature: FeatureSpec) -> list[str]:
    """Return the covariates that a feature reads and the recipe does not have."""
    read = {name.partition(".")[0] for name in feature.inputs if name not in FIELDS}
    return sorted(read - {*(recipe.covariates or {})})


def check_inputs(recipe: Recipe, registry: Registry, features: list[str]) -> None:
    """Raise `RecipeError`, if a feature reads a covariate that the recipe does not have."""
    for name in features:
        spec = registry.get(FeatureSpec, name)
        if spec.frequency and not {*spec.inputs} <= {*FIELDS}:
            raise RecipeError(
                f"features.use: {name!r} reads a covariate, which is known at the close of a bar whatever its "
                f"frequency is: use {name.partition(AT)[0]!r}"
            )
        if lacks := lacking(recipe, spec):
            known = [*FIELDS, *(recipe.covariates or {})]
            raise RecipeError(
                f"features: {name!r} reads {lacks[0]!r}, which is no field of bars and no covariate of the recipe"
                f"{near_misses(lacks[0], known)}: add [covariates.{lacks[0]}], or leave the feature out with "
                "features.exclude"
            )
