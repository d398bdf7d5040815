"""Whether anything of symbols that are held out is learnt: the same training rows with other bars of theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.errors import IntegrityError
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.runs.audit.detectors import Finding
from quorate.runs.audit.pipeline import walk_forward_of
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.tasks import fit_data

NAME = "held-out symbols"


def held_out(recipe: Recipe, registry: Registry, bars: Bars) -> Finding:
    """Lay out the rows twice, the second time with other bars of the symbols that are held out, and compare.

    Parameters
    ----------
    bars : Bars
        Of all symbols, up to the holdout.
    """
    names = recipe.holdout.held_out
    try:
        walk, other = (walk_forward_of(recipe, registry, known) for known in (bars, _others(bars, names)))
        compared = _compare(walk, other, names)
    except IntegrityError as e:
        return Finding(NAME, "alarm", str(e))
    told = f"{compared:,} training rows, the same with other bars of {len(names)} symbols that are held out"
    return Finding(NAME, "clean", told, {"compared": compared})


def _others(bars: Bars, names: list[str]) -> Bars:
    """Return the bars with other prices and volumes of some symbols: halves and doubles in turn."""
    factor = np.where(np.arange(len(bars)) % 2, 2.0, 0.5)[:, None]
    factor = np.where(np.isin(bars.symbols, names), factor, 1.0)
    return replace(bars, **{name: getattr(bars, name) * factor for name in FIELDS})


def _compare(walk: WalkForward, other: WalkForward, names: list[str]) -> int:
    """Return how many training rows were compared.

    Raises
    ------
    IntegrityError
        If one is of a symbol that is held out, or is another with other bars of these.
    """
    count, symbols = 0, [*walk.bars.symbols, *(walk.unseen.bars.symbols if walk.unseen else ())]
    for fold, again in zip(*(fit_data(one, one.folds).folds for one in (walk, other)), strict=True):
        of = {symbols[k] for k in np.unique(walk.dataset.symbol[fold.train])}
        if wrong := sorted(of & set(names)):
            raise IntegrityError(f"fold {fold.index} trains on rows of {wrong[0]}, which is held out")
        for what, before, now in (
            ("features", walk.dataset.X[fold.train], other.dataset.X[again.train]),
            ("labels", walk.dataset.y[fold.train], other.dataset.y[again.train]),
        ):
            if not np.array_equal(before, now):
                raise IntegrityError(
                    f"the {what} of fold {fold.index}'s training rows change with the bars of symbols that are held out"
                )
        count += len(fold.train)
    return count
