"""The inner walk-forward: the history before the first bar that the recipe's own walk-forward predicts."""

from __future__ import annotations

from quorate.bars.panel import Bars
from quorate.errors import DataError, plural
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Folds, Recipe
from quorate.store.kept import KeptArrays
from quorate.walkforward.layout import WalkForward, history_of, holdout_start, prepare, spans_of

SHARE = 2 / 3  # of the usable history that the inner folds predict; the rest trains the first of them
LEAST = 25  # bars of a fold: one block of the test by which trials are compared


def inner_walk(
    recipe: Recipe, registry: Registry, bars: Bars, models: list[str], kept: KeptArrays | None
) -> WalkForward:
    """Lay out the inner folds; all bars from the first outer test bar on are cut off before anything is computed.

    Parameters
    ----------
    models : list of str
        The recipe's names of those to tune.

    Raises
    ------
    DataError
        If that history is too short.
    """
    seen = bars.until(holdout_start(bars, recipe))
    first = spans_of(recipe, registry, seen)[0].first
    known = bars.until(first)
    wanted = recipe.tuning.folds
    history = history_of(recipe, registry, known)
    test = int((first - history) * SHARE) // wanted
    if test < LEAST:
        needed = history + round(wanted * LEAST / SHARE)
        raise DataError(
            f"tuning sees the {plural(first, 'bar')} before the first that the walk-forward predicts ({known.span}); "
            f"{wanted} inner folds of at least {LEAST} bars need about {needed}: raise the first window, e.g. "
            "folds.initial, or lower tuning.folds"
        )
    inner = recipe.model_copy(
        update={
            "folds": Folds.model_validate(
                {
                    "splitter": "expanding",
                    "embargo": recipe.folds.embargo,
                    "initial": first - wanted * test,
                    "test": test,
                }
            ),
            "models": {name: recipe.models[name] for name in models},
        }
    )
    return prepare(inner, registry, known, [(0, first)], kept)
