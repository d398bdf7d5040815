"""Spaces and trials as Optuna has them, and back: for the journal, and for samplers that are Optuna's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from quorate.plugins.space import Choice, Distribution, Float, Int
from quorate.plugins.specs import EarlierTrial
from quorate.sweeps.space import Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial


def ask_optuna(
    sampler: BaseSampler, space: Space, known: Iterable[EarlierTrial], running: Iterable[EarlierTrial]
) -> dict[str, Any]:
    """Return what one of Optuna's samplers tries next: with it a sampler plugin is a few lines.

    The study is in memory, made anew, and holds the earlier trials in the order of their numbers; those that were
    raced out count as pruned, with their mean loss so far. So it serves samplers that read all they know from a
    study's trials; what others keep on the side, in themselves or in attributes, is not there.

    Parameters
    ----------
    sampler : optuna.samplers.BaseSampler
        Made for this call, with the seed of the trial.
    space : mapping
        Parameter to `Float`, `Int` or `Choice`.
    known, running : iterable of EarlierTrial
        As a sampler plugin is given them.

    Returns
    -------
    dict
        Parameter to value.
    """
    told = (*sorted(known, key=_number), *sorted(running, key=_number))
    with in_memory(space, told, sampler) as study:
        asked = study.ask(fixed_distributions=distributions_of(space))
    return {name: _from_label(space[name], asked.params[name]) for name in space}


@contextmanager
def in_memory(space: Space, trials: Sequence[EarlierTrial], sampler: BaseSampler | None = None) -> Iterator[Study]:
    """Yield a study that holds these trials, in their order; every objective is to be small."""
    from optuna import create_study

    with _quiet():
        objectives = max((len(trial.values) for trial in trials), default=1) or 1
        study = create_study(sampler=sampler, directions=["minimize"] * objectives)
        known = distributions_of(space)  # once: there may be hundreds of trials
        study.add_trials([frozen(trial, space, known) for trial in trials])
        yield study


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from a sweep's lines what Optuna says of studies in memory, and of libraries that would make it faster."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _number(trial: EarlierTrial) -> int:
    return trial.number


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
    plain = all(isinstance(other, str | int | float | bool | None) for other in values)
    return value if plain and len(set(values)) == len(values) else json.dumps(value)


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


def frozen(
    trial: EarlierTrial, space: Space, known: Mapping[str, BaseDistribution] | None = None, **attributes: Any
) -> FrozenTrial:
    """Return a trial as Optuna knows it: one that was raced out has its mean loss so far, and counts as pruned.

    `known` is the space as Optuna has it, where it was made before; `attributes` are noted with the trial.
    """
    import optuna
    from optuna.trial import TrialState

    state = {"running": TrialState.RUNNING, "complete": TrialState.COMPLETE, "raced": TrialState.PRUNED}[trial.state]
    return optuna.trial.create_trial(
        state=state,
        params=labelled(space, trial.params),
        distributions=dict(known or distributions_of(space)),
        values=list(trial.values) if trial.state == "complete" else None,
        intermediate_values={trial.folds: trial.value} if trial.state == "raced" else {},
        user_attrs=dict(attributes),
    )
