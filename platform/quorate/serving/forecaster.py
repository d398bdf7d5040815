"""A run's fold that goes on: its models, weights and threshold forecast bar by bar, as they did in the backtest.

What a fold decides at a bar follows from the bars up to it. So the same steps are taken that a walk-forward takes,
for the rows of the new bars alone: features of all bars so far, the fold's models, its weights, its threshold, and the
strategy from the first forecast on. Of bars that the run has judged, every number is the run's, bit for bit; see
`quorate.serving.replay`. Of later ones it is what the run would have said, had its last fold been longer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import DataError, FitError
from quorate.evidence.result import finite_or_none
from quorate.execution.keeping import Ready
from quorate.execution.task import FitResult
from quorate.runs.models import Fitted, RunModels, judged_fits
from quorate.statistics import Floats
from quorate.trading.strategy import score_of
from quorate.walkforward.distribution import around
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import collect
from quorate.walkforward.rows import rows_of
from quorate.walkforward.series import combine_members, decide_judged, decided_as
from quorate.walkforward.tables import stored_predictions


@dataclass(frozen=True)
class Forecast:
    """What is forecast, and wanted, at the close of a bar.

    Parameters
    ----------
    time : str
        The close, UTC; nothing later was read.
    fold : int
        Whose models, weights and threshold.
    threshold : float
        The score that is traded from on.
    symbols : list of dict
        Of each symbol: ``symbol``, ``weight`` (wanted from the next bar on), ``forecast``, ``score``, ``members`` and
        ``quantiles`` by name; or no forecast, and the ``reason``.
    """

    time: str
    fold: int
    threshold: float
    symbols: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class Forecaster:
    """A fold of a run, which goes on for as long as it is given bars.

    Parameters
    ----------
    models : RunModels
        The run's. Symbols that it holds out are not forecast.
    fold : int, optional
        Default: the last one.

    Raises
    ------
    FitError
        If a model failed in the run, and its recipe stops at failures.
    """

    def __init__(self, models: RunModels, fold: int | None = None) -> None:
        self._fold = models.fold(fold)
        walk = models.walk
        place = [one.index for one in walk.folds].index(self._fold.index)
        self._walk = replace(walk, folds=walk.folds[: place + 1], unseen=None, warnings=[])
        self._rows = rows_of(walk.recipe, walk.registry, walk.bars)
        self._failed: dict[str, str] = {}
        self._ready = [Ready(one.task, one.state, walk.dataset) for one in self._fitted(models)]
        self._members = self._earlier(models)
        self._judged = decide_judged(self._walk, self._members)
        before = walk.dataset.bar[: len(self._members)] < self._fold.first
        self._known = int(before.sum())  # rows whose forecasts are known
        self._members = self._members[: self._known]
        self._combined = self._judged.predictions[: self._known]
        self._since = self._known  # the first row of the fold
        self._seen = 0  # bars that were given so far

    def _fitted(self, models: RunModels) -> list[Fitted]:
        found = []
        for name in self._walk.voting:
            try:
                found += [models.of(name, self._fold, replicate) for replicate in range(models.seeds(name))]
            except FitError as e:  # as in the run
                if self._walk.recipe.on_failure == "stop":
                    raise
                self._failed[name] = str(e)
        return found

    def _earlier(self, models: RunModels) -> Floats:
        """Return what members forecast in the run of the rows up to the end of the fold, (n_rows, n_members)."""
        stored = stored_predictions(models.report.stored("predictions"), list(self._walk.recipe.models))
        found = np.full((len(self._walk.dataset), stored.shape[1]), np.nan)
        found[: len(stored)] = stored
        found[self._walk.dataset.bar >= self._fold.stop] = np.nan
        return found

    def at(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of these bars, which follow those of an earlier call, or are the same.

        Raises
        ------
        DataError
            If they end before the fold or those of the call before, or do not begin with the run's bars.
        FitError
            If a model fails.
        """
        if len(bars) <= self._fold.first or bars.symbols != self._walk.bars.symbols:
            raise DataError(
                f"bars must be of {', '.join(self._walk.bars.symbols)}, and go on after "
                f"{self._walk.bars.sessions[self._fold.first - 1]}; they were {bars!r}"
            )
        self._check_history(bars)
        dataset = self._rows.build(bars)
        test = np.flatnonzero(dataset.bar >= self._fold.first).astype(np.int64)
        now = replace(self._fold, stop=len(bars), test=test)
        walk = replace(self._walk, bars=bars, dataset=dataset, folds=[now])
        self._forecast_members(walk, now)
        method = walk.recipe.ensemble.method
        combined = np.full(len(dataset), np.nan)
        combined[: self._since] = self._combined
        if len(test):
            made = combine_members(walk, self._members, beside=False)[method]
            combined[test] = made.predictions[test]
        place = len(self._walk.folds) - 1
        decided = decided_as(walk, self._judged, [place], combined).decisions
        return self._told(walk, combined, decided.targets[-1], float(decided.thresholds[0]))

    def _check_history(self, bars: Bars) -> None:
        """Raise `DataError`, unless bars begin as those of the run, up to the fold, and end no earlier than before."""
        then, first = self._walk.bars, self._fold.first
        for what in ("times", *FIELDS):
            one, other = (getattr(each, what)[:first] for each in (then, bars))
            if not np.array_equal(one, other, equal_nan=what != "times"):
                raise DataError(
                    f"bars must begin with those of the run, {then.sessions[0]} to {then.sessions[first - 1]}; not as "
                    f"then: {what}. Was the history revised? quorate predict fits on what is known now"
                )
        if len(bars) < self._seen:
            raise DataError(f"bars must go on: {self._seen:,} were given before; now there are {len(bars):,}")
        self._seen = len(bars)

    def _forecast_members(self, walk: WalkForward, now: Fold) -> None:
        """Have the models forecast the rows that they have not forecast yet."""
        dataset = walk.dataset
        new = np.arange(self._known, len(dataset), dtype=np.int64)
        if len(new):
            part = replace(now, test=new)
            answers = [ready(dataset, new, self._fold.train) for ready in self._ready]
            nothing = np.full(len(new), np.nan)
            failed = [FitResult(name, now.index, nothing, error=why) for name, why in self._failed.items()]
            asked = replace(walk, folds=[part])
            fits = judged_fits(asked, part, [ready.task for ready in self._ready], answers, failed)
            self._members = collect(asked, fits, self._members)
            self._known = len(dataset)

    def _told(self, walk: WalkForward, combined: Floats, weights: Floats, threshold: float) -> Forecast:
        bars, dataset = walk.bars, walk.dataset
        last = len(bars) - 1
        rows = {int(dataset.symbol[row]): int(row) for row in np.flatnonzero(dataset.bar == last)}
        spread = around(replace(walk, folds=[*self._walk.folds[:-1], walk.folds[0]]), combined)
        names = list(walk.members)
        told: list[dict[str, Any]] = []
        for column, symbol in enumerate(bars.symbols):
            one: dict[str, Any] = {"symbol": symbol, "weight": float(weights[column])}
            row = rows.get(column)
            if row is None or not np.isfinite(combined[row]):
                told.append({**one, "forecast": None, "reason": self._why(bars, dataset, column, row)})
                continue
            score = score_of(combined[row : row + 1], walk.binary)[0]
            members = {name: finite_or_none(self._members[row, names.index(name)]) for name in walk.voting}
            one |= {"forecast": float(combined[row]), "score": float(score), "members": members}
            told.append({**one, **({"quantiles": spread.of(row)} if spread is not None else {})})
        return Forecast(f"{bars.times[-1]}Z", walk.folds[0].index, threshold, told)

    def _why(self, bars: Bars, dataset: Dataset, column: int, row: int | None) -> str:
        if row is not None:
            return "no member has a forecast"
        if not bars.present[-1, column]:
            return "it has no bar at this time"
        if column in dataset.symbol:
            return "a feature is not known at this bar"
        return f"its features are not known yet: it has had {int(bars.present[:, column].sum())} bars"
