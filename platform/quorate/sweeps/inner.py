"""The inner walk-forward: the history before the first bar that is to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quorate.bars.panel import Bars
from quorate.errors import DataError, plural
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.schema import Folds, Recipe
from quorate.store.kept import KeptArrays
from quorate.sweeps.space import Space, extremes
from quorate.walkforward.layout import WalkForward, holdout_start, prepare, spans_of
from quorate.walkforward.rows import history_of

SHARE = 2 / 3  # of the usable history that the inner folds predict; the rest trains the first of them
LEAST = 25  # bars of a fold: one block of the test by which trials are compared


@dataclass(frozen=True)
class Window:
    """A history that is tuned on, and its inner folds: the same bars for every trial.

    Parameters
    ----------
    bars : Bars
        All that trials may know: they end before the first bar that is judged.
    initial, test : int
        Bars before the first inner fold, and of each.
    outer : tuple of int
        The folds of the recipe's walk-forward that are judged with what is found here, by their places.
    """

    bars: Bars
    initial: int
    test: int
    outer: tuple[int, ...]


def windows_of(recipe: Recipe, registry: Registry, bars: Bars, models: list[str], reach: int = 0) -> list[Window]:
    """Return the histories to tune on; the holdout, and what each one is judged on, are cut off.

    Parameters
    ----------
    models : list of str
        The recipe's names of those that take part.
    reach : int
        The longest window that one may read, see `reach_of`.

    Raises
    ------
    DataError
        If a history is too short.
    """
    seen = bars.until(holdout_start(bars, recipe))
    spans = spans_of(recipe, registry, seen)
    if recipe.tuning.scope == "first_window":
        return [_window(recipe, registry, seen.until(spans[0].first), models, tuple(range(len(spans))), reach)]
    return [_window(recipe, registry, seen.until(span.first), models, (k,), reach) for k, span in enumerate(spans)]


def reach_of(recipe: Recipe, registry: Registry, spaces: Mapping[str, Space]) -> int:
    """Return the longest window that a trial of a model may read: rows must have as much, the same for all trials."""
    found = [0]
    for name, space in spaces.items():
        model = recipe.models[name]
        spec = registry.get(ModelSpec, (model.plugin if model else None) or name)
        told = spec.settings.get("lookback", "")
        if spec.input == "windows" and told in space:
            found += [int(value) for value in extremes(space[told])]
    return max(found)


def _window(
    recipe: Recipe, registry: Registry, known: Bars, models: list[str], outer: tuple[int, ...], reach: int
) -> Window:
    wanted = recipe.tuning.folds
    history = max(history_of(_with_models(recipe, models), registry, known), reach)
    test = int((len(known) - history) * SHARE) // wanted
    if test < LEAST:
        needed = history + round(wanted * LEAST / SHARE)
        raise DataError(
            f"tuning sees the {plural(len(known), 'bar')} before the first that the walk-forward predicts "
            f"({known.span}); {wanted} inner folds of at least {LEAST} bars need about {needed}: raise the first "
            "window, e.g. folds.initial, or lower tuning.folds"
        )
    return Window(known, len(known) - wanted * test, test, outer)


def inner_walk(
    recipe: Recipe, registry: Registry, window: Window, models: list[str], kept: KeptArrays | None, reach: int = 0
) -> WalkForward:
    """Lay out a window's inner folds for a recipe, or a variant of it."""
    folds = {"splitter": "expanding", "embargo": recipe.folds.embargo, "initial": window.initial, "test": window.test}
    inner = _with_models(recipe, models).model_copy(update={"folds": Folds.model_validate(folds)})
    return prepare(inner, registry, window.bars, [(0, len(window.bars))], kept, reach)


def _with_models(recipe: Recipe, models: list[str]) -> Recipe:
    return recipe.model_copy(update={"models": {name: recipe.models[name] for name in models}})
