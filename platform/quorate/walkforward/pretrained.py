"""Members that begin with weights which were trained elsewhere, and which judged rows these may have seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec, Pretrained
from quorate.recipe.schema import Recipe
from quorate.walkforward.layout import WalkForward


def begun_with(recipe: Recipe, registry: Registry) -> dict[str, Pretrained]:
    """Return the weights that members begin with, by the member's name.

    Raises
    ------
    PluginError
        If they are not there.
    """
    found = {}
    for name, model in recipe.models.items():
        if model and (weights := registry.get(ModelSpec, model.plugin or name).begins_with(model.options)):
            found[name] = weights
    return found


def seen_rows(walk: WalkForward, rows: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """Return for each such member what its weights are, and how many of these rows they may have seen.

    A row counts as seen, if its bar closed on the last day that the weights were trained on, or before. Where that day
    is not known it is the one on which they came out; where that is not known either, all rows are.
    """
    days = walk.bars.times[walk.dataset.bar[rows]].astype("datetime64[D]")
    found = begun_with(walk.recipe, walk.registry)
    return {name: _told(name, weights, days) for name, weights in found.items()}


def check_licences(recipe: Recipe, registry: Registry) -> None:
    """Raise `RecipeError`, if weights forbid use for profit, and the recipe does not accept that."""
    for name, weights in begun_with(recipe, registry).items():
        model = recipe.models[name]
        if not weights.commercial and model and model.accept_licence != weights.licence:
            raise RecipeError(
                f"the licence of {weights.weights}, {weights.licence!r}, forbids use for profit, and nobody accepted "
                f'that: leave models.{name} out, or have accept_licence = "{weights.licence}" in its table, which is '
                "put on record, and run the recipe again"
            )


def _told(name: str, weights: Pretrained, days: NDArray[np.datetime64]) -> dict[str, Any]:
    until = weights.seen_until
    seen = len(days) if until is None else int((days <= np.datetime64(until)).sum())
    told = {
        "model": name,
        "weights": weights.weights,
        "licence": weights.licence,
        "commercial": weights.commercial,
        "sha256": weights.sha256,
        "trained_until": weights.trained_until or None,
        "released": weights.released or None,
        "rows": len(days),
        "seen": seen,
    }
    return {**told, "words": _words(told) if seen else ""}


def _words(told: Mapping[str, Any]) -> str:
    count = "all" if told["seen"] == told["rows"] else f"{told['seen']:,} of"
    if told["trained_until"]:
        until = f"were trained on what came until {told['trained_until']}"
    elif told["released"]:
        until = f"came out on {told['released']}, and nothing says until when their training data reach"
    else:
        until = "tell neither until when their training data reach nor when they came out"
    return f"{told['model']}: {count} {told['rows']:,} rows may be known to its weights: {told['weights']} {until}"
