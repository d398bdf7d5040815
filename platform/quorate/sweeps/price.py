"""How a search stands, and what luck alone would have found by now."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quorate import statistics
from quorate.evidence.evidence import finite_or_none
from quorate.sweeps.search import Search
from quorate.sweeps.trial import Trial


def standing(model: str, search: Search, trial: Trial) -> dict[str, Any]:
    """Return how a search stands after a trial, as plain data: for whoever shows it."""
    done, best = search.done, search.best
    states = [one.state for one in done]
    return {
        "model": model,
        "trial": trial.number,
        "state": trial.state,
        "value": finite_or_none(trial.value) if trial.used else None,
        "params": dict(trial.params),
        "error": trial.error,
        "best": best.value,
        "best_trial": best.number if best.number >= 0 else None,
        "own": search.reference.value,
        "luck": luck(search),
        "done": sum(one.counts for one in done),
        "of": search.rules.trials,
        "raced": states.count("raced"),
        "failed": states.count("failed"),
    }


def luck(search: Search) -> float | None:
    """Return the gain over the recipe's own parameters that the best of so many trials shows, if none is better.

    The expected maximum of as many normal deviates as the complete trials amount to independent ones, times the
    standard error of a gain: of the differences of the losses over blocks of bars, of the median trial. In the unit
    of the loss; None for fewer than two complete trials.
    """
    complete = [trial for trial in search.done if trial.state == "complete"]
    if len(complete) < 2 or search.reference.state != "complete":
        return None
    folds = search.rules.folds
    own = search.reference.blocks(folds)
    gains = np.column_stack([own - trial.blocks(folds) for trial in complete])
    rows = sum(search.reference.folds[k].rows for k in range(folds))
    errors = gains.std(axis=0, ddof=1) * math.sqrt(len(gains)) / rows
    moving = gains.std(axis=0) > 0
    if moving.sum() < 2:
        return None
    independent = statistics.effective_trials(gains[:, moving])
    if not math.isfinite(independent):
        return None
    return float(np.median(errors)) * statistics.expected_max(max(independent, 1.0))
