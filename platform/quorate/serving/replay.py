"""A run replayed bar by bar: what is served must be what was backtested, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quorate.bars.panel import Bars
from quorate.errors import RecipeError
from quorate.execution.progress import Progress
from quorate.report.report import Report
from quorate.runs.loaded import load_report
from quorate.runs.models import RunModels, models_of
from quorate.runs.reproduce import differing_bits
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.serving.forecaster import Forecast, Forecaster
from quorate.serving.remote import Server
from quorate.statistics import Floats
from quorate.trading.backtest import fills

TOLD = 20  # differences that are named
EVERY = 50  # bars after which it is told how far it is


@dataclass
class Replay:
    """What came of replaying a run.

    Parameters
    ----------
    run : str
        The run's id.
    folds : list of int
        Which of its folds were replayed.
    bars, forecasts, weights, orders : int
        How many of each were compared.
    mismatches : int
        How many differ in any bit.
    differences : list of str
        The first of them.
    fitted_again : list of str
        Models that were not kept, as ``NAME, fold N``.
    """

    run: str
    folds: list[int] = field(default_factory=list)
    bars: int = 0
    forecasts: int = 0
    weights: int = 0
    orders: int = 0
    mismatches: int = 0
    differences: list[str] = field(default_factory=list)
    fitted_again: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether nothing differs, and something was compared."""
        return self.mismatches == 0 and self.bars > 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "identical": self.identical}

    def note(self, what: str, expected: float, found: float) -> None:
        """Note that something differs."""
        self.mismatches += 1
        if len(self.differences) < TOLD:
            self.differences.append(f"{what}: {expected!r} in the backtest, {found!r} served")


@in_usual_surroundings
def replay(
    name: str = "latest",
    *,
    every: bool = False,
    server: Server | None = None,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Give a run's bars to its models one by one, as if they came now, and compare with what it computed at once.

    Forecasts of every member and of the ensemble, desired weights, and the orders that follow from these.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    every : bool
        All folds, not the last one alone; models that are not kept are fitted again.
    server : Server, optional
        Who is given the bars of the last fold, in place of models of the home: one that serves a version of this run.

    Raises
    ------
    QuorateError
        If a server does not answer, or serves no version of this run.
    PluginError
        If a model cannot be kept.
    """
    report = load_report(name, home=home)
    told = progress or Progress()
    session, bars = reopen(report, told, changes="not as in the run")
    models = models_of(report, session, bars)
    if not models.walk.folds:
        raise RecipeError(f"run {report.run_id} has no fold to replay")
    found = Replay(report.run_id)
    expected = _Expected(report, models.walk.bars)
    if server is not None:
        _replay_fold(models, models.walk.folds[-1].index, server.of_run(report.run_id), expected, found, told)
    else:
        for fold in models.walk.folds if every else models.walk.folds[-1:]:
            _replay_fold(models, fold.index, _here(models, fold.index, found), expected, found, told)
    told.close()
    return found


class _Expected:
    """What a run's tables say of each bar and symbol."""

    def __init__(self, report: Report, bars: Bars) -> None:
        self._judged = report.standing["series"][0]["name"]
        times = pd.DatetimeIndex(bars.times).tz_localize("UTC")
        self.members = list(report.provenance["recipe"]["models"])
        predictions, weights = report.stored("predictions"), report.stored("weights")
        columns = [f"ensemble/{self._judged}", *(f"member/{name}" for name in self.members)]
        shape = (*bars.close.shape, len(columns))
        self.forecasts = np.full(shape, np.nan)
        self.forecasts[_places(predictions, times, bars)] = predictions[columns].to_numpy(dtype=np.float64)
        self.weights = np.full(bars.close.shape, np.nan)
        self.weights[_places(weights, times, bars)] = weights["weight"].to_numpy(dtype=np.float64)


def _places(table: pd.DataFrame, times: pd.DatetimeIndex, bars: Bars) -> Any:
    bar = times.get_indexer(pd.DatetimeIndex(table["time"]).tz_convert("UTC"))
    return bar, pd.Index(bars.symbols).get_indexer(pd.Index(table["symbol"]))


Ask = Callable[[Bars, int], Forecast]  # what is forecast at a bar of these; later ones are not looked at


def _here(models: RunModels, index: int, found: Replay) -> Ask:
    """Return the models of a fold, which answer here; those that were not kept are noted."""
    kept = {one: one in _kept_of(models, index) for one in models.walk.voting}
    forecaster = Forecaster(models, index)
    found.fitted_again += [f"{name}, fold {index}" for name, there in kept.items() if not there]
    return lambda bars, bar: forecaster.at(bars.take(0, bar + 1))


def _replay_fold(models: RunModels, index: int, ask: Ask, expected: _Expected, found: Replay, told: Progress) -> None:
    fold, walk = models.fold(index), models.walk
    served = np.full((fold.stop - fold.first, len(walk.bars.symbols)), np.nan)
    for bar in range(fold.first, fold.stop):
        forecast = ask(walk.bars, bar)
        served[bar - fold.first] = [one["weight"] for one in forecast.symbols]
        _compare(forecast, expected, bar, found)
        if (bar - fold.first) % EVERY == EVERY - 1:
            told.note(f"fold {index}: {bar - fold.first + 1} of {fold.stop - fold.first} bars replayed")
    found.folds.append(index)
    _compare_orders(models, fold.first, served, expected.weights[fold.first : fold.stop], found)


def _kept_of(models: RunModels, index: int) -> set[str]:
    from quorate.store.models import KeptModels

    kept, fits = KeptModels(models.session.home.path), models.report.stored("fits")
    own = fits[fits["fold"] == index]
    return {str(row["model"]) for row in own.to_dict("records") if str(row["key"]) in kept}


def _compare(forecast: Forecast, expected: _Expected, bar: int, found: Replay) -> None:
    found.bars += 1
    for column, one in enumerate(forecast.symbols):
        members = [name for name in expected.members if name in (one.get("members") or {})]
        places = [0, *(1 + expected.members.index(name) for name in members)]
        then = expected.forecasts[bar, column, places]
        values = [one["forecast"], *(one["members"][name] for name in members)] if members else [one["forecast"]]
        now = np.array([np.nan if value is None else value for value in values])
        found.forecasts += len(now)
        for k in np.flatnonzero(differing_bits(then, now)):
            what = "the ensemble" if k == 0 else f"model {members[k - 1]!r}"
            found.note(f"{forecast.time} {one['symbol']}, {what}", float(then[k]), float(now[k]))
        weight = expected.weights[bar, column]
        found.weights += 1
        if differing_bits(np.array([weight]), np.array([one["weight"]]))[0]:
            found.note(f"{forecast.time} {one['symbol']}, weight", float(weight), float(one["weight"]))


def _compare_orders(models: RunModels, first: int, served: Floats, expected: Floats, found: Replay) -> None:
    """Compare the orders that follow from desired weights: those of the backtest against those served."""
    bars = models.walk.bars.take(first, first + len(served))
    trading = models.walk.trading.take(first, first + len(served))
    then, now = (fills(bars, weights, trading) for weights in (expected, served))
    found.orders += len(then)
    if len(then) != len(now):
        found.note(f"orders from {bars.sessions[0]} on", float(len(then)), float(len(now)))
        return
    for column in ("bar", "column", "price", "size", "fees"):
        pair = [one[column].to_numpy(dtype=np.float64) for one in (then, now)]
        for at in np.flatnonzero(differing_bits(*pair)):
            found.note(f"order {at} from {bars.sessions[0]} on, {column}", float(pair[0][at]), float(pair[1][at]))
