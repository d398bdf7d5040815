"""Which parameters it depended on how well a trial did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from warnings import catch_warnings, simplefilter

from quorate.sweeps.objectives import Objectives
from quorate.sweeps.sampling import earlier
from quorate.sweeps.space import Space
from quorate.sweeps.translation import in_memory
from quorate.sweeps.trial import Trial

FEWEST = 10  # complete trials without which nothing is said


def importance(space: Space, trials: Sequence[Trial], objectives: Objectives) -> dict[str, dict[str, float]]:
    """Return the share of each parameter in what made trials good, by objective; empty for too few trials.

    PED-ANOVA (Watanabe, Bansal and Hutter 2023, IJCAI): how much the parameter's values among the better trials differ
    from those among all. Shares add up to one. Which way a parameter acts is not said, nor whether it does outside of
    what was tried.
    """
    complete = [t for t in trials if t.state == "complete" and all(map(math.isfinite, t.values))]
    if len(complete) < FEWEST:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with catch_warnings(), in_memory(space, [earlier(trial, space) for trial in complete]) as study:
        simplefilter("ignore", UserWarning)  # it warns of any target, as one might want to be high
        found = {}
        for k, name in enumerate(objectives.names):
            if len({trial.values[k] for trial in complete}) > 1:
                shares = get_param_importances(
                    study,
                    evaluator=PedAnovaImportanceEvaluator(),
                    target=lambda trial, k=k: trial.values[k],  # type: ignore[misc]
                )
                found[name] = {parameter: round(float(share), 6) for parameter, share in shares.items()}
    return found
