"""What a fold forecasts where all is computed on all bars at each of them: what quicker ways are held against."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.evidence.result import finite_or_none
from quorate.execution.keeping import Ready
from quorate.runs.models import RunModels, judged_fits
from quorate.serving.forecaster import Forecast
from quorate.walkforward.distribution import around
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import collect
from quorate.walkforward.rows import rows_of
from quorate.walkforward.series import combine_members, decide_judged, decided_as
from quorate.walkforward.tables import stored_predictions


class OnAllBars:
    """The last fold of a run, whose rows, combination and weights are made of all bars each time."""

    def __init__(self, models: RunModels) -> None:
        walk, self.fold = models.walk, models.fold(None)
        self.walk = replace(walk, unseen=None, warnings=[])
        self.rows = rows_of(walk.recipe, walk.registry, walk.bars)
        fitted = [models.of(name, self.fold, seed) for name in walk.voting for seed in range(models.seeds(name))]
        self.ready = [Ready(one.task, one.state, walk.dataset) for one in fitted]
        self.members = stored_predictions(models.report.stored("predictions"), list(walk.recipe.models))
        self.judged = decide_judged(self.walk, self.members)
        self.before = int((walk.dataset.bar < self.fold.first).sum())
        self.members = self.members[: self.before]

    def at(self, bars: Bars, kept: bool = False) -> Forecast:
        """Return what is forecast at the last of these bars; `kept` keeps what members forecast."""
        dataset = self.rows.build(bars)
        test = np.flatnonzero(dataset.bar >= self.fold.first).astype(np.int64)
        now = replace(self.fold, stop=len(bars), test=test)
        walk = replace(self.walk, bars=bars, dataset=dataset, folds=[now])
        members = self._asked(walk, now)
        if kept:
            self.members = members
        method = walk.recipe.ensemble.method
        combined = np.full(len(dataset), np.nan)
        combined[: self.before] = self.judged.predictions[: self.before]
        combined[test] = combine_members(walk, members, beside=False)[method].predictions[test]
        decided = decided_as(walk, self.judged, [len(self.walk.folds) - 1], combined).decisions
        return self._told(walk, members, combined, decided.targets[-1], float(decided.thresholds[0]))

    def _asked(self, walk: WalkForward, now: Fold) -> Any:
        new = np.arange(len(self.members), len(walk.dataset), dtype=np.int64)
        if not len(new):
            return self.members
        part = replace(now, test=new)
        answers = [ready(walk.dataset, new, now.train) for ready in self.ready]
        asked = replace(walk, folds=[part])
        fits = judged_fits(asked, part, [ready.task for ready in self.ready], answers)
        return collect(asked, fits, self.members)

    def _told(self, walk: WalkForward, members: Any, combined: Any, weights: Any, threshold: float) -> Forecast:
        bars, dataset = walk.bars, walk.dataset
        rows = {int(dataset.symbol[row]): int(row) for row in np.flatnonzero(dataset.bar == len(bars) - 1)}
        spread = around(replace(walk, folds=[*self.walk.folds[:-1], walk.folds[0]]), combined)
        told: list[dict[str, Any]] = []
        for column, symbol in enumerate(bars.symbols):
            one: dict[str, Any] = {"symbol": symbol, "weight": float(weights[column])}
            if (row := rows.get(column)) is not None:
                names = list(walk.members)
                one["forecast"] = float(combined[row])
                one["score"] = float(2 * combined[row] - 1 if walk.binary else combined[row])
                one["members"] = {name: finite_or_none(members[row, names.index(name)]) for name in walk.voting}
                one |= {"quantiles": spread.of(row)} if spread is not None else {}
            else:
                one["forecast"] = None
            told.append(one)
        return Forecast(f"{bars.times[-1]}Z", walk.folds[0].index, threshold, told)


def unlike(one: Forecast, other: Forecast) -> str:
    """Return in what two forecasts differ, in any bit; reasons aside."""
    pairs = [
        ({key: value for key, value in a.items() if key != "reason"}, {k: v for k, v in b.items() if k != "reason"})
        for a, b in zip(one.symbols, other.symbols, strict=True)
    ]
    for a, b in pairs:
        if repr(a) != repr(b):
            return f"{one.time}: {a} and {b}"
    return "" if (one.time, one.threshold) == (other.time, other.threshold) else f"{one.time} and {other.time}"
