"""Whether a search may end early: what is left to gain lies below what can be told from noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from warnings import catch_warnings, simplefilter

from quorate.sweeps.sampling import earlier
from quorate.sweeps.space import Space
from quorate.sweeps.translation import in_memory
from quorate.sweeps.trial import Trial

FEWEST = 10  # complete trials without which nothing is said


def nothing_left(space: Space, trials: Sequence[Trial], reference: Trial, folds: int, seed: int) -> str:
    """Return why a search may end; empty, if it goes on.

    The bound on what is left to gain is that of a Gaussian process over the losses of complete trials (Makarova et al.
    2022, "Automatic termination for hyperparameter optimization", AutoML); the noise is the standard error of the
    best's gain over the recipe's own parameters, of paired differences over blocks.

    Parameters
    ----------
    trials : sequence of Trial
        Decided; those that were stopped early say nothing here.
    seed : int
        Of where the bound is looked for.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if len(complete) < FEWEST:
        return ""
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    gains = reference.blocks(folds) - best.blocks(folds)
    rows = sum(best.folds[k].rows for k in range(folds))
    noise = float(gains.std(ddof=1)) * math.sqrt(len(gains)) / rows
    left = _regret(space, complete, seed)
    if left >= noise:
        return ""
    return f"at most {left:.2g} is thought to be left to gain, below the noise of {noise:.2g} (tuning.stop)"


def _regret(space: Space, complete: Sequence[Trial], seed: int) -> float:
    import_module("torch")  # its threads are limited, too, once they are there
    from optuna.study import StudyDirection
    from optuna.terminator import RegretBoundEvaluator
    from threadpoolctl import threadpool_limits

    with (
        catch_warnings(),
        threadpool_limits(1),  # sums by several threads differ in their last bits
        in_memory(space, [earlier(trial, space) for trial in complete]) as study,
    ):
        simplefilter("ignore")
        evaluator = RegretBoundEvaluator(seed=seed)
        return float(evaluator.evaluate(study.get_trials(deepcopy=False), StudyDirection.MINIMIZE))
