"""One part of a run, development or holdout, computed and written out as plain data and tables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars import Bars
from quorate.evidence import Evidence, Performance, finite_or_none, measure, metric_values, overall, run_gates
from quorate.fit import FitResult
from quorate.fitting import Fitting, collect, failures
from quorate.folds import Fold
from quorate.progress import Clock
from quorate.recipe.schema import Recipe
from quorate.registry import Registry
from quorate.study import Series, Study, decide_all, holdout_start, judge_span, prepare
from quorate.tables import frames_of

Floats = NDArray[np.float64]
Judged = tuple[Series, Performance]


@dataclass(frozen=True, eq=False)
class Part:
    """A judged part.

    Parameters
    ----------
    section : dict
        For the report.
    frames : dict of DataFrame
        For Parquet.
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions of this part and those before it.
    study : Study
        Rows and folds.
    fits : list of FitResult
        This part's.
    before : dict
        Digests of the features and decisions before this part began: the part before must have had
        the same.
    """

    section: dict[str, Any]
    frames: dict[str, pd.DataFrame]
    predictions: Floats
    study: Study
    fits: list[FitResult]
    before: dict[str, str]


def development(recipe: Recipe, registry: Registry, bars: Bars, fitting: Fitting, clock: Clock) -> Part:
    """Compute the walk-forward before the holdout; bars from there on are cut off first."""
    stop = holdout_start(bars, recipe)
    known = bars.until(stop)
    return _part("development", recipe, registry, known, [(0, stop)], None, fitting, clock)


def holdout(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    earlier: Floats,
    fitting: Fitting,
    clock: Clock,
) -> Part:
    """Continue the same walk-forward through the holdout; `earlier` are the development's predictions."""
    start = holdout_start(bars, recipe)
    parts = [(0, start), (start, len(bars))]
    return _part("holdout", recipe, registry, bars, parts, earlier, fitting, clock)


def _part(
    name: str,
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    parts: list[tuple[int, int]],
    earlier: Floats | None,
    fitting: Fitting,
    clock: Clock,
) -> Part:
    with clock.stage("features"):
        study = prepare(recipe, registry, bars, parts)
    start, stop = parts[-1]
    folds = [fold for fold in study.folds if fold.first >= start]
    first = start or folds[0].first
    with clock.stage("fits"):
        fits = fitting.run(study, folds)
    with clock.stage("ensemble"):
        predictions = collect(study, fits, earlier)
        series, weights = decide_all(study, predictions)
    with clock.stage("backtest"):
        judged = judge_span(study, series, first, stop)
    with clock.stage("evidence"):
        section = _section(study, judged, folds, (first, stop), weights, predictions, fits)
        frames = frames_of(name, study, judged, folds, (first, stop), fits, predictions)
    before = _digests(study, series[0], study.folds[0].first, first)
    return Part(section, frames, predictions, study, fits, before)


def _section(
    study: Study,
    judged: Sequence[Judged],
    folds: Sequence[Fold],
    bounds: tuple[int, int],
    weights: dict[str, Floats],
    predictions: Floats,
    fits: Sequence[FitResult],
) -> dict[str, Any]:
    recipe, registry = study.recipe, study.registry
    span = study.bars.take(*bounds)
    measured = [measure(performance, registry) for _, performance in judged]
    evidence = Evidence(judged[0][1], judged[-1][1], recipe.seed, measured[0], measured[-1])
    gates = run_gates({n: g for n, g in recipe.gates.items() if g is not False}, evidence, registry)
    return {
        "verdict": overall(gate.verdict for gate in gates),
        "span": {"first": str(span.sessions[0]), "last": str(span.sessions[-1]), "bars": len(span)},
        "gates": [gate.to_dict() for gate in gates],
        "series": [
            {
                "name": s.name,
                "role": s.role,
                "strategy": s.strategy,
                "metrics": {m.name: m.value for m in metric_values(values, registry)},
            }
            for (s, _), values in zip(judged, measured, strict=True)
        ],
        "market": market_figures(span),
        "folds": _fold_table(study, judged[0][0], folds, weights),
        "rows": {"features": study.dataset.X.shape[1], "predicted": sum(len(f.test) for f in folds)},
        **({"failures": lost} if (lost := failures(study, fits)) else {}),
        "warnings": [*study.warnings, *_left_out(study, fits), *_warnings(study, span, judged)],
        "digests": {
            "predictions": _bytes_digest(predictions[np.concatenate([f.test for f in folds])]),
            **_digests(study, judged[0][0], *bounds),
            "equity": _bytes_digest(judged[0][1].equity),
        },
    }


def _left_out(study: Study, fits: Sequence[FitResult]) -> list[str]:
    """Return a warning for every member that did without some fits."""
    told = []
    for name in study.members:
        lost = [fit for fit in failures(study, fits) if fit["model"] == name]
        if lost:
            total = sum(fit.model == name for fit in fits)
            told.append(
                f"model {name!r} failed on {len(lost)} of {total} folds and takes no part there; "
                f"fold {lost[0]['fold']}: {lost[0]['reason']}"
            )
    return told


def market_figures(bars: Bars) -> dict[str, Any]:
    """Return the market itself over a span: close to close, gross, equal weights, one return less than bars."""
    # A symbol that missed bars earns what happened meanwhile when it is back.
    before = pd.DataFrame(bars.close).ffill().to_numpy()[:-1]
    with np.errstate(invalid="ignore"):
        steps = bars.close[1:] / before - 1
    known = np.isfinite(steps)
    counts = known.sum(axis=1)
    returns = np.where(known, steps, 0.0).sum(axis=1) / np.maximum(counts, 1)
    equity = statistics.equity_curve(returns)
    return {
        "first": str(bars.sessions[0]),
        "last": str(bars.sessions[-1]),
        "returns": len(returns),
        "sharpe": finite_or_none(statistics.sharpe(returns, bars.bars_per_year)),
        "max-drawdown": finite_or_none(statistics.max_drawdown(equity)),
        "cagr": finite_or_none(statistics.cagr(equity, bars.bars_per_year)),
        "total-return": finite_or_none(float(equity[-1] - 1)),
        "volatility": finite_or_none(statistics.volatility(returns, bars.bars_per_year)),
    }


def repeated_opens(bars: Bars) -> float:
    """Return the share of bars whose open is the close before: such a market has no open to trade at."""
    both = np.isfinite(bars.open[1:]) & np.isfinite(bars.close[:-1])
    return float((bars.open[1:] == bars.close[:-1])[both].mean()) if both.any() else 0.0


def _warnings(study: Study, span: Bars, judged: Sequence[Judged]) -> list[str]:
    warnings = []
    share = repeated_opens(span)
    if study.recipe.backtest.fill == "open" and share > 0.2:
        warnings.append(
            f"{share:.0%} of opens equal the close before: fills at the open are not credible on this data; "
            'set backtest.fill = "close"'
        )
    for i, (one, _) in enumerate(judged):
        for other, _ in judged[i + 1 :]:
            if _same_trades(one, other):
                warnings.append(f"{one.name} and {other.name} predict differently and yet trade alike")
    return warnings


def _same_trades(one: Series, other: Series) -> bool:
    """Whether two members that traded at all decided the same from different predictions."""
    return (
        one.role == other.role == "member"
        and bool(one.decisions.targets.any())
        and np.array_equal(one.decisions.targets, other.decisions.targets)
        and not np.array_equal(one.predictions, other.predictions, equal_nan=True)
    )


def _fold_table(
    study: Study, judged: Series, folds: Sequence[Fold], weights: dict[str, Floats]
) -> list[dict[str, Any]]:
    sessions, dataset = study.bars.sessions, study.dataset
    offset = len(study.folds) - len(folds)
    rows = []
    for k, fold in enumerate(folds):
        row = weights[judged.name][offset + k]
        rows.append(
            {
                "fold": fold.index,
                "train_first": str(sessions[dataset.bar[fold.train[0]]]),
                "train_last": str(sessions[dataset.bar[fold.train[-1]]]),
                "train_rows": len(fold.train),
                "label_end": str(sessions[int(dataset.end[fold.train].max())]),
                "test_first": str(sessions[fold.first]),
                "test_last": str(sessions[fold.stop - 1]),
                "test_rows": len(fold.test),
                "threshold": float(judged.decisions.thresholds[offset + k]),
                "weights": {name: float(w) for name, w in zip(study.voting, row, strict=True)},
            }
        )
    return rows


def _digests(study: Study, judged: Series, first: int, stop: int) -> dict[str, str]:
    """Return digests of all features up to a bar, and of what was desired from one bar to another."""
    return {
        "features": _bytes_digest(study.dataset.X[study.dataset.bar < stop]),
        "targets": _bytes_digest(judged.decisions.targets[first:stop]),
    }


def _bytes_digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
