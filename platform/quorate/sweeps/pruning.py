"""Which trials are stopped before all their folds are fitted, by the rule that the recipe names.

Each rule is a function of numbers and losses: of a trial's folds so far, and of the trials of generations before its
own. Optuna's pruners, which these are named after, note on the side what they have seen, and so depend on when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quorate.sweeps.racing import chance_to_win
from quorate.sweeps.trial import Trial

STARTUP = 4  # trials that the median is of, at least
P_WILCOXON = 0.1
REDUCTION = 3  # of three that reach a rung of Hyperband one goes on

# Whether a trial is stopped after its first folds: trial, number of folds, decided trials of before, the best of them.
Stops = Callable[[Trial, int, Sequence[Trial], Trial], bool]


def stops_of(rule: str, level: float, folds: int) -> Stops | None:
    """Return the rule that `tuning.pruner` names; None, if nothing stops a trial.

    Parameters
    ----------
    rule : {"race", "median", "hyperband", "wilcoxon", "none"}
        `race` alone heeds `level`, see `quorate.sweeps.racing`.
    folds : int
        Inner folds of each trial.
    """

    def race(trial: Trial, used: int, rivals: Sequence[Trial], best: Trial) -> bool:
        return chance_to_win(trial.blocks(used), best.blocks(folds)) < level

    def halving(trial: Trial, used: int, rivals: Sequence[Trial], best: Trial) -> bool:
        return hyperband(trial, used, rivals, folds)

    rules: dict[str, Stops] = {"race": race, "median": median, "hyperband": halving, "wilcoxon": wilcoxon}
    return rules.get(rule)


def median(trial: Trial, used: int, rivals: Sequence[Trial], best: Trial) -> bool:
    """Whether a trial is worse than half of the others were after as many folds (Golovin et al. 2017, Vizier)."""
    others = [rival.after(used)[0] for rival in rivals if rival.used >= used]
    return len(others) >= STARTUP and trial.after(used)[0] > float(np.median(others))


def wilcoxon(trial: Trial, used: int, rivals: Sequence[Trial], best: Trial) -> bool:
    """Whether a trial is worse than the best fold by fold, and in the mean: the signed-rank test, one-sided."""
    if used < 2 or trial.after(used)[0] <= best.after(used)[0]:
        return False
    from scipy.stats import wilcoxon as signed_ranks

    differences = [_mean(trial, fold) - _mean(best, fold) for fold in range(used)]
    return float(signed_ranks(differences, alternative="greater", zero_method="zsplit").pvalue) < P_WILCOXON


def _mean(trial: Trial, fold: int) -> float:
    return trial.folds[fold].total / trial.folds[fold].rows


def hyperband(trial: Trial, used: int, rivals: Sequence[Trial], folds: int) -> bool:
    """Whether a trial is not among the best third at a rung of its bracket (Li et al. 2018, Hyperband, JMLR 18).

    The rungs of the first bracket are at 1, 3, 9, ... folds, each further bracket leaves out one more of the first.
    Trials belong to the brackets in turn.
    """
    rungs = [REDUCTION**k for k in range(folds) if REDUCTION**k < folds]
    if used not in rungs[trial.number % len(rungs) :]:
        return False
    mates = [rival for rival in rivals if rival.number % len(rungs) == trial.number % len(rungs)]
    others = [rival.after(used)[0] for rival in mates if rival.used >= used]
    better = sum(other < trial.after(used)[0] for other in others)
    return better >= max((len(others) + 1) // REDUCTION, 1)
