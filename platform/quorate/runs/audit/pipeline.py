"""A recipe's own pipeline, run for the audit: the same code, on other bars, with less of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.bars.panel import Bars
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.covariates import without_rates
from quorate.recipe.schema import Costs, Folds, Model, Recipe
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward, prepare, spans_of
from quorate.walkforward.members import Fitting, collect
from quorate.walkforward.series import decide_judged, judge_span

FOLDS = 4


def audited(recipe: Recipe, registry: Registry, bars: Bars, full: bool) -> Recipe:
    """Return the recipe as it is audited: nothing beside the judged series, no costs, and small unless `full`.

    Rates of interest stay, for the audit of covariates; no market is traded with them, see `walk_forward_of`.

    Small means `FOLDS` folds, from the recipe's own first one on, every model's ``audit_params``, and of several seeds
    two.
    """
    rates = {key: getattr(recipe.costs, key) for key in ("borrow", "funding")}
    update: dict[str, Any] = {
        "ensemble": recipe.ensemble.model_copy(update={"compare": []}),
        "strategy": recipe.strategy.model_copy(update={"compare": []}),
        "costs": Costs.model_validate({**rates, "model": "fixed", "fees": 0.0, "slippage": 0.0}),
    }
    if not full:
        first = spans_of(recipe, registry, bars)[0].first
        test = -(-(len(bars) - first) // FOLDS)
        update["folds"] = Folds.model_validate({"splitter": "expanding", "initial": first, "test": test})
        update["models"] = {name: _small(model, name, registry) for name, model in recipe.models.items() if model}
    return recipe.model_copy(update=update)


def _small(model: Model, name: str, registry: Registry) -> Model:
    spec = registry.get(ModelSpec, model.plugin or name)
    less = {key: _lesser(model.options.get(key), value) for key, value in spec.audit_params.items()}
    return Model.model_validate({**model.model_dump(), "seeds": model.seeds and 2, **less})


def _lesser(given: Any, audit: Any) -> Any:
    numbers = isinstance(given, int | float) and isinstance(audit, int | float)
    return min(given, audit) if numbers else audit


def predictions_of(walk: WalkForward, fitting: Fitting, in_sample: bool = True) -> Floats:
    """Return the out-of-fold predictions of all members, (n_rows, n_members); see `Fitting.run`."""
    return collect(walk, fitting.run(walk, walk.folds, in_sample=in_sample))


def walk_forward_of(recipe: Recipe, registry: Registry, bars: Bars) -> WalkForward:
    """Return rows and folds over all of these bars, traded without carry.

    Markets without anything to find are drawn without drift: what they earn is in excess of cash as it is.
    """
    return prepare(without_rates(recipe), registry, bars, [(0, len(bars))])


def returns_of(walk: WalkForward, predictions: Floats) -> Floats:
    """Return what the judged series earns per bar, from the first fold on."""
    judged = decide_judged(walk, predictions)
    [(_, performance), _] = judge_span(walk, [judged], walk.folds[0].first, len(walk.bars))
    return performance.returns


def options_of(recipe: Recipe) -> Mapping[str, Any]:
    """Return all of a resolved recipe that says how bars become decisions."""
    table = recipe.model_dump(mode="json", exclude_none=True)
    judging = ("benchmark", "factors", "holdout", "gates")
    left_out = ("name", "description", "data", *judging, "execution", "plugins", "on_failure", "artefacts", "alerts")
    if not recipe.features.transforms:  # audits from before there were any hold on
        del table["features"]["transforms"]
    cash = {"cash": table["data"]["cash"]} if recipe.data.cash is not None else {}
    return {**{key: value for key, value in table.items() if key not in left_out}, **cash}
