"""Forecasts that say nothing: nearly one direction, or nearly one value, where labels have both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quorate.execution.outputs import right_directions
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

LEAST = 50  # forecasts of a fold, for their spread to say something: few may well all be of one direction
ONE_WAY = 0.99  # share of forecasts of one direction, from which on they tell none
BOTH_WAYS = 0.9  # share of labels of one direction, below which that is not what came
STILL = 1e-3  # of the labels' standard deviation: what varies less is one value
ONE_VALUE, ONE_DIRECTION = "one value", "one direction"


@dataclass(frozen=True)
class Spread:
    """How much forecasts differ from each other, and the labels of the same rows.

    Parameters
    ----------
    rows : int
        With a label.
    direction_share, label_direction_share : float
        Share of the more frequent direction of the forecasts, and of the labels.
    sd, label_sd : float
        Standard deviations (ddof 0).
    """

    rows: int
    direction_share: float
    label_direction_share: float
    sd: float
    label_sd: float

    @property
    def collapsed(self) -> str:
        """`ONE_VALUE` or `ONE_DIRECTION`, where the labels have more than that; else nothing."""
        if self.rows < LEAST or not self.label_sd > 0:
            return ""
        if self.sd < STILL * self.label_sd:
            return ONE_VALUE
        one_way = self.direction_share >= ONE_WAY and self.label_direction_share < BOTH_WAYS
        return ONE_DIRECTION if one_way else ""


def spread_of(labels: Floats, predictions: Floats, binary: bool) -> Spread:
    """Return how forecasts of some rows, and their labels, are spread; rows without one of both do not count."""
    known = np.isfinite(labels) & np.isfinite(predictions)
    if not known.any():
        return Spread(0, math.nan, math.nan, math.nan, math.nan)
    level, found = 0.5 if binary else 0.0, []
    for values in (predictions[known], labels[known]):
        up = float(np.mean(values > level))
        found.append((max(up, 1 - up), float(values.std())))
    (share, sd), (label_share, label_sd) = found
    return Spread(int(known.sum()), share, label_share, sd, label_sd)


def collapse_warnings(
    walk: WalkForward, fits: Sequence[FitResult], tests: Mapping[int, NDArray[np.int64]]
) -> list[str]:
    """Return a warning for every member whose forecasts collapsed on some folds, beside what baselines say there.

    Parameters
    ----------
    tests : mapping of int to ndarray of int64
        The rows that each fold predicts.
    """
    y, warnings = walk.dataset.y, []
    spreads = {(f.model, f.fold): spread_of(y[tests[f.fold]], f.predictions, walk.binary) for f in fits if not f.error}
    for name in walk.voting:
        own = {fold: spread for (model, fold), spread in spreads.items() if model == name}
        for how in (ONE_VALUE, ONE_DIRECTION):
            folds = [fold for fold, spread in own.items() if spread.collapsed == how]
            if folds:
                told = _directions(walk, fits, tests, name, folds)
                warnings.append(f"{_who(name, how, [own[fold] for fold in folds], folds, len(own))}; {told}")
    return warnings


def _who(name: str, how: str, spreads: Sequence[Spread], folds: Sequence[int], count: int) -> str:
    where = f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))} ({len(folds)} of {count})"
    if how == ONE_VALUE:
        most = max(one.sd / one.label_sd for one in spreads)
        return (
            f"member {name!r} has collapsed on {where}: it predicts nearly one value, with a standard deviation of at "
            f"most {most:.2g} times that of the labels"
        )
    least, label = (min(one.direction_share for one in spreads), max(one.label_direction_share for one in spreads))
    share = "all" if least == 1 else f"at least {least:.1%}"
    return (
        f"member {name!r} has collapsed on {where}: {share} of its forecasts are of one direction, and at most "
        f"{label:.0%} of the labels"
    )


def _directions(
    walk: WalkForward,
    fits: Sequence[FitResult],
    tests: Mapping[int, NDArray[np.int64]],
    name: str,
    folds: Sequence[int],
) -> str:
    """Return the shares of right directions on these folds: the member's, and those of the baselines."""
    rows = np.concatenate([tests[fold] for fold in folds])
    shares = []
    for model in (name, *(n for n, spec in walk.members.items() if spec.baseline)):
        own = {f.fold: f.predictions for f in fits if f.model == model and not f.error}
        if all(fold in own for fold in folds):
            predicted = np.concatenate([own[fold] for fold in folds])
            shares.append((model, right_directions(walk.dataset.y[rows], predicted, walk.binary)))
    (_, first), *others = shares
    beside = ", ".join(f"{model} {share:.1%}" for model, share in others)
    return f"it tells {first:.1%} of directions right there{f' ({beside})' if beside else ''}"
