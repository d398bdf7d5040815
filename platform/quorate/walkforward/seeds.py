"""Models that are fitted with several seeds: the mean of their forecasts, and how much the choice of a seed decides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.execution.outputs import Outputs, right_directions
from quorate.execution.task import FitResult, fit_seed
from quorate.statistics import Floats
from quorate.statistics._naive import naive_forecasts
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.series import trade_as_given


def means(fits: Iterable[FitResult]) -> list[FitResult]:
    """Return one result for each model and fold, of fits that are ordered by them: of several seeds their mean."""
    return [mean_of(list(some)) for _, some in groupby(fits, key=lambda fit: (fit.model, fit.fold))]


def mean_of(fits: Sequence[FitResult]) -> FitResult:
    """Return the result of a model on a fold, whose forecast is the mean over its seeds; without one it has failed.

    Quantiles and probabilities are means, too; a standard deviation is that of the mixture of the seeds' forecasts.
    """
    first = fits[0]
    if len(fits) == 1:
        return first
    lost = next((fit for fit in fits if fit.error), None)
    found = replace(
        lost or first,
        seconds=sum(fit.seconds for fit in fits),
        cpu_seconds=sum(fit.cpu_seconds for fit in fits),
        began=min(fit.began for fit in fits),
        cached=all(fit.cached for fit in fits),
        foreign=any(fit.foreign for fit in fits),
        notes=tuple(dict.fromkeys(note for fit in fits for note in fit.notes)),
        peak_memory=max(fit.peak_memory for fit in fits),
        replicate=0,
        replicates=tuple(fits),
    )
    if lost is not None:
        return replace(found, outputs={}, error=f"with seed {lost.replicate + 1} of {len(fits)}: {lost.error}")
    forecasts = np.mean([fit.predictions for fit in fits], axis=0)
    in_sample = float(np.mean([fit.in_sample for fit in fits]))
    return replace(found, predictions=forecasts, outputs=_outputs(fits), in_sample=in_sample)


def _outputs(fits: Sequence[FitResult]) -> Outputs:
    found: Outputs = {}
    for name in fits[0].outputs:
        values = np.array([fit.outputs[name] for fit in fits])
        kind, _, step = name.partition("@")
        if kind != "sd":
            found[name] = values.mean(axis=0)
            continue
        of = np.array([fit.outputs.get(f"mean@{step}", fit.predictions) for fit in fits])
        found[name] = np.sqrt((values**2).mean(axis=0) + of.var(axis=0))
    return found


def by_seed(
    walk: WalkForward,
    fits: Sequence[FitResult],
    predictions: Floats,
    tests: Mapping[int, NDArray[np.int64]],
    first: int,
) -> dict[str, list[dict[str, Any]]]:
    """Return how each seed of a model did, and how far they differ; nothing, where no model has several.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions, of several seeds their mean.
    tests : mapping of int to ndarray of int64
        The rows that each fold of the part predicts.
    first : int
        The first bar of the part.

    Returns
    -------
    dict
        ``seeds``, a row for each model and seed: its log loss, or of a number the root of its mean squared error, the
        share of directions that it told, and its Sharpe ratio, traded alone with the default threshold.
        ``seed_spread``, a row for each model and figure: what the mean forecast comes to, and mean, lowest, highest
        and standard deviation over the seeds; ``disagree``, the share of rows on whose direction seeds disagree; and
        of the loss ``blurred``, the forecasts from which it separates the model less than that deviation.
    """
    if not any(fit.replicates for fit in fits):
        return {}
    rows = np.concatenate(list(tests.values()))
    naive = naive_forecasts(walk.dataset.y, walk.dataset.end, walk.dataset.bar)
    every: list[dict[str, Any]] = []
    spreads: list[dict[str, Any]] = []
    for j, name in enumerate(walk.members):
        own = _of_each(walk, [fit for fit in fits if fit.model == name and not fit.error], tests)
        if not len(own):
            continue
        told = _figures(walk, np.vstack([predictions[:, j], own]), rows, first)
        for replicate, row in enumerate(told[1:]):
            seed = fit_seed(walk.recipe.seed, name, replicate)
            every.append({"series": name, "replicate": replicate, "seed": seed, **row})
        forecast = np.isfinite(own[:, rows]).all(axis=0)
        up = own[:, rows[forecast]] > (0.5 if walk.binary else 0.0)
        disagree = float((up.any(axis=0) & ~up.all(axis=0)).mean())
        others = {other: predictions[:, k] for k, other in enumerate(walk.members) if k != j} | {"naive": naive}
        loss = "log_loss" if walk.binary else "rmse"
        for metric in (loss, "direction_accuracy", "sharpe"):
            values = np.array([row[metric] for row in told[1:]])
            sd = float(values.std(ddof=1))
            spreads.append(
                {
                    "series": name,
                    "seeds": len(own),
                    "metric": metric,
                    "of_mean": told[0][metric],
                    "mean": float(values.mean()),
                    "lowest": float(values.min()),
                    "highest": float(values.max()),
                    "sd": sd,
                    "disagree": disagree,
                    "blurred": _blurred(walk, predictions[:, j], others, rows, sd) if metric == loss else [],
                }
            )
    return {"seeds": every, "seed_spread": spreads}


def _of_each(walk: WalkForward, fits: Sequence[FitResult], tests: Mapping[int, NDArray[np.int64]]) -> Floats:
    """Return what each seed of a model forecast, (n_seeds, n_rows); (0, n_rows), where it has one."""
    found = np.full((max((len(fit.replicates) for fit in fits), default=0), len(walk.dataset)), np.nan)
    for fit in fits:
        for one in fit.replicates:
            found[one.replicate, tests[fit.fold]] = one.predictions
    return found


def _figures(walk: WalkForward, forecasts: Floats, rows: NDArray[np.int64], first: int) -> list[dict[str, Any]]:
    """Return the figures of each of several forecasts of the rows, (n_forecasts, n_rows of the walk-forward)."""
    y = walk.dataset.y
    returns = trade_as_given(walk, forecasts, first)
    found = []
    for k, values in enumerate(forecasts):
        known = rows[np.isfinite(y[rows]) & np.isfinite(values[rows])]
        found.append(
            {
                "n": len(known),
                "log_loss": _loss(walk, values[known], known) if walk.binary else None,
                "rmse": None if walk.binary else _loss(walk, values[known], known),
                "direction_accuracy": right_directions(y[known], values[known], walk.binary),
                "sharpe": statistics.sharpe(returns[:, k], walk.bars.bars_per_year),
            }
        )
    return found


def _loss(walk: WalkForward, forecasts: Floats, rows: NDArray[np.int64]) -> float:
    if not len(rows):
        return math.nan
    y = walk.dataset.y[rows]
    return statistics.log_loss(y, forecasts) if walk.binary else statistics.rmse(y, forecasts)


def _blurred(
    walk: WalkForward, own: Floats, others: Mapping[str, Floats], rows: NDArray[np.int64], sd: float
) -> list[str]:
    """Return the forecasts whose loss is less far from a model's than the deviation of that over its seeds."""
    found = []
    for name, values in others.items():
        known = rows[np.isfinite(walk.dataset.y[rows]) & np.isfinite(own[rows]) & np.isfinite(values[rows])]
        if abs(_loss(walk, values[known], known) - _loss(walk, own[known], known)) < sd:
            found.append(name)
    return found


def seed_warnings(walk: WalkForward, spreads: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a warning for every model that a seed moves more than it is apart from what is to be beaten."""
    baselines = ["naive", *(name for name, spec in walk.members.items() if spec.baseline)]
    found = []
    for row in spreads:
        near = [name for name in baselines if name in row["blurred"]]
        if near:
            found.append(
                f"the spread of {row['series']!r} over its {row['seeds']} seeds is larger than what separates it from "
                f"{' and '.join(near)}"
            )
    return found
