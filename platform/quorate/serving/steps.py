"""The steps from new bars to what is wanted at the last of them: rows, members, combination, weights."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.dataset.packing import bar_volatility
from quorate.dataset.rows import Dataset
from quorate.ensemble.combine import VOLATILITY_BARS
from quorate.ensemble.within import WITHIN
from quorate.evidence.result import finite_or_none
from quorate.execution.outputs import BLOCK
from quorate.execution.task import FitResult
from quorate.runs.models import RunModels, judged_fits
from quorate.serving.desired import Desire, Held
from quorate.serving.history import stands_beside
from quorate.serving.latest import LatestRows, anchored, anchors_of
from quorate.serving.members import members_of
from quorate.statistics import Floats
from quorate.trading.strategy import score_of, to_panel
from quorate.walkforward.distribution import Distribution, around
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import collect
from quorate.walkforward.rows import features_of, history_of, model_of, rows_of
from quorate.walkforward.series import combine_members, combiner_of, decide_judged, taken_by
from quorate.walkforward.tables import stored_predictions

_one_at_a_time = threading.Lock()  # threads of libraries, and global generators, are the process's


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a fold stands after some bars: all that its steps at later ones read of earlier ones.

    Parameters
    ----------
    bars : int
        How many there were.
    bar, symbol : ndarray of int64, (n_rows,)
        Of each row so far.
    members : ndarray of float64, (n_rows, n_members)
        What each member forecast.
    combined : ndarray of float64, (n_rows,)
        What the ensemble did.
    score : ndarray of float64, (n_bars, n_symbols)
        That as a score.
    held : Held
        What is desired.
    """

    bars: int
    bar: NDArray[np.int64]
    symbol: NDArray[np.int64]
    members: Floats
    combined: Floats
    score: Floats
    held: Held


class Steps:
    """What a fold does at each bar.

    Parameters
    ----------
    models : RunModels
        The run's.
    fold : int, optional
        Default: the last one.

    Attributes
    ----------
    bars : Bars
        Those of the run, up to the fold's end.
    first : int
        The fold's first bar.
    standing : Standing
        Before it.
    """

    def __init__(self, models: RunModels, fold: int | None = None) -> None:
        self._fold = models.fold(fold)
        walk = models.walk
        self._place = [one.index for one in walk.folds].index(self._fold.index)
        self._walk = replace(walk, folds=walk.folds[: self._place + 1], unseen=None, warnings=[])
        self.bars, self.first = walk.bars.take(0, self._fold.stop), self._fold.first
        self.seconds = walk.recipe.execution.fit_seconds
        self._rows = rows_of(walk.recipe, walk.registry, walk.bars)
        self._members, self._failed = members_of(models, self._walk, self._fold, self.bars)
        # NumPy adds eight numbers and more in another order, where there is one row of them.
        many = any(one.task.replicate >= 7 for one in self._members)
        self._twice = many and len(self._fold.test) > 1 and walk.recipe.ensemble.calibration not in WITHIN
        earlier = self._earlier(models)
        judged = decide_judged(self._walk, earlier)
        plan, [self._setting] = taken_by(self._walk, judged, [self._place], judged.predictions)
        self._desire = Desire(plan, self._setting, walk.bars, walk.trading.fill)
        self._combiner = combiner_of(self._walk, self._fold, earlier)
        self._latest = self._latest_rows()
        if self._combiner is not None and not self._row_by_row(earlier, judged.predictions):
            self._combiner = None
        self._anchors = anchors_of(walk.dataset, self._fold.train)
        self.standing = self._begin(earlier, judged.predictions)
        known = (walk.dataset.end <= self.first) & np.isfinite(judged.predictions)
        self._ended = np.flatnonzero(known)

    @property
    def on_all_bars(self) -> tuple[str, ...]:
        """What is computed on all bars for each new one."""
        recipe = self._walk.recipe
        rows = ["all features"] if self._latest is None else [f"feature {name}" for name in self._latest.on_all]
        told = {
            f"ensembler {recipe.ensemble.method}": self._combiner is None,
            f"interval {recipe.ensemble.interval}": recipe.ensemble.interval == "adaptive",
            f"strategy {recipe.strategy.name}": not self._desire.by_itself,
        }
        return (*rows, *(what for what, so in told.items() if so))

    def go_on(self, before: Standing, bars: Bars) -> Standing:
        """Return where it stands after all of these bars, going on from where it stood before the last of them.

        Raises
        ------
        FitError
            If a model fails.
        """
        last = len(bars) - before.bars
        dataset, rows, train = self._new_rows(bars, last)
        bar, symbol = dataset.bar[rows], dataset.symbol[rows]
        members = self._forecast(bars, dataset, rows, train)
        now = replace(
            before,
            bars=len(bars),
            bar=np.concatenate([before.bar, bar]),
            symbol=np.concatenate([before.symbol, symbol]),
            members=np.concatenate([before.members, members]),
        )
        combined = self._combined(now, bars, last, len(rows))
        part = np.full((last, len(bars.symbols)), np.nan)
        part[bar - before.bars, symbol] = score_of(combined, self._walk.binary)
        score = np.concatenate([before.score, part])
        held = self._desire.go_on(before.held, bars, score, last)
        return replace(now, combined=np.concatenate([before.combined, combined]), score=score, held=held)

    def told(self, now: Standing, bars: Bars) -> tuple[str, int, float, list[dict[str, Any]]]:
        """Return what a forecast says at the last of these bars, after which it stands so."""
        n = int(np.searchsorted(now.bar, len(bars) - 1))
        rows = {int(now.symbol[row]): row for row in range(n, len(now.bar))}
        spread = self._around(now, bars, n) if rows else None
        names = list(self._walk.members)
        told: list[dict[str, Any]] = []
        for column, symbol in enumerate(bars.symbols):
            one: dict[str, Any] = {"symbol": symbol, "weight": float(now.held.weights[column])}
            row = rows.get(column)
            if row is None or not np.isfinite(now.combined[row]):
                told.append({**one, "forecast": None, "reason": _why(now, bars, column, row)})
                continue
            members = {name: finite_or_none(now.members[row, names.index(name)]) for name in self._walk.voting}
            one |= {"forecast": float(now.combined[row]), "score": float(now.score[-1, column]), "members": members}
            told.append({**one, **({"quantiles": spread.of(row - n)} if spread is not None else {})})
        return f"{bars.times[-1]}Z", self._fold.index, float(self._setting.threshold), told

    def _earlier(self, models: RunModels) -> Floats:
        """Return what members forecast in the run of the rows up to the end of the fold, (n_rows, n_members)."""
        stored = stored_predictions(models.report.stored("predictions"), list(self._walk.recipe.models))
        found = np.full((len(self._walk.dataset), stored.shape[1]), np.nan)
        found[: len(stored)] = stored
        found[self._walk.dataset.bar >= self._fold.stop] = np.nan
        return found

    def _begin(self, members: Floats, combined: Floats) -> Standing:
        """Return where the fold stands before its first bar."""
        dataset, bars = self._walk.dataset, self._walk.bars.take(0, self.first)
        n = int(np.searchsorted(dataset.bar, self.first))
        score = to_panel(score_of(combined, self._walk.binary), dataset, self._walk.bars)[: self.first]
        held = self._desire.begin(bars, score)
        return Standing(self.first, dataset.bar[:n], dataset.symbol[:n], members[:n], combined[:n], score, held)

    def _latest_rows(self) -> LatestRows | None:
        """Return how rows of the last bars are made without all others; None, where that cannot be told."""
        walk = self._walk
        features, _ = features_of(walk.recipe, walk.registry, walk.bars)
        beside = stands_beside(walk.bars) or walk.bars.universe is not None
        if beside or any(one.frequency for one in features):
            return None
        models = [model_of(walk.registry, name, walk.recipe) for name in walk.recipe.models]
        return LatestRows(
            features,
            history_of(walk.recipe, walk.registry, walk.bars),
            max((one.lookback for one in models if one.input == "windows"), default=0),
            walk.recipe.features.categories,
            any(one.input == "bars" for one in models),
            self.bars,
            self.first,
        )

    def _new_rows(self, bars: Bars, last: int) -> tuple[Dataset, NDArray[np.int64], NDArray[np.int64]]:
        """Return a dataset with the rows of the last bars, which they are, and which tell of those that trained."""
        if self._latest is None:
            dataset = self._rows.build(bars)
            return dataset, np.flatnonzero(dataset.bar >= len(bars) - last), self._fold.train
        made, start = self._latest.of(bars, last)
        n = len(self._anchors)
        dataset = anchored(self._walk.dataset, self._anchors, made, start, bars.times)
        return dataset, np.arange(n, len(dataset)), np.arange(n)

    def _forecast(self, bars: Bars, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64]) -> Floats:
        """Return what members forecast of some rows, (n_rows, n_members)."""
        if not len(rows):
            return np.empty((0, len(self._walk.members)))
        with _one_at_a_time:
            answers = [one(dataset, rows, train) for one in self._members]
        test = rows
        if self._twice and len(rows) == 1:
            test = np.repeat(rows, 2)
            answers = [(np.repeat(p, 2), {name: np.repeat(v, 2) for name, v in more.items()}) for p, more in answers]
        now = replace(self._fold, stop=len(bars), test=test)
        asked = replace(self._walk, bars=bars, dataset=dataset, folds=[now])
        nothing = np.full(len(test), np.nan)
        failed = [FitResult(name, now.index, nothing, error=why) for name, why in self._failed.items()]
        fits = judged_fits(asked, now, [one.task for one in self._members], answers, failed)
        return collect(asked, fits)[rows]

    def _combined(self, now: Standing, bars: Bars, last: int, count: int) -> Floats:
        """Return the combination of the last rows, (count,)."""
        if not count:
            return np.empty(0)
        new = slice(len(now.bar) - count, None)
        if self._combiner is not None:
            start = 0 if self._latest is None else self._latest.start(bars, last)
            volatility = bar_volatility(bars.take(start, len(bars)), VOLATILITY_BARS)
            voting = now.members[new][:, self._walk.voting_columns]
            return self._combiner(voting, now.bar[new], volatility[now.bar[new] - start, now.symbol[new]])
        walk = self._labelled(now, bars)
        made = combine_members(walk, now.members, beside=False)[walk.recipe.ensemble.method]
        return made.predictions[new]

    def _labelled(self, now: Standing, bars: Bars) -> WalkForward:
        """Return the fold with all rows so far, and what is known of their labels."""
        labels = self._rows.labels(bars)
        y = labels.values[now.bar, now.symbol]
        end = np.where(np.isnan(y), NEVER, labels.ends[now.bar, now.symbol]).astype(np.int64)
        dataset = replace(self._walk.dataset, bar=now.bar, symbol=now.symbol, y=y, end=end)
        test = np.flatnonzero(now.bar >= self.first).astype(np.int64)
        return replace(self._walk, bars=bars, dataset=dataset, folds=[replace(self._fold, stop=len(bars), test=test)])

    def _row_by_row(self, members: Floats, combined: Floats) -> bool:
        """Say whether the last rows of the fold are combined bar by bar as all of them are together."""
        assert self._combiner is not None
        walk, test = self._walk, self._fold.test[-BLOCK:]
        volatility = bar_volatility(walk.bars, VOLATILITY_BARS)[walk.dataset.bar, walk.dataset.symbol]
        for bar in np.unique(walk.dataset.bar[test]):
            rows = test[walk.dataset.bar[test] == bar]
            one = self._combiner(members[rows][:, walk.voting_columns], walk.dataset.bar[rows], volatility[rows])
            if one.tobytes() != combined[rows].tobytes():
                return False
        return True

    def _around(self, now: Standing, bars: Bars, n: int) -> Distribution | None:
        """Return the quantiles around the ensemble's forecasts of the rows from `n` on."""
        if self._walk.recipe.ensemble.interval is None:
            return None
        if self._walk.recipe.ensemble.interval == "split":  # by errors that were known at the fold's first bar
            dataset, k = self._walk.dataset, len(self._ended)
            rows = np.arange(n, len(now.bar))
            unknown = np.full(len(rows), np.nan)
            part = replace(
                dataset,
                bar=np.concatenate([dataset.bar[self._ended], now.bar[rows]]),
                y=np.concatenate([dataset.y[self._ended], unknown]),
                end=np.concatenate([dataset.end[self._ended], np.full(len(rows), NEVER)]),
            )
            fold = replace(self._fold, test=np.arange(k, k + len(rows)))
            found = around(
                replace(self._walk, dataset=part, folds=[fold]),
                np.concatenate([now.combined[self._ended], now.combined[rows]]),
            )
            return None if found is None else found._replace(values=found.values[k:])
        walk = self._labelled(now, bars)
        found = around(replace(walk, folds=[*self._walk.folds[:-1], *walk.folds]), now.combined)
        return None if found is None else found._replace(values=found.values[n:])


def _why(now: Standing, bars: Bars, column: int, row: int | None) -> str:
    if row is not None:
        return "no member has a forecast"
    if not bars.present[-1, column]:
        return "it has no bar at this time"
    if column in now.symbol:
        return "a feature is not known at this bar"
    return f"its features are not known yet: it has had {int(bars.present[:, column].sum())} bars"
