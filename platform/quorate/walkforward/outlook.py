"""What looks wrong with folds before anything is fitted on them, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from warnings import catch_warnings, simplefilter

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.errors import QuorateError, plural
from quorate.plugins.registry import Registry
from quorate.plugins.specs import Span
from quorate.recipe.schema import RETURN_DEFAULT, SCORE_DEFAULT, Folds, Recipe
from quorate.walkforward.layout import WalkForward, spans_of
from quorate.walkforward.rows import history_of

WANTED = 5  # folds that a remedy makes
STUB = 1 / 12  # of the fold before: a month, where folds are years
LEAST = 100  # rows that the first fold of a remedy trains on, at least


def doubts(walk: WalkForward, folds: Sequence[Fold]) -> Iterator[str]:
    """Yield what looks wrong with the folds of a development, with the settings that would mend it."""
    lengths = [fold.stop - fold.first for fold in folds]
    if len(folds) == 1:
        remedy = remedy_of(walk.recipe, walk.registry, walk.bars)
        yield (
            f"there is one fold, of {plural(lengths[0], 'bar')}: weights and thresholds are chosen from earlier folds, "
            f"and there is none{remedy or ': give more history'}"
        )
    elif lengths[-1] < lengths[-2] * STUB and (even := _evened(walk)):
        yield f"the last fold has {plural(lengths[-1], 'bar')}, the others {lengths[-2]:,}{even}"
    yield from _of_thresholds(walk, folds)


def _of_thresholds(walk: WalkForward, folds: Sequence[Fold]) -> Iterator[str]:
    threshold = walk.recipe.threshold
    if len(folds) == 1 or len(set(threshold.grid or ())) == 1:
        return
    # Bars that are predicted before the last fold, which could choose from them.
    chosen = folds[-1].first - folds[0].first
    if chosen < threshold.min_bars:
        yield (
            f"before the last fold {plural(chosen, 'bar')} are predicted, and a threshold is chosen from "
            f"{threshold.min_bars} on: all folds trade by threshold.default = {threshold.default:g}; give more "
            "history, or lower threshold.min_bars"
        )
    elif threshold.default != (SCORE_DEFAULT if walk.binary else RETURN_DEFAULT):
        yield (
            f"threshold.default = {threshold.default:g} serves only until {threshold.min_bars} bars are predicted; "
            f"then each fold chooses from threshold.grid. For one threshold throughout: "
            f"--set threshold.grid=[{threshold.default:g}]"
        )


def remedy_of(recipe: Recipe, registry: Registry, bars: Bars) -> str:
    """Return settings of the splitter by which these bars make several folds, to be put after a message; or nothing.

    What the first fold trains on shrinks to half of the bars, but keeps those that features need.
    """
    options, n = recipe.folds.options, len(bars)
    half = max(n // 2, history_of(recipe, registry, bars) + LEAST)
    found: dict[str, Any] = {}
    for name in ("initial", "train"):
        if type(options.get(name)) is int and type(options.get("test")) is int:
            train = min(int(options[name]), half)
            found = {**({} if train == options[name] else {name: train}), "test": -(-(n - train) // WANTED)}
            break
    else:
        found = {"folds": WANTED} if type(options.get("folds")) is int else {"splitter": "auto"}
    spans = _spans_with(recipe, registry, bars, found)
    if len(spans) < WANTED - 1 or spans[0].first < half:
        return ""
    return f": for {len(spans)} folds of {plural(spans[0].stop - spans[0].first, 'bar')}, {_settings(found)}"


def remedy_if_refused(recipe: Recipe, registry: Registry, bars: Bars) -> str:
    """Return `remedy_of`, if the recipe's splitter makes no folds of these bars."""
    return "" if _spans_with(recipe, registry, bars, {}) else remedy_of(recipe, registry, bars)


def _evened(walk: WalkForward) -> str:
    """Return by which length of folds the rest of the last one is spread over the others; nothing, if by none."""
    if type(walk.recipe.folds.options.get("test")) is not int:
        return ""
    first, n = walk.folds[0].first, len(walk.bars)
    whole = len(walk.folds) - 1
    if whole == 1:
        return remedy_of(walk.recipe, walk.registry, walk.bars)
    found = {"test": -(-(n - first) // whole)}
    spans = _spans_with(walk.recipe, walk.registry, walk.bars, found)
    if len(spans) != whole:
        return ""
    return f": without it, {_settings(found)}"


def _spans_with(recipe: Recipe, registry: Registry, bars: Bars, changes: Mapping[str, Any]) -> list[Span]:
    """Return the spans that the splitter would make; none, if it would refuse."""
    kept = {} if "splitter" in changes else recipe.folds.model_dump()
    changed = recipe.model_copy(update={"folds": Folds.model_validate({**kept, **changes})})
    with catch_warnings():
        simplefilter("ignore")
        try:
            return spans_of(changed, registry, bars)
        except QuorateError:
            return []


def _settings(changes: Mapping[str, Any]) -> str:
    return " ".join(f"--set folds.{name}={value}" for name, value in changes.items())
