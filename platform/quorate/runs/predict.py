"""The desired weights for the next bar: a run's ensemble, its members refitted on all that is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.digest import history_digest
from quorate.bars.held_out import at_times_of_others
from quorate.bars.panel import FIELDS, Bars
from quorate.dataset.folds import NEVER, Fold
from quorate.errors import DataError, RecipeError, plural
from quorate.evidence.result import finite_or_none
from quorate.execution.progress import Progress
from quorate.execution.task import FitResult
from quorate.recipe.schema import Data, Recipe
from quorate.report.report import Report
from quorate.runs.loaded import load_report
from quorate.runs.loading import as_used, load_bars
from quorate.runs.models import models_of, positions_of
from quorate.runs.rewritten import differing_covariates
from quorate.runs.session import Session
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.statistics import Floats
from quorate.store import Home
from quorate.store.trust import require
from quorate.trading.order_rules import REBALANCE, begins
from quorate.trading.strategy import score_of
from quorate.walkforward.alone import alone_in
from quorate.walkforward.distribution import Distribution, around, around_unseen
from quorate.walkforward.failures import failures
from quorate.walkforward.layout import WalkForward, prepare, spans_of
from quorate.walkforward.members import collect
from quorate.walkforward.series import Series, decide_all
from quorate.walkforward.tables import stored_predictions
from quorate.walkforward.unseen import decided_on


@dataclass(frozen=True)
class Prediction:
    """What a run's ensemble wants to hold from the next bar on.

    Parameters
    ----------
    run, verdict : str
        The run, and whether its ensemble has earned trust.
    decided : str
        Close of the last bar, UTC; nothing later was read.
    fill : str
        Where the order is filled: ``open`` or ``close`` of the next bar.
    train_rows : int
        Rows on which every member was fitted: their label had ended, and the splitter goes so far back.
    threshold : float
        The score that is traded from on.
    weights : dict
        Member to its weight in the ensemble.
    targets : list of dict
        Per symbol: symbol, weight, score, prediction, the prediction of each member, and quantiles by level, where the
        recipe has ``ensemble.interval``.
    warnings : list of str
        Doubts about the data.
    kept : dict or None
        With kept models: of which fold they are, from which day to which rows trained them, when the last label of
        these ended, how many bars came since, which members were fitted again, and the key of each model, of several
        seeds of each.
    gone_on : dict or None
        Of which fold the models are that members with ``warm_start`` went on from, the same of it, and which members.
    unseen : list of dict
        As `targets`, of the symbols that the recipe holds out, which share a capital of their own.
    bars : str
        Digest of the prices that were read, up to the last bar: `quorate.bars.digest.history_digest`.
    market : dict or None
        What it takes to make orders of it. ``symbols``: symbol, ``price``, its last close, ``weight``, None where it
        has no bar now, and ``cost``, fees and slippage per side as they were last; ``begins``: which of ``weekly`` and
        ``monthly`` begin with this bar; ``rules``: the recipe's ``lots``, ``band`` and ``rebalance``.
    """

    run: str
    verdict: str
    decided: str
    fill: str
    train_rows: int
    threshold: float
    weights: dict[str, float]
    targets: list[dict[str, Any]]
    warnings: list[str]
    kept: dict[str, Any] | None = None
    gone_on: dict[str, Any] | None = None
    unseen: list[dict[str, Any]] = field(default_factory=list)
    bars: str = ""
    market: dict[str, Any] | None = None

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.prediction import render

        return as_html(lambda: render(asdict(self)))


@in_usual_surroundings
def predict(
    name: str = "latest",
    *,
    data: str | Path | Bars | None = None,
    kept: bool = False,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Prediction:
    """Refit the members of a run on the rows that its next fold would train on and return the next weights.

    With the expanding splitter these are all rows whose label has ended, with the rolling one the latest. Members with
    ``warm_start`` go on from their models of the run's last fold, which stay as they are.

    Ensemble weights and threshold come from the run's out-of-fold predictions, by the same causal
    rule as in the run. The holdout's bars are trained on, but not judged.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    data : path or Bars, optional
        A file or folder to read instead of the recipe's, for sources that take a ``path``; or the bars themselves, as
        the source would give them.
    kept : bool
        Nothing is refitted: the models of the run's last fold forecast, as the home keeps them; one that it does not
        keep is fitted again on the rows of that fold. Rows since then trained none of them.

    Raises
    ------
    DataError
        If the bars have nothing in common with the run's, or, with `kept`, end before the models' last label did.
    PluginError
        With `kept`, if a member's model cannot be kept.
    """
    report = load_report(name, home=home)
    require(Home(home).path, f"run {report.run_id} would read the bars that its home's recipe names")
    session, before = reopen(report, progress or Progress(), changes="not as in the run" if kept else "")
    warm = any(model and model.warm_start for model in session.recipe.models.values())
    models = models_of(report, session, before) if kept or warm else None
    bars = read_again(session, data)
    _compare_history(session, bars, before)
    walk = prepare(session.recipe, session.registry, bars, [(0, len(bars))])
    for warning in walk.warnings:
        session.warn(warning)
    earlier, folds = _earlier(walk, report.stored("predictions"), list(session.recipe.models))
    last = len(bars) - 1
    rows = np.flatnonzero(walk.dataset.bar == last).astype(np.int64)
    if not len(rows):
        raise DataError(f"no symbol has all its features on the last bar, {bars.sessions[-1]}")
    span = spans_of(session.recipe, session.registry, bars, last)[0]
    until = last - session.recipe.folds.embargo
    if span.train_stop is not None:
        until = min(until, span.train_stop - 1 - session.recipe.folds.embargo)
    known = (walk.dataset.learnt_end <= until) & (walk.dataset.bar >= span.train_from)
    train = np.flatnonzero(known).astype(np.int64)
    now = Fold(folds[-1].index + 1, last, last + 1, train, rows)
    if kept and models:
        now = models.moved(walk, now)
    walk = replace(walk, folds=[*folds, now])
    told = gone_on = None
    if kept and models:
        fits, told = models.forecast(walk, now)
    else:
        starts = models.starts(bars) if models else {}
        gone_on = (
            {**models.last(bars), "models": list(dict.fromkeys(name for name, _ in starts))}
            if models and starts
            else None
        )
        with session.fitting() as fitting:
            fits = fitting.run(replace(walk, folds=[now]), [now], starts=starts)
    session.progress.close()
    for failed in failures(walk, fits):
        session.warn(f"model {failed['model']!r} takes no part: {failed['reason']}")
    found = _prediction(walk, session, report, collect(walk, fits, earlier), rows, fits)
    return replace(found, kept=told, gone_on=gone_on, train_rows=told["train_rows"] if told else found.train_rows)


def read_again(session: Session, data: str | Path | Bars | None = None) -> Bars:
    """Return the bars that the session's recipe reads now, or reads of another file or folder; nothing is judged."""
    given = data if isinstance(data, Bars) else None
    if data is not None and given is None:
        session.recipe = with_path(session.recipe, str(data))
    session.recipe = session.recipe.model_copy(update={"benchmark": None, "factors": None})
    read = load_bars(session) if given is None else as_used(session, given)
    return at_times_of_others(read, session.recipe.holdout.held_out)


def with_path(recipe: Recipe, path: str) -> Recipe:
    """Return a recipe whose source reads this path instead.

    Raises
    ------
    RecipeError
        If its source reads none.
    """
    if "path" not in recipe.data.options:
        raise RecipeError(f"--data replaces data.path; the run's source {recipe.data.source!r} reads no path")
    return recipe.model_copy(update={"data": Data.model_validate({**recipe.data.model_dump(), "path": path})})


def _compare_history(session: Session, bars: Bars, before: Bars) -> None:
    common, *rows = np.intersect1d(bars.times, before.times, return_indices=True)
    symbols, *columns = np.intersect1d(bars.symbols, before.symbols, return_indices=True)
    if not len(common) or not len(symbols):
        own = before.symbols[0]
        named = f"other symbols; if they are the same market, call the file {own}, or run with data.symbol = {own!r}"
        what = "no bar at the same time" if len(symbols) else named
        raise DataError(
            f"the bars ({', '.join(bars.symbols[:3])}, {bars.span}) have nothing in common with the run's "
            f"({', '.join(before.symbols[:3])}, {before.span}): {what}"
        )
    if bars.times[-1] < before.times[-1]:
        session.warn(
            f"the bars end on {bars.sessions[-1]}, those of the run on {before.sessions[-1]}: these weights are for "
            "a day that is over"
        )
    here, there = (np.ix_(*places) for places in zip(rows, columns, strict=True))
    changed = np.zeros((len(common), len(symbols)), dtype=bool)
    for name in FIELDS:
        now, then = getattr(bars, name)[here], getattr(before, name)[there]
        changed |= (now != then) & ~(np.isnan(now) & np.isnan(then))
    if changed.any():
        first = before.sessions[rows[1][int(changed.any(axis=1).argmax())]]
        session.warn(
            f"not as in the run: {plural(int(changed.sum()), 'bar')}, the first on {first}: was the history revised?"
        )
    for line in differing_covariates(before, bars):
        session.warn(f"not as in the run: {line}")


def _earlier(walk: WalkForward, frame: pd.DataFrame, members: list[str]) -> tuple[Floats, list[Fold]]:
    """Return the run's out-of-fold predictions on the rows of these bars, and its folds."""
    position, bars = positions_of(walk), walk.bars
    times = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    bar = times.get_indexer(pd.DatetimeIndex(frame["time"]).tz_convert("UTC"))
    symbol = pd.Index(bars.symbols).get_indexer(pd.Index(frame["symbol"]))
    row = np.where((bar >= 0) & (symbol >= 0), position[bar, symbol], -1)
    if (row < 0).all():
        raise DataError("none of the run's predictions falls on a bar of this data: it is not the run's market")
    found = frame[row >= 0].assign(row=row[row >= 0], bar=bar[row >= 0])
    earlier = np.full((len(walk.dataset), len(members)), np.nan)
    stored = stored_predictions(found, members)
    earlier[: len(stored)] = stored
    folds = []
    for index, part in found.groupby("fold", sort=True):
        rows = part["row"].to_numpy(dtype=np.int64)
        first, stop = int(part["bar"].min()), int(part["bar"].max()) + 1
        train = np.flatnonzero(walk.dataset.learnt_end < first).astype(np.int64)
        folds.append(Fold(int(str(index)), first, stop, train, rows))
    return earlier, folds


def _prediction(
    walk: WalkForward,
    session: Session,
    report: Report,
    predictions: Floats,
    rows: NDArray[np.int64],
    fits: list[FitResult],
) -> Prediction:
    series, ensembles = decide_all(walk, predictions)
    spread = around(walk, series[0].predictions)
    judged, bars, now = series[0], walk.bars, walk.folds[-1]
    targets = _targets(walk, judged, predictions, rows, spread)
    unseen = _unseen(walk, session, judged, predictions, fits)
    if lone := alone_in(walk, rows).warning:
        session.warn(lone)
    assert (walk.dataset.end[rows] == NEVER).all()
    return Prediction(
        run=report.run_id,
        verdict=report.verdict,
        decided=f"{bars.times[-1]}Z",
        fill=session.recipe.backtest.fill,
        train_rows=len(now.train),
        threshold=float(judged.decisions.thresholds[-1]),
        weights=dict(zip(walk.voting, ensembles[judged.name].weights[-1].tolist(), strict=True)),
        targets=targets,
        unseen=unseen,
        warnings=list(session.warnings),
        bars=history_digest(bars),
        market=_market(walk, judged),
    )


def _market(walk: WalkForward, judged: Series) -> dict[str, Any]:
    """Return what it takes to make orders."""
    bars, trading, wanted = walk.bars, walk.trading, walk.recipe.backtest
    costs = np.broadcast_to(trading.fees + trading.slippage, bars.close.shape)[-1]
    here, weights, prices = bars.present[-1], judged.decisions.targets[-1], bars.last[-1]
    return {
        "symbols": [
            {
                "symbol": symbol,
                "price": float(prices[k]),
                "weight": float(weights[k]) if here[k] else None,
                "cost": float(costs[k]),
            }
            for k, symbol in enumerate(bars.symbols)
            if np.isfinite(prices[k])
        ],
        "begins": [one for one in REBALANCE[1:] if begins(bars, one)[-1]],
        "rules": {"lots": wanted.lots, "band": wanted.band, "rebalance": wanted.rebalance},
    }


def _unseen(
    walk: WalkForward, session: Session, judged: Series, predictions: Floats, fits: list[FitResult]
) -> list[dict[str, Any]]:
    """Return what is desired of each symbol that is held out."""
    held = decided_on(walk, walk.folds[-1:], predictions, fits, [judged]) if walk.unseen else None
    if held is None:
        return []
    if lone := alone_in(held.walk, held.walk.folds[0].test).warning:
        session.warn(f"of symbols that are held out: {lone}")
    spread = around_unseen(walk, judged.predictions, held.series[0].predictions)
    return _targets(held.walk, held.series[0], held.predictions, held.walk.folds[0].test, spread)


def _targets(
    walk: WalkForward,
    judged: Series,
    predictions: Floats,
    rows: NDArray[np.int64],
    spread: Distribution | None,
) -> list[dict[str, Any]]:
    """Return what is desired of each symbol that has a row on the last bar."""
    names = list(walk.members)
    return [
        {
            "symbol": walk.bars.symbols[walk.dataset.symbol[row]],
            "weight": float(judged.decisions.targets[-1, walk.dataset.symbol[row]]),
            "score": float(score_of(judged.predictions[row : row + 1], walk.binary)[0]),
            "prediction": float(judged.predictions[row]),
            "members": {name: finite_or_none(predictions[row, names.index(name)]) for name in walk.voting},
            **({"quantiles": spread.of(row)} if spread is not None else {}),
        }
        for row in rows
    ]
