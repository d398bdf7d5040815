"""How the bars of a recipe become rows: its features, its label, and what its models read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from quorate.bars.panel import Bars
from quorate.dataset.columns import Columns, feature_columns
from quorate.dataset.join import bars_needed
from quorate.dataset.labels import Labels, build_labels
from quorate.dataset.rows import Dataset, build_dataset
from quorate.errors import DataError, plural
from quorate.execution.features import FeatureCache
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, LabelSpec, ModelSpec
from quorate.recipe.schema import Recipe
from quorate.walkforward.causality import audit_rows
from quorate.walkforward.weights import weightings_of


@dataclass(frozen=True, eq=False)
class Rows:
    """How bars become rows.

    Parameters
    ----------
    build : callable
        From bars to rows with features and labels.
    columns : callable
        From bars to the features of these rows, one after the other.
    labels : callable
        From bars to labels.
    warnings : list of str
        What is to be told.
    """

    build: Callable[[Bars], Dataset]
    columns: Callable[[Bars], Columns]
    labels: Callable[[Bars], Labels]
    warnings: list[str]


def rows_of(recipe: Recipe, registry: Registry, bars: Bars, kept: FeatureCache | None = None, reach: int = 0) -> Rows:
    """Return how the bars of a recipe become rows; `bars` tell which features there are data for.

    What is `kept` of features is taken for all of `bars` alone, and computed for other ones; `reach` as of `prepare`.
    """
    members = [model_of(registry, name, recipe) for name in recipe.models]
    features, warnings = features_of(recipe, registry, bars)
    history = max(reach, *(m.lookback for m in members))
    window = max((max(m.lookback, reach) for m in members if m.input == "windows"), default=0)
    raw = any(m.input == "bars" for m in members)
    moves = any(one.spec.moves for one in weightings_of(recipe, registry))
    labels = partial(_labels_at, recipe, registry, recipe.labels.horizon)

    def build(known: Bars) -> Dataset:
        values = kept.values if kept is not None and known is bars else None
        texts, path = recipe.features.categories, recipe.labels.path
        several = {step: _labels_at(recipe, registry, step, known) for step in path}
        return build_dataset(known, features, labels(known), history, window, texts, values, several, moves, raw)

    def columns(known: Bars) -> Columns:
        return feature_columns(known, features, history, window)

    return Rows(build, columns, labels, warnings)


def audit_steps(
    recipe: Recipe, registry: Registry, bars: Bars, dataset: Dataset, first: int, at: Sequence[int] = ()
) -> None:
    """Audit the labels of every step as `audit_rows` does those of the step that is traded."""
    for column, step in enumerate(dataset.steps):
        one = replace(dataset, y=dataset.path[:, column], end=dataset.path_end[:, column])
        audit_rows(bars, one, None, partial(_labels_at, recipe, registry, step), first, at)


def _labels_at(recipe: Recipe, registry: Registry, step: int | str, bars: Bars) -> Labels:
    return build_labels(bars, label_of(recipe, registry), step, recipe.backtest.fill, recipe.labels.params)


def history_of(recipe: Recipe, registry: Registry, bars: Bars) -> int:
    """Return how many bars a row needs: the longest lookback of features and models."""
    features, _ = features_of(recipe, registry, bars)
    members = [model_of(registry, name, recipe) for name in recipe.models]
    return max(*(bars_needed(one, bars) for one in features), *(one.lookback for one in members))


def label_of(recipe: Recipe, registry: Registry) -> LabelSpec:
    """Return the label that a recipe learns."""
    return registry.get(LabelSpec, recipe.labels.name)


def model_of(registry: Registry, name: str, recipe: Recipe) -> ModelSpec:
    """Return the model of one of a recipe's members, as its parameters make it."""
    model = recipe.models[name]
    spec = registry.get(ModelSpec, (model.plugin if model else None) or name)
    return spec.with_params(model.options if model else {})


def features_of(recipe: Recipe, registry: Registry, bars: Bars) -> tuple[list[FeatureSpec], list[str]]:
    """Return the features of a recipe that these bars have the data for, and warnings."""
    features = [registry.get(FeatureSpec, name) for name in recipe.features.use]
    if bars.has_volume:
        return features, []
    usable = [s for s in features if "volume" not in s.inputs]
    left = len(features) - len(usable)
    lack = int((bars.present & ~np.isfinite(bars.volume)).sum())
    if not usable:
        raise DataError(
            f"{plural(lack, 'bar')} without volume, and every selected feature needs it: select others with "
            "features.use"
        )
    return usable, [f"{lack} bars have no volume: {left} features that need it are left out"] if left else []
