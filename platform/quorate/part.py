"""One part of a run, development or holdout, computed and written out as plain data and tables."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars import Bars
from quorate.dataset import NEVER
from quorate.evidence import Evidence, Performance, finite_or_none, measure, metric_values, overall, run_gates
from quorate.execution import Executor
from quorate.fit import FitResult
from quorate.folds import Fold
from quorate.progress import Clock
from quorate.recipe.schema import Recipe
from quorate.registry import Registry
from quorate.study import Series, Study, collect, decide_all, failures, holdout_start, judge_span, prepare, run_fits

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


def development(
    recipe: Recipe, registry: Registry, bars: Bars, executor: Executor, clock: Clock, done: Callable[[FitResult], None]
) -> Part:
    """Compute the walk-forward before the holdout; bars from there on are cut off first."""
    stop = holdout_start(bars, recipe)
    known = bars.until(stop)
    return _part("development", recipe, registry, known, [(0, stop)], None, executor, clock, done)


def holdout(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    earlier: Floats,
    executor: Executor,
    clock: Clock,
    done: Callable[[FitResult], None],
) -> Part:
    """Continue the same walk-forward through the holdout; `earlier` are the development's predictions."""
    start = holdout_start(bars, recipe)
    parts = [(0, start), (start, len(bars))]
    return _part("holdout", recipe, registry, bars, parts, earlier, executor, clock, done)


def _part(
    name: str,
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    parts: list[tuple[int, int]],
    earlier: Floats | None,
    executor: Executor,
    clock: Clock,
    done: Callable[[FitResult], None],
) -> Part:
    with clock.stage("features"):
        study = prepare(recipe, registry, bars, parts)
    start, stop = parts[-1]
    folds = [fold for fold in study.folds if fold.first >= start]
    first = start or folds[0].first
    with clock.stage("fits"):
        fits = run_fits(study, folds, executor, done)
    with clock.stage("ensemble"):
        predictions = collect(study, fits, earlier)
        series, weights = decide_all(study, predictions)
    with clock.stage("backtest"):
        judged = judge_span(study, series, first, stop)
    with clock.stage("evidence"):
        section = _section(study, judged, folds, (first, stop), weights, predictions, fits)
        frames = _frames(name, study, judged, folds, (first, stop), fits, predictions)
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
        "failures": failures(study, fits),
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


def _frames(
    part: str,
    study: Study,
    judged: Sequence[Judged],
    folds: Sequence[Fold],
    bounds: tuple[int, int],
    fits: Sequence[FitResult],
    predictions: Floats,
) -> dict[str, pd.DataFrame]:
    times = pd.DatetimeIndex(study.bars.times).tz_localize("UTC")
    first, stop = bounds
    named = [(one, f"{one.name}/{one.strategy}", result) for one, result in judged]
    trades = [result.trades.assign(part=part, series=name) for _, name, result in named]
    equity = pd.DataFrame({"part": part, "time": times[first:stop], **{name: r.equity for _, name, r in named}})
    desired = judged[0][0].decisions.targets[first:stop]
    row, column = np.indices(desired.shape)
    return {
        "predictions": _prediction_frame(part, study, judged, folds, predictions, times, fits),
        "trades": pd.concat(trades, ignore_index=True),
        "equity": equity,
        "weights": pd.DataFrame(
            {
                "part": part,
                "time": times[first + row.ravel()],
                "symbol": np.asarray(study.bars.symbols)[column.ravel()],
                "weight": desired.ravel(),
            }
        ),
        "fits": _fit_frame(fits).assign(part=part),
    }


def fit_frames(fits: Sequence[FitResult]) -> dict[str, pd.DataFrame]:
    """Return finished fits of a run that was not: what they were, and their predictions in test order."""
    predictions = [
        pd.DataFrame(
            {"model": f.model, "fold": f.fold, "test_row": range(len(f.predictions)), "prediction": f.predictions}
        )
        for f in fits
        if not f.error
    ]
    frames = {"fits": _fit_frame(fits)}
    return {**frames, "predictions": pd.concat(predictions, ignore_index=True)} if predictions else frames


def _fit_frame(fits: Sequence[FitResult]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": f.model,
                "fold": f.fold,
                "key": f.key,
                "train_rows": f.n_train,
                "seconds": f.seconds,
                "cpu_seconds": f.cpu_seconds,
                "place": f.place,
                "error": f.error,
            }
            for f in fits
        ]
    )


def _prediction_frame(
    part: str,
    study: Study,
    judged: Sequence[Judged],
    folds: Sequence[Fold],
    predictions: Floats,
    times: pd.DatetimeIndex,
    fits: Sequence[FitResult],
) -> pd.DataFrame:
    dataset = study.dataset
    rows = np.concatenate([fold.test for fold in folds])
    ended = dataset.end[rows] != NEVER
    ends = times[np.where(ended, dataset.end[rows], 0)].where(ended)
    combined = {f"ensemble/{s.name}": s.predictions[rows] for s, _ in judged if s.role in ("ensemble", "alternative")}
    return pd.DataFrame(
        {
            "part": part,
            "row": rows,
            "time": times[dataset.bar[rows]],
            "symbol": np.asarray(study.bars.symbols)[dataset.symbol[rows]],
            "fold": np.concatenate([np.full(len(fold.test), fold.index) for fold in folds]),
            "label": dataset.y[rows],
            "label_end": ends,
            **{f"member/{name}": predictions[rows, j] for j, name in enumerate(study.members)},
            **{name: values[rows] for name, values in _other_outputs(study, folds, fits).items()},
            **combined,
        }
    )


def _other_outputs(study: Study, folds: Sequence[Fold], fits: Sequence[FitResult]) -> dict[str, Floats]:
    """Return what members gave beside their prediction, ``member/NAME/OUTPUT``, by row."""
    rows = {fold.index: fold.test for fold in folds}
    found: dict[str, Floats] = {}
    for fit in fits:
        for output, values in fit.outputs.items():
            column = found.setdefault(f"member/{fit.model}/{output}", np.full(len(study.dataset), math.nan))
            column[rows[fit.fold]] = values
    return found


def stored_predictions(frame: pd.DataFrame, members: Sequence[str]) -> Floats:
    """Return stored out-of-fold predictions as they were computed, by row, (n_rows, n_members)."""
    rows = frame["row"].to_numpy(dtype=np.int64)
    out = np.full((int(rows.max()) + 1, len(members)), math.nan)
    for j, name in enumerate(members):
        out[rows, j] = frame[f"member/{name}"].to_numpy(dtype=np.float64)
    return out
