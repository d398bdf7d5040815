"""Asking one of Optuna's samplers what to try next: a function of what is known, and of nothing else.

For each trial a sampler is made anew, seeded by the study and the trial's number, over a study in memory that holds
what is known then. So nothing of a sampler has to be kept, and neither the order in which fits were finished, nor
an interruption, can change what is tried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.plugins.space import Choice, Distribution, Float, Int
from quorate.sweeps.space import Space
from quorate.sweeps.trial import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

SAMPLERS = ("tpe", "random")


def suggest(
    sampler: str, space: Space, known: Sequence[Trial], running: Sequence[Trial], number: int, seed: int
) -> dict[str, Any]:
    """Return the parameters of trial `number`.

    Parameters
    ----------
    known : sequence of Trial
        Decided, in order; failed ones tell the sampler nothing.
    running : sequence of Trial
        Asked before this one and not decided yet: what they try need not be tried beside them.
    seed : int
        Of the study.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=_sampler(sampler, seed, number))
    wanted = distributions_of(space)
    study.add_trials([frozen(trial, space) for trial in (*known, *running) if trial.state != "failed"])
    asked = study.ask(fixed_distributions=wanted)
    return {name: _from_label(space[name], asked.params[name]) for name in space}


def _sampler(name: str, seed: int, number: int) -> BaseSampler:
    import optuna

    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if name == "random":
        return optuna.samplers.RandomSampler(seed=own)
    return optuna.samplers.TPESampler(seed=own, multivariate=True, n_startup_trials=10)


def distributions_of(space: Space) -> dict[str, BaseDistribution]:
    """Return a space as Optuna has it."""
    return {name: _distribution(one) for name, one in space.items()}


def _distribution(one: Distribution) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(one, Float):
        return FloatDistribution(one.low, one.high, log=one.log)
    if isinstance(one, Int):
        return IntDistribution(one.low, one.high, log=one.log)
    return CategoricalDistribution([_label(one, value) for value in one.values])


def _label(choice: Choice, value: Any) -> Any:
    """Return a value as Optuna keeps it: as it is, or as JSON, if it could not tell one from another."""
    values = choice.values
    plain = all(isinstance(other, str | int | float | bool | None) for other in values) and len(set(values)) == len(
        values
    )
    return value if plain else json.dumps(value)


def labelled(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as Optuna keeps them."""
    return {name: _label(one, params[name]) if isinstance(one, Choice) else params[name] for name, one in space.items()}


def _from_label(one: Distribution, label: Any) -> Any:
    return next(v for v in one.values if _same(_label(one, v), label)) if isinstance(one, Choice) else label


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def unlabelled(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters that Optuna has kept."""
    return {name: _from_label(one, params[name]) for name, one in space.items()}


def frozen(trial: Trial, space: Space, **attributes: Any) -> FrozenTrial:
    """Return a trial as Optuna knows it: one that was raced out has its mean loss so far, and counts as pruned."""
    import optuna
    from optuna.trial import TrialState

    state = {
        "running": TrialState.RUNNING,
        "complete": TrialState.COMPLETE,
        "raced": TrialState.PRUNED,
        "failed": TrialState.FAIL,
    }[trial.state]
    return optuna.trial.create_trial(
        state=state,
        params=labelled(space, trial.params),
        distributions=distributions_of(space),
        value=trial.value if trial.state == "complete" else None,
        intermediate_values={trial.used: trial.value} if trial.state == "raced" else {},
        user_attrs=dict(attributes),
    )
