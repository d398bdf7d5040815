"""Resolving a recipe: every default of every plugin written out, so that it says all that will run."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import tomli_w
from pydantic import ValidationError

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins import specs
from quorate.plugins.options import UnknownOption, check_walk_forward, resolve_options
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs.learning import task_of
from quorate.plugins.values import meant
from quorate.recipe import schema
from quorate.recipe.alerts import resolve_alerts
from quorate.recipe.covariates import check_rates, resolve_covariates
from quorate.recipe.environment import mask
from quorate.recipe.features import resolve_features
from quorate.recipe.places import instead
from quorate.recipe.presets import PRESETS
from quorate.recipe.references import resolve_references
from quorate.recipe.schema import Costs, Data, Folds, Gates, Labels, Model, Recipe, Risk, Strategy
from quorate.recipe.sources import source_options
from quorate.recipe.suited import (
    check_categories,
    check_label,
    check_numbers,
    check_ranks,
    check_sides,
    resolve_weights,
)
from quorate.recipe.warm import check_warm

S = TypeVar("S", bound=specs.Spec)
COMBINATIONS = 2_000  # that a fold may choose from: each is one more column of the backtest


def resolve(recipe: Recipe, registry: Registry) -> tuple[Recipe, list[str]]:
    """Return the recipe with all options of all its plugins, and warnings.

    Models and features that a plugin file offers join the run without being named: giving the
    file is asking for them. A model whose library is missing is left out with a warning.

    Raises
    ------
    RecipeError, PluginError
        For an unknown plugin or option.
    """
    try:
        return _resolved(recipe, registry)
    except UnknownOption as e:
        raise RecipeError(f"{e}{instead(e, registry)}") from None


def _resolved(recipe: Recipe, registry: Registry) -> tuple[Recipe, list[str]]:
    label = _named(registry, specs.LabelSpec, recipe.labels.name, "labels.name")
    check_numbers(recipe, label)
    models, warnings = _models(recipe, registry, label.task)
    warnings += [
        f"{p.kind} {p.name!r} is left out: it {p.reason}"
        for p in registry
        if p.provider.given and p.state == "disabled"
    ]
    score = label.task == "classification"
    threshold = recipe.threshold.model_copy(
        update={
            "grid": recipe.threshold.grid or list(schema.SCORE_THRESHOLDS if score else schema.RETURN_THRESHOLDS),
            "default": (schema.SCORE_DEFAULT if score else schema.RETURN_DEFAULT)
            if recipe.threshold.default is None
            else recipe.threshold.default,
        }
    )
    given = recipe.holdout.model_dump(exclude_none=True)
    span = {} if {"start", "bars", "fraction"} & set(given) else {"fraction": 0.15}
    whole_holdout = recipe.holdout.model_copy(update=span)
    cost = _named(registry, specs.CostSpec, recipe.costs.model, "costs.model")
    ensembler = _suited(registry, recipe.ensemble.method, label, "ensemble.method")
    for name in recipe.ensemble.compare:
        _suited(registry, name, label, "ensemble.compare")
    strategy = _named(registry, specs.StrategySpec, recipe.strategy.name, "strategy.name")
    params = resolve_options(strategy, recipe.strategy.params, "strategy.params")
    for name in recipe.strategy.compare:
        _named(registry, specs.StrategySpec, name, "strategy.compare")
    check_sides(recipe, registry, label)
    check_rates(recipe)
    resolved = recipe.model_copy(
        update={
            "data": Data.model_validate({**_beside(recipe.data), **_options(recipe, registry)}),
            "covariates": resolve_covariates(recipe, registry),
            **resolve_references(recipe, registry),
            "holdout": whole_holdout,
            "labels": _labels(recipe, registry, label),
            "features": resolve_features(recipe, registry),
            "folds": _folds(recipe, registry),
            "costs": _costs(recipe.costs, cost),
            # One order, so that sums over members do not depend on how a recipe was written.
            "models": dict(sorted(models.items())),
            "ensemble": recipe.ensemble.model_copy(
                update={"params": resolve_options(ensembler, recipe.ensemble.params, "ensemble.params")}
            ),
            "strategy": recipe.strategy.model_copy(
                update={
                    "params": params,
                    "grid": _grid(recipe.strategy, strategy, params, len(set(threshold.grid or ()))),
                }
            ),
            "threshold": threshold,
            "gates": Gates.model_validate({"preset": recipe.gates.preset, **_gates(recipe, registry)}),
            "alerts": resolve_alerts(recipe.alerts, registry),
        }
    )
    return resolved, warnings


def _costs(given: Costs, cost: specs.CostSpec) -> Costs:
    return Costs.model_validate({**_beside(given), "model": cost.name, **resolve_options(cost, given.options, "costs")})


def _labels(recipe: Recipe, registry: Registry, label: specs.LabelSpec) -> Labels:
    params = resolve_options(label, recipe.labels.params, "labels.params")
    return recipe.labels.model_copy(update={"params": params, "weights": resolve_weights(recipe, registry, label)})


def with_sampler(recipe: Recipe, registry: Registry) -> tuple[Recipe, specs.SamplerSpec]:
    """Return a recipe with all options of the sampler that a sweep of it asks, and that sampler.

    Raises
    ------
    RecipeError, PluginError
        For an unknown sampler or option.
    """
    sampler = _named(registry, specs.SamplerSpec, recipe.tuning.sampler, "tuning.sampler")
    try:
        options = resolve_options(sampler, recipe.tuning.sampler_options, "tuning.sampler_options")
    except UnknownOption as e:
        raise RecipeError(f"{e}{instead(e, registry)}") from None
    return recipe.model_copy(update={"tuning": recipe.tuning.model_copy(update={"sampler_options": options})}), sampler


def _grid(given: Strategy, spec: specs.Spec, params: dict[str, Any], n_thresholds: int) -> dict[str, list[Any]]:
    """Return the values to choose from, checked as those of the options and limits that they stand for."""
    limits = [f"risk.{name}" for name in Risk.model_fields]
    grid: dict[str, list[Any]] = {}
    for key, values in sorted(given.grid.items()):
        try:
            if key in limits:
                grid[key] = [_limit(given.risk, key, value) for value in values]
            else:
                grid[key] = [resolve_options(spec, {**params, key: v}, "strategy.grid")[key] for v in values]
        except RecipeError as e:
            if key in params or key in limits:
                raise
            raise RecipeError(
                f"strategy.grid: unknown key {key!r}: it must be one of {one_of([*params, *limits])}"
                f"{near_misses(key, [*params, *limits])}"
            ) from e
    combinations = n_thresholds * math.prod(len(set(values)) for values in grid.values())
    if grid and combinations > COMBINATIONS:
        raise RecipeError(
            f"strategy.grid: with {n_thresholds} thresholds there are {combinations:,} combinations to choose from; "
            f"at most {COMBINATIONS:,} are possible: name fewer values, or fewer in threshold.grid"
        )
    return grid


def _limit(risk: Risk, key: str, value: Any) -> Any:
    """Return a value of a limit as the recipe's own table takes it."""
    name = key.removeprefix("risk.")
    try:
        return getattr(Risk.model_validate({**risk.model_dump(), name: value}), name)
    except ValidationError as e:
        error = e.errors()[0]
        detail = error["msg"].removeprefix("Input should ")
        raise RecipeError(f"strategy.grid.{key} must {detail}; it was {value!r}{meant(error['type'], value)}") from e


def _find(registry: Registry, kind: str, name: str, where: str) -> Plugin:
    """Return the plugin that the recipe names at `where`; that there is none is the recipe's error."""
    try:
        return registry.find(kind, name)
    except PluginError as e:
        raise RecipeError(f"{where}: {e}") from e


def _named(registry: Registry, kind: type[S], name: str, where: str) -> S:
    _find(registry, kind.kind, name, where)
    return registry.get(kind, name)


def _folds(recipe: Recipe, registry: Registry) -> Folds:
    splitter = _named(registry, specs.SplitterSpec, recipe.folds.splitter, "folds.splitter")
    check_walk_forward(splitter)
    options = resolve_options(splitter, recipe.folds.options, "folds")
    return Folds.model_validate({"splitter": splitter.name, "embargo": recipe.folds.embargo, **options})


def _suited(registry: Registry, name: str, label: specs.LabelSpec, where: str) -> specs.EnsemblerSpec:
    """Return the ensembler, or raise `RecipeError`, if it is for the other kind of label."""
    spec = _named(registry, specs.EnsemblerSpec, name, where)
    if spec.task not in ("any", label.task):
        fit = [n for n in registry.names("ensembler") if registry.get(specs.EnsemblerSpec, n).task != spec.task]
        raise RecipeError(
            f"{where}: {name!r} is for {spec.task} labels, and label {label.name!r} is for {label.task}: "
            f"use one of {one_of(fit)}"
        )
    return spec


def _options(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    source = _named(registry, specs.SourceSpec, recipe.data.source, "data.source")
    return source_options(source, recipe.data.options, "data")


def _models(recipe: Recipe, registry: Registry, task: str) -> tuple[dict[str, Model], list[str]]:
    wanted: dict[str, Model] = {n: m for n, m in recipe.models.items() if m is not False}
    for name, model in recipe.models.items():
        if model is False:
            _find(registry, "model", name, f"models.{name} = false")
    for name in registry.given("model"):
        if name not in recipe.models and not any(m.plugin == name for m in wanted.values()):
            wanted[name] = Model()
    unasked = [n for n in registry.at_hand("model") if n not in recipe.models and _is_baseline(registry, n)]
    wanted.update({n: Model() for n in unasked if registry.get(specs.ModelSpec, n).task in ("any", task)})
    models: dict[str, Model] = {}
    warnings: list[str] = []
    for name, model in wanted.items():
        plugin = _find(registry, "model", model.plugin or name, f"models.{name}")
        if plugin.state == "disabled":
            warnings.append(f"model {name!r} is left out: it {plugin.reason}")
            continue
        spec = check_warm(name, model, registry.get(specs.ModelSpec, plugin.name), registry)
        if spec.task == "classification" and task == "regression":
            if spec.baseline and name not in recipe.models:  # it would have joined unasked
                continue
            told = f"models.{name} is a classifier; label {recipe.labels.name!r} is a number"
            raise RecipeError(f"{told}: use regression models or the label 'direction'")
        options = resolve_options(spec, model.options, f"models.{name}")
        try:
            spec.for_label(task_of(task == "classification"), options)
        except PluginError as e:
            raise RecipeError(f"models.{name}: {e}") from e
        check_label(name, recipe, spec)
        kept = {name: getattr(model, name) for name in ("seeds", "warm_start", "accept_licence")}
        kept["seeds"] = None if model.seeds == 1 else model.seeds
        models[name] = Model.model_validate({**options, "plugin": plugin.name, **kept})
    if all(_is_baseline(registry, m.plugin or n) for n, m in models.items()):
        raise RecipeError(
            "models: the recipe has no usable model: name at least one, e.g. [models.logistic]; "
            f"known are {one_of(registry.names('model'))}"
        )
    check_categories(recipe, registry, [m.plugin or n for n, m in models.items()])
    check_ranks(recipe, registry, {n: m.plugin or n for n, m in models.items()})
    return models, warnings


def _is_baseline(registry: Registry, name: str) -> bool:
    spec = registry.find("model", name).spec
    return isinstance(spec, specs.ModelSpec) and spec.baseline


def _gates(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    preset, named = PRESETS[recipe.gates.preset], recipe.gates.named
    for name, given in named.items():
        if given is False:
            _find(registry, "gate", name, f"gates.{name} = false")
    names: dict[str, Any] = {**preset, **{name: {} for name in registry.given("gate")}}
    for name, given in named.items():
        names[name] = False if given is False else {**(names.get(name) or {}), **given}
    judging = {name: options for name, options in sorted(names.items()) if options is not False}
    if not judging:
        raise RecipeError("gates: none is left; a run without gates cannot be judged")
    return {
        name: resolve_options(_named(registry, specs.GateSpec, name, f"gates.{name}"), options, f"gates.{name}")
        for name, options in judging.items()
    }


def to_toml(recipe: Recipe, registry: Registry) -> str:
    """Return a resolved recipe as TOML, with anything that looks like a literal secret masked.

    What would join unasked but was taken away is written as false, so that it stays away.
    """
    table = recipe.model_dump(exclude_none=True)
    baselines = [name for name in registry.at_hand("model") if _is_baseline(registry, name)]
    for section, unasked in (("models", baselines), ("gates", PRESETS[recipe.gates.preset])):
        table[section].update({name: False for name in unasked if name not in table[section]})
    return tomli_w.dumps(_masked(table))


def _beside(table: Data | Costs) -> dict[str, Any]:
    """Return what a table says beside its plugin's own options."""
    return {name: getattr(table, name) for name in type(table).model_fields}


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as JSON holds it, with anything that looks like a literal secret masked."""
    return _masked(recipe.model_dump(mode="json", exclude_none=True))


def _masked(table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {**table, **{name: mask(table[name]) for name in schema.READ if name in table}}
    if "alerts" in table:  # what one is called, such as "token", makes no secret of its options
        found["alerts"] = {name: mask(one) for name, one in table["alerts"].items()}
    return found
