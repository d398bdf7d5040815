"""How a search stands, what luck alone would have found by now, and what a Sharpe ratio would have to be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quorate import statistics
from quorate.evidence.result import finite_or_none
from quorate.statistics import Floats
from quorate.sweeps.objectives import front
from quorate.sweeps.search import Search
from quorate.sweeps.trial import Trial

SIZE = 0.05  # of the gate on what was selected
GROWTH = 1.1  # how many more trials there are before they are counted again


def standing(name: str, search: Search, trial: Trial, params: dict[str, Any]) -> dict[str, Any]:
    """Return how a search stands after a trial, as plain data: for whoever shows it.

    Values are as the objectives have them: of a metric that is to be high not its negative.
    """
    done, best, aims = search.done, search.best, search.rules.objectives
    states = [one.state for one in done]

    def shown(one: Trial) -> list[float | None]:
        return [finite_or_none(value) for value in aims.turned(one.values)] if one.used else [None]

    return {
        "model": name,
        "trial": trial.number,
        "state": trial.state,
        "objectives": list(aims.names),
        "values": shown(trial),
        "params": params,
        "error": trial.error,
        "best": shown(best),
        "best_trial": best.number if best.number >= 0 else None,
        "own": shown(search.reference),
        "front": len(front([search.reference, *(t for t in done if t.state == "complete")])) if aims.several else None,
        "luck": luck(search),
        "done": sum(one.counts for one in done),
        "of": search.rules.trials,
        "running": len(search.study.trials) - len(done),
        "raced": states.count("raced"),
        "failed": states.count("failed"),
    }


def luck(search: Search) -> float | None:
    """Return the gain over the recipe's own parameters that the best of so many trials shows, if none is better.

    The mean of the largest of as many normal deviates, correlated as the complete trials are, times the
    standard error of a gain: of the differences of the losses over blocks of bars, of the median trial. In the unit
    of the loss; None for fewer than two complete trials, and where metrics are the objectives: see `Deflation`.
    """
    complete = [trial for trial in search.done if trial.state == "complete"]
    if len(complete) < 2 or search.reference.state != "complete" or search.rules.objectives.metrics:
        return None
    folds = search.rules.folds
    own = search.reference.blocks(folds)
    gains = np.column_stack([own - trial.blocks(folds) for trial in complete])
    rows = sum(search.reference.folds[k].rows for k in range(folds))
    errors = gains.std(axis=0, ddof=1) * math.sqrt(len(gains)) / rows
    moving = gains.std(axis=0) > 0
    if moving.sum() < 2:
        return None
    best = statistics.expected_best(gains[:, moving])
    return float(np.median(errors)) * best if math.isfinite(best) else None


class Deflation:
    """What Sharpe ratio on the bars of the inner folds would say something, after so many were tried on them.

    Parameters
    ----------
    bars : int
        Returns of a series over all inner folds.
    bars_per_year : float
        For annualisation.
    before : int
        Series that were tried on these bars before, as the ledger knows.
    """

    def __init__(self, bars: int, bars_per_year: float, before: int) -> None:
        self._bars, self._year, self._before = bars, bars_per_year, before
        self._series: list[Floats] = []
        self._counted, self._effective = 0, 0.0

    def add(self, returns: Floats, known: bool) -> None:
        """Hear of another series that was tried; one that was stopped early had no position later.

        Parameters
        ----------
        known : bool
            Whether it is one of those that were tried before.
        """
        if returns.any():
            self._before -= known
            self._series.append(np.pad(returns, (0, self._bars - len(returns))))

    @property
    def asked(self) -> float | None:
        """The annual Sharpe ratio that the best of so many trials without skill shows one time in twenty.

        Of normal returns, see `quorate.statistics.effective_trials`; None before anything was tried.
        """
        if not self._series or self._bars < 3:
            return None
        if len(self._series) >= self._counted * GROWTH:
            self._effective = statistics.effective_trials(np.column_stack(self._series))
            self._counted = len(self._series)
        if not math.isfinite(self._effective):
            return None
        return self.at(self._effective)

    def at(self, effective: float) -> float:
        """Return the same for a number of independent trials, beside those of before."""
        from scipy.special import ndtri

        alone = statistics.p_alone(SIZE, max(effective + self._before, 1.0))
        return -float(ndtri(alone)) * math.sqrt(self._year / (self._bars - 1))
