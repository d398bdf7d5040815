"""What a sweep is asked to tune, checked before anything is fitted: models one by one, or the recipe as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.errors import RecipeError, near_misses, one_of
from quorate.execution.task import fit_seed
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec, SamplerSpec
from quorate.recipe.schema import TUNED, Recipe
from quorate.sweeps.inner import Window, inner_walk, reach_of
from quorate.sweeps.objectives import Objectives, objectives_of
from quorate.sweeps.pruning import stops_of
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.search import Rules, Search
from quorate.sweeps.shared import SharedSearch, SharedStudy
from quorate.sweeps.space import Space, space_of
from quorate.sweeps.study import Study
from quorate.sweeps.subject import Ground, OneModel, Subject
from quorate.sweeps.trial import REFERENCE, Trial
from quorate.sweeps.variant import key_space, refused, table_of
from quorate.sweeps.verdict import options_of
from quorate.sweeps.whole import SECTIONS, WholeRecipe
from quorate.walkforward.members import Fitting

Told = Callable[[str, Trial], None]


@dataclass(frozen=True)
class Asked:
    """What a sweep tunes.

    Parameters
    ----------
    spaces : mapping of str to Space
        By search: of each model that is tuned, or, of a whole recipe, the only one.
    whole : bool
        Whether the recipe is tuned as a whole.
    members : list of str
        The models that take part.
    objectives : Objectives
        What trials are compared by.
    stops : str
        The rule that stops trials early.
    """

    spaces: Mapping[str, Space]
    whole: bool
    members: list[str]
    objectives: Objectives
    stops: str


def asked_of(recipe: Recipe, registry: Registry) -> Asked:
    """Return what a recipe asks for.

    Where metrics are the objective, or other keys than those of models are tuned, the recipe is tuned as a whole: by
    its ensemble.

    Raises
    ------
    RecipeError
        For a model or key that the recipe does not have, or that cannot be tuned.
    """
    rules = recipe.tuning
    specs = {name: registry.get(ModelSpec, (m.plugin if m else None) or name) for name, m in recipe.models.items()}
    voting = [name for name, spec in specs.items() if not spec.baseline]
    objectives = objectives_of(rules, registry)
    _check_stopping(recipe, objectives)
    keys = {key: wanted for key, wanted in rules.space.items() if key.partition(".")[0] in TUNED}
    whole = bool(objectives.metrics or keys)
    of_models = _of_models(recipe, registry, specs, voting, {k: v for k, v in rules.space.items() if k not in keys})
    if not whole:
        return Asked(of_models, False, list(of_models), objectives, _stops(recipe, objectives))
    if outside := sorted(set(of_models) - set(voting)):
        raise RecipeError(f"tuning.models: {outside[0]} is a baseline, which no ensemble combines: leave it out")
    within = recipe.model_copy(update={"models": {name: recipe.models[name] for name in voting}})
    economic = bool(objectives.metrics) and not any(metric.forecasts for metric in objectives.metrics)
    space = key_space(within, registry, keys, of_models, economic)
    if not space:
        raise RecipeError("there is nothing to tune: name ranges in [tuning.space], e.g. strategy.risk.stop")
    alone = len(voting) == 1 and list(of_models) == voting and not keys
    name = voting[0] if alone else recipe.name
    return Asked({name: space}, True, voting, objectives, _stops(recipe, objectives))


def _check_stopping(recipe: Recipe, objectives: Objectives) -> None:
    rules = recipe.tuning
    if rules.stop == "noise" and (objectives.metrics or rules.storage):
        what = "a shared study" if rules.storage else objectives.names[0]
        raise RecipeError(f'tuning.stop = "noise" is for a loss in a study of one\'s own; this is {what}')


def _of_models(
    recipe: Recipe,
    registry: Registry,
    specs: Mapping[str, ModelSpec],
    voting: Sequence[str],
    given: Mapping[str, Any],
) -> dict[str, Space]:
    """Return the spaces of the models that are tuned."""
    rules = recipe.tuning
    for key, names in (("tuning.models", rules.models or []), ("tuning.space", given)):
        for name in names:
            if name not in specs:
                why = refused(name)
                raise RecipeError(
                    f"{key}: {name} cannot be tuned: {why}"
                    if why
                    else f"{key}: the recipe has no model {name!r}: it has {one_of(specs)}{near_misses(name, specs)}"
                )
    if rules.models is False:
        return {}
    wanted = rules.models or [name for name in voting if specs[name].space or name in given]
    if not wanted and len(given) == len(rules.space):
        raise RecipeError("no model of this recipe has a search space: name ranges in [tuning.space.MODEL]")
    for name in wanted:
        if registry.find("model", specs[name].name).provider.inline is not None:
            raise RecipeError(f"model {name!r} is an inline plugin, which no sweep can tune: put it into a file")
    for step in (one for chain in recipe.features.transforms.values() if chain for one in chain):
        if registry.find("transform", step.name).provider.inline is not None:
            raise RecipeError(
                f"transform {step.name!r} is an inline plugin, which no sweep can use: put it into a file"
            )
    for one in recipe.labels.weights or ():
        if registry.find("weight", one.name).provider.inline is not None:
            raise RecipeError(f"weight {one.name!r} is an inline plugin, which no sweep can use: put it into a file")
    # What is said of a model that is not tuned this time is checked, too.
    found = {
        name: space_of(specs[name], given.get(name, {}), options_of(recipe, name), name)
        for name in sorted({*wanted, *given})
    }
    return {name: space for name, space in found.items() if name in wanted}


def _stops(recipe: Recipe, objectives: Objectives) -> str:
    """Return the rule that stops trials, after checking that it can."""
    rule = recipe.tuning.pruner
    if rule == "auto":
        return "none" if objectives.metrics else "race"
    if rule != "none" and objectives.several:
        raise RecipeError(
            f'tuning.pruner = "{rule}": with several objectives no trial can be stopped early: use "none"'
        )
    if rule in ("race", "wilcoxon") and objectives.metrics:
        raise RecipeError(
            f'tuning.pruner = "{rule}" compares losses bar by bar, and the objective is {objectives.names[0]}: use '
            '"median", "hyperband" or "none"'
        )
    return rule


def check_sampler(sampler: Sampler, asked: Asked, recipe: Recipe) -> None:
    """Ask a sampler for each search's first trial: one that fails says so before anything is fitted.

    Raises
    ------
    RecipeError, PluginError
        If it does not serve several objectives, fails, or gives what is not in the space.
    """
    spec: SamplerSpec = sampler.spec
    if asked.objectives.several and not spec.several:
        raise RecipeError(
            f"tuning.sampler: {spec.name} serves one objective, and there are "
            f"{len(asked.objectives.names)}: take e.g. tpe or nsga2"
        )
    for name, space in asked.spaces.items():
        sampler.suggest(space, [], [], 0, study_seed(recipe, name))


def study_seed(recipe: Recipe, name: str, suffix: str = "") -> int:
    """Return the seed of a search."""
    return fit_seed(recipe.seed, f"{name} tuning{suffix}")


def subjects_of(
    asked: Asked, recipe: Recipe, registry: Registry, window: Window, fitting: Fitting
) -> dict[str, Subject]:
    """Return what the searches of a window tune."""
    if not asked.whole:
        reach = reach_of(recipe, registry, asked.spaces)
        ground = Ground(inner_walk(recipe, registry, window, asked.members, fitting.arrays, reach))
        return {
            name: OneModel(ground, name, space, options_of(recipe, name), fitting)
            for name, space in asked.spaces.items()
        }
    [(name, space)] = asked.spaces.items()
    within = recipe.model_copy(update={"models": {member: recipe.models[member] for member in asked.members}})
    table = table_of(within, asked.members)
    own = {key: table[key] for key in space if key in table}
    each = asked.stops != "none"
    return {name: WholeRecipe(name, space, own, within, registry, window, asked.objectives, fitting, each)}


def searches_of(
    asked: Asked,
    subjects: Mapping[str, Subject],
    studies: Callable[[str, Space], Study],
    sampler: Sampler,
    recipe: Recipe,
    suffix: str,
    told: Told,
) -> dict[str, Search]:
    """Return the searches of a window, with the trials that their studies hold from before.

    Parameters
    ----------
    studies : callable
        Opens the study of a search, by name and space.
    suffix : str
        Tells this window's from those of others.
    told : callable
        Hears of every trial that is decided, with the search's name.
    """
    rules = recipe.tuning
    own_rows = any(key.partition(".")[0] in SECTIONS for space in asked.spaces.values() for key in space)
    found: dict[str, Search] = {}
    for name, subject in subjects.items():
        study = studies(f"{name}{suffix}", subject.space)
        found[name] = (SharedSearch if isinstance(study, SharedStudy) else Search)(
            study,
            Trial(REFERENCE, subject.own),
            Rules(
                rules.trials,
                rules.folds,
                sampler,
                study_seed(recipe, name, suffix),
                stops_of(asked.stops, rules.level, rules.folds),
                rules.max_failures,
                asked.objectives,
                asked.whole and own_rows,
                rules.stop == "noise",
            ),
            lambda trial, name=name: told(name, trial),  # type: ignore[misc]
        )
    return found
