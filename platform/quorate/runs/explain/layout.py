"""What is shuffled, among which rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quorate.dataset.folds import NEVER, Fold, Positions, Shuffles
from quorate.ensemble.within import WITHIN
from quorate.errors import DataError
from quorate.execution.task import fit_seed
from quorate.plugins.specs import FeatureSpec
from quorate.walkforward.layout import WalkForward

LEAST_ROWS = 20  # with a label, for a fold to say something
FEWEST_ROWS, MOST_ROWS = 50, 250  # sampled of a fold
ALL_ROWS = 5_000  # sampled of all folds
PREDICTIONS = 25_000  # of one fit
MOST_REPEATS = 5


@dataclass(frozen=True)
class Units:
    """What is shuffled: each feature by itself, then each group of features jointly.

    Parameters
    ----------
    features : tuple of str
        By column, and categories after them.
    groups : dict
        Group to its columns.
    """

    features: tuple[str, ...]
    groups: dict[str, tuple[int, ...]]

    @property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """The columns of each feature, then of each group."""
        return (*((j,) for j in range(len(self.features))), *self.groups.values())


def units_of(walk: WalkForward) -> Units:
    """Return the features of a walk-forward and their groups, as the features' specs name them; categories last."""
    names, categories = walk.dataset.feature_names, walk.dataset.categories.names
    groups: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        spec = walk.registry.get(FeatureSpec, name)
        groups.setdefault(spec.group, []).append(j)
    if categories:
        groups.setdefault("categories", []).extend(range(len(names), len(names) + len(categories)))
    return Units((*names, *categories), {group: tuple(columns) for group, columns in groups.items()})


def sampled(walk: WalkForward, units: Units) -> list[Fold]:
    """Return the folds with a sample of their labelled test rows, and the orders in which these are shuffled.

    Left out are folds with less than half of the rows that others have, as the last one may be: folds count alike.
    Rows and orders depend on the run's seed and the fold alone, so that all members are asked the same.

    Raises
    ------
    DataError
        If no fold has labelled rows enough.
    """
    dataset, n_units = walk.dataset, len(units.columns)
    share = max(FEWEST_ROWS, min(MOST_ROWS, ALL_ROWS // len(walk.folds), PREDICTIONS // n_units))
    labelled = [fold.test[dataset.end[fold.test] != NEVER] for fold in walk.folds]
    least = max(LEAST_ROWS, float(np.median([min(len(rows), share) for rows in labelled])) / 2)
    found = []
    for fold, rows in zip(walk.folds, labelled, strict=True):
        if len(rows) < least:
            continue
        rng = np.random.default_rng(fit_seed(walk.recipe.seed, "explanation", fold.index))
        if walk.recipe.ensemble.calibration in WITHIN:
            rows = _of_bars(dataset.bar, fold.test, rows, share, rng)
        elif len(rows) > share:
            rows = np.sort(rng.choice(rows, share, replace=False))
        found.append((replace(fold, test=rows), rng))
    if not found:
        raise DataError(
            f"none of {len(walk.folds)} folds has {LEAST_ROWS} test rows with a label: too little to explain; raise "
            "folds.test"
        )
    # The same for all folds, so that they count alike.
    repeats = max(1, min(MOST_REPEATS, PREDICTIONS // (n_units * max(len(fold.test) for fold, _ in found))))
    orders = [np.array([rng.permutation(len(fold.test)) for _ in range(repeats)]) for fold, rng in found]
    return [
        replace(fold, shuffles=Shuffles(units.columns, order)) for (fold, _), order in zip(found, orders, strict=True)
    ]


def _of_bars(bar: Positions, test: Positions, labelled: Positions, share: int, rng: np.random.Generator) -> Positions:
    """Return about so many rows, all those of some bars: forecasts are places among the rows of their bar."""
    bars, count = np.unique(bar[test], return_counts=True)
    whole = bars[count == np.searchsorted(bar[labelled], bars, "right") - np.searchsorted(bar[labelled], bars)]
    wanted = int(max(share // count.max(), 1))
    chosen = rng.choice(whole, wanted, replace=False) if len(whole) > wanted else whole
    return test[np.isin(bar[test], chosen)]


def shuffles_of(fold: Fold) -> Shuffles:
    """Return what a sampled fold asks for."""
    assert fold.shuffles is not None
    return fold.shuffles
