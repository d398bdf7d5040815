"""A part of a run on the symbols that are held out: what its models and its decisions come to there.

1. The fits of each fold have predicted the rows of these symbols, too, after those of the fold's own.
2. Members are combined with weights, and calibrated by what came true, on rows of the other symbols alone.
3. Each fold trades by the threshold and the parameters that it has chosen there.
4. Metrics measure and gates judge, apart from those of the part: no verdict rests on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.quality import market_figures
from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.splits import Paths
from quorate.ensemble.combine import Combined, recent_volatility
from quorate.ensemble.diversity import ensemble_gain
from quorate.errors import IntegrityError
from quorate.evidence import evidence
from quorate.evidence.evidence import Performance, Tried
from quorate.evidence.judging import measure, run_gates
from quorate.evidence.result import plain
from quorate.evidence.verdict import overall
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.walkforward.alike import independent, look_alikes
from quorate.walkforward.alone import alone_in, silenced
from quorate.walkforward.carry import carry_rows
from quorate.walkforward.distribution import around_unseen, distributions, of_other_steps
from quorate.walkforward.distribution import judged as judged_distributions
from quorate.walkforward.findings import Judged, PartName, bytes_digest, evidence_of
from quorate.walkforward.held_out import Unseen
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.paths import Key, along_both, of_unseen
from quorate.walkforward.series import Series, combine_members, decided_as, judge_span
from quorate.walkforward.symbols import by_symbol
from quorate.walkforward.tables import other_outputs, quantiles_of_ensemble


@dataclass(frozen=True, eq=False)
class Found:
    """What came of the symbols that are held out: nothing, where none is.

    Parameters
    ----------
    section : dict
        For the report.
    frames : dict of DataFrame
        For Parquet.
    evidence : Unseen, optional
        For gates.
    """

    section: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    evidence: evidence.Unseen | None = None


def on_unseen(
    name: PartName,
    outcome: Judged,
    trials: Tried,
    null_market: Mapping[str, Any] | None = None,
    look: int = 0,
    paths: Mapping[Key, Paths] = MappingProxyType({}),
) -> Found:
    """Judge what a part comes to on the symbols that are held out; `paths` are those that gates ask for.

    Raises
    ------
    IntegrityError
        If one of them has the very prices of a symbol that models learn from.
    """
    unseen = outcome.walk.unseen
    if unseen is None:
        return Found()
    alike = _alike(outcome, unseen)
    own = _judged(outcome)
    if own is None:
        return Found({"unseen": {"symbols_held_out": list(unseen.bars.symbols), "predicted": 0}})
    (first, performance), *_ = own.series
    lone = alone_in(own.walk, own.rows)
    worth = independent(unseen.bars.take(*outcome.bounds).close)
    told = evidence.Unseen(performance, unseen.bars.symbols, worth, lone.reason)
    walked = {key: of_unseen(one) for key, one in paths.items()}
    seen = replace(
        evidence_of(name, own), trials=trials, null_market=null_market, unseen=told, look=look, _paths=walked
    )
    results = silenced(run_gates(own.walk.recipe.gates.judging, seen, own.walk.registry), lone.reason)
    symbols = by_symbol(own.walk, first, performance, *own.bounds)
    others = by_symbol(outcome.walk, *outcome.series[0], *outcome.bounds)
    section = {
        "symbols_held_out": list(unseen.bars.symbols),
        "predicted": len(own.rows),
        "independent": told.independent,
        "verdict": overall(gate.verdict for gate in results if gate.required),
        "gates": [gate.to_dict() for gate in results],
        "series": [
            {"name": s.name, "role": s.role, "strategy": s.strategy, "metrics": values}
            for (s, _), values in zip(own.series, own.measured, strict=True)
        ],
        **({"carry": carried} if (carried := carry_rows(own.series)) else {}),
        "symbols": symbols,
        **judged_distributions(own.walk, own.distributions, of_other_steps(own.walk, own.fits), own.tests),
        **({"paths": [along_both(key, one, performance.bars_per_year) for key, one in paths.items()]} if paths else {}),
        "market": market_figures(own.walk.bars.take(*own.bounds)),
        "gap": {
            **_gap(outcome, own),
            "symbol-sharpe": {"unseen": _mean(symbols, "sharpe"), "seen": _mean(others, "sharpe")},
        },
        "alike": alike,
        **({"warnings": [lone.warning]} if lone.warning else {}),
        "digests": {
            "predictions": bytes_digest(own.predictions[own.rows]),
            "targets": bytes_digest(first.decisions.targets[slice(*own.bounds)]),
            "equity": bytes_digest(performance.equity),
        },
    }
    return Found({"unseen": plain(section)}, {"unseen": _frame(name, own)}, told)


def _alike(outcome: Judged, unseen: Unseen) -> list[dict[str, Any]]:
    """Return the symbols that are as good as one that models learn from; one with its very prices is an error."""
    twins = look_alikes(outcome.walk.bars.take(*outcome.bounds).close, unseen.bars.take(*outcome.bounds).close)
    alike = [
        {"symbol": unseen.bars.symbols[i], "as": outcome.walk.bars.symbols[j], "correlation": value}
        for i, j, value in twins
    ]
    if same := [one for one in alike if one["correlation"] == 1.0]:
        raise IntegrityError(
            f"holdout.symbols: {same[0]['symbol']} has the prices of {same[0]['as']}, which models learn from: it is "
            f'not unseen; hold out both, e.g. holdout.symbols = ["{same[0]["symbol"]}", "{same[0]["as"]}"]'
        )
    return alike


def _judged(outcome: Judged) -> Judged | None:
    """Return what every series of a part comes to on these symbols; None, if they have no row there."""
    walk = outcome.walk
    series = [one for one, _ in outcome.series[:-1]]  # the last is buying and holding
    own = decided_on(walk, outcome.folds, outcome.predictions, outcome.fits, series)
    if own is None:
        return None
    there, fits = own.walk, own_fits(own.walk, outcome.fits)
    spread = distributions(there, fits, own.predictions)
    around = around_unseen(walk, series[0].predictions, own.series[0].predictions)
    if around is not None:
        spread = {own.series[0].name: around, **spread}
    judged = judge_span(there, own.series, *outcome.bounds, spread)
    measured = [measure(performance, walk.registry) for _, performance in judged]
    return Judged(there, there.folds, outcome.bounds, own.predictions, fits, judged, measured, own.ensembles, spread)


def own_fits(there: WalkForward, fits: Sequence[FitResult]) -> list[FitResult]:
    """Return fits as if the rows that are held out were all that they predicted; `there` is the walk of these rows."""
    folds = {fold.index for fold in there.folds}
    own = [fit for fit in fits if fit.fold in folds and len(fit.unseen)]
    nothing = np.empty(0)
    return [replace(fit, predictions=fit.unseen, outputs=fit.unseen_outputs, unseen=nothing) for fit in own]


class Decided(NamedTuple):
    """What is desired of symbols that are held out.

    Parameters
    ----------
    walk : WalkForward
        Their rows, and the folds that predict some of them.
    predictions : ndarray of float64, (n_rows, n_members)
        NaN where there is none.
    ensembles : dict of str to Combined
        By ensembler.
    series : list of Series
        As those that were asked for.
    """

    walk: WalkForward
    predictions: Floats
    ensembles: dict[str, Combined]
    series: list[Series]


def decided_on(
    walk: WalkForward, folds: Sequence[Fold], known: Floats, fits: Sequence[FitResult], series: Sequence[Series]
) -> Decided | None:
    """Return what series desire of the symbols that are held out; None, if these have no row on the folds.

    Parameters
    ----------
    known : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions of the other symbols, so far.
    fits : sequence of FitResult
        Of these folds.
    """
    assert walk.unseen is not None
    unseen = walk.unseen
    own = [replace(fold, train=fold.train[:0], test=unseen.rows(fold)) for fold in folds]
    own = [fold for fold in own if len(fold.test)]
    if not own:
        return None
    there = replace(unseen.there(walk), folds=own)
    predictions = _predictions(there, fits)
    ensembles = _combined(walk, unseen, own, known, predictions)
    columns = {name: predictions[:, j] for j, name in enumerate(walk.members)}
    place = {fold.index: k for k, fold in enumerate(walk.folds)}
    places = [place[fold.index] for fold in own]
    found = [
        decided_as(there, one, places, ensembles[one.name].predictions if one.name in ensembles else columns[one.name])
        for one in series
    ]
    return Decided(there, predictions, ensembles, found)


def _predictions(there: WalkForward, fits: Sequence[FitResult]) -> Floats:
    """Return what members predict of these symbols, (n_rows, n_members), NaN where they do not."""
    names, tests = list(there.members), {fold.index: fold.test for fold in there.folds}
    predictions = np.full((len(there.dataset), len(names)), np.nan)
    for fit in fits:
        if len(fit.unseen):  # nothing, where a fit failed
            predictions[tests[fit.fold], names.index(fit.model)] = fit.unseen
    return predictions


def _combined(
    walk: WalkForward, unseen: Unseen, folds: Sequence[Fold], known: Floats, predictions: Floats
) -> dict[str, Combined]:
    """Return the ensembles of these rows, whose labels nothing is told of: what is learnt is learnt of the others."""
    n = len(unseen.seen)
    volatility = [recent_volatility(walk.bars, unseen.seen), recent_volatility(unseen.bars, unseen.dataset)]
    asked = replace(
        walk, dataset=unseen.beside, folds=[replace(fold, test=n + fold.test) for fold in folds], unseen=None
    )
    found = combine_members(asked, np.vstack([known, predictions]), np.concatenate(volatility))
    return {name: Combined(one.predictions[n:], one.weights, one.row_weights[n:]) for name, one in found.items()}


def _gap(outcome: Judged, own: Judged) -> dict[str, Any]:
    """Return how the judged series did on these symbols less how it did on the others, over the same bars."""
    (_, unseen), (_, seen) = own.series[0], outcome.series[0]
    found = ensemble_gain(unseen.returns, {"seen": seen.returns}, unseen.bars_per_year, seed=outcome.seed)
    return {
        "sharpe": {
            "unseen": found["ensemble-sharpe"],
            "seen": statistics.sharpe(seen.returns, seen.bars_per_year),
            "difference": found["gain"],
            **{key: found[key] for key in ("low", "high", "confidence", "block", "draws", "seed")},
        },
        "accuracy": {"unseen": _right(unseen), "seen": _right(seen)},
    }


def _mean(symbols: Sequence[Mapping[str, Any]], figure: str) -> float:
    """Return the mean of a figure over symbols, each on an account of its own; NaN where it is not known."""
    known = [one[figure] for one in symbols if one[figure] is not None]
    return float(np.mean(known)) if known else np.nan


def _right(performance: Performance) -> float:
    """Return the share of forecasts that had the direction."""
    y, p = performance.labels, performance.predictions
    return statistics.accuracy(y > 0.5, p > 0.5) if performance.binary else statistics.direction_accuracy(y, p)


def _frame(part: str, own: Judged) -> pd.DataFrame:
    """Return a row for each symbol that is held out and bar that was predicted."""
    walk, dataset, rows = own.walk, own.walk.dataset, own.rows
    times = pd.DatetimeIndex(walk.bars.times).tz_localize("UTC")
    combined: list[Series] = [one for one, _ in own.series if one.role in ("ensemble", "alternative")]
    weights: NDArray[np.float64] = own.series[0][0].decisions.targets[dataset.bar[rows], dataset.symbol[rows]]
    return pd.DataFrame(
        {
            "part": part,
            "time": times[dataset.bar[rows]],
            "symbol": np.asarray(walk.bars.symbols)[dataset.symbol[rows]],
            "fold": np.concatenate([np.full(len(fold.test), fold.index) for fold in own.folds]),
            "label": np.where(dataset.end[rows] == NEVER, np.nan, dataset.y[rows]),
            **{f"member/{name}": own.predictions[rows, j] for j, name in enumerate(walk.members)},
            **{name: values[rows] for name, values in other_outputs(own).items()},
            **{f"ensemble/{one.name}": one.predictions[rows] for one in combined},
            **quantiles_of_ensemble(own, rows),
            "weight": weights,
        }
    )
