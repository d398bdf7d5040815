"""Samplers that are Optuna's, each made anew for the trial and over a study that holds what is known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import quorate

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

Space = Mapping[str, quorate.Float | quorate.Int | quorate.Choice]
Trials = Sequence[quorate.EarlierTrial]


def tpe(space: Space, known: Trials, running: Trials, number: int, seed: int, startup: int = 10) -> dict[str, Any]:
    """Draw from where good trials are dense and others are not, all parameters together.

    Raced trials count as worse than complete ones, the worse the earlier they were stopped. Of those that run it is
    assumed that they lose much, so that the next is tried elsewhere.

    Parameters
    ----------
    startup : int
        Trials that are drawn at random before it learns.

    References
    ----------
    Bergstra, Bardenet, Bengio and Kegl (2011), "Algorithms for hyper-parameter optimization", NeurIPS 24.
    """
    import optuna

    check_least("startup", startup, 0)
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=startup)
    return quorate.ask_optuna(sampler, space, known, running)


def random(space: Space, known: Trials, running: Trials, number: int, seed: int) -> dict[str, Any]:
    """Draw each parameter uniformly, or uniformly in its logarithm; nothing is learnt."""
    import optuna

    return quorate.ask_optuna(optuna.samplers.RandomSampler(seed=seed), space, known, running)


def gp(space: Space, known: Trials, running: Trials, number: int, seed: int, startup: int = 10) -> dict[str, Any]:
    """Fit a Gaussian process to the losses and try where the expected improvement is largest.

    It takes the longest to ask, up to seconds with hundreds of trials, and learns the most from few.

    Parameters
    ----------
    startup : int
        Trials that are drawn at random before it learns.

    References
    ----------
    Jones, Schonlau and Welch (1998), "Efficient global optimization of expensive black-box functions", Journal of
    Global Optimization 13.
    """
    import optuna
    from threadpoolctl import threadpool_limits

    check_least("startup", startup, 0)
    import_module("torch")  # its threads are limited, too, once they are there
    with warnings.catch_warnings(), threadpool_limits(1):  # sums by several threads differ in their last bits
        warnings.simplefilter("ignore", UserWarning)  # of what is experimental, and of values that are infinite
        sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup)
        return quorate.ask_optuna(sampler, space, settled(known), running)


def nsga2(space: Space, known: Trials, running: Trials, number: int, seed: int, population: int = 8) -> dict[str, Any]:
    """Cross two parents from the best so far, and change a parameter here and there.

    The trials that are known make up generations by their numbers, `population` of them each.

    Parameters
    ----------
    population : int
        Trials of a generation, and parents of the next one.

    References
    ----------
    Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
    Transactions on Evolutionary Computation 6.
    """
    import optuna

    check_least("population", population, 2)
    told = settled(known)

    class Replayed(optuna.samplers.NSGAIISampler):
        """Reads generations off the numbers, as no study keeps them between two trials."""

        def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
            return len(told) // population

        def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
            first = generation * population
            return study.get_trials(deepcopy=False)[first : first + population]  # those that are known come first

    return quorate.ask_optuna(Replayed(seed=seed, population_size=population), space, told, running)


def settled(known: Trials) -> list[quorate.EarlierTrial]:
    """Return trials by number, each as if it were complete: one that was raced out loses as much as the worst.

    For what reads complete trials only. Its own loss is over other folds than theirs, and it was shown that it cannot
    be the best.
    """
    worst = max((trial.value for trial in known if trial.state == "complete"), default=float("-inf"))
    ordered = sorted(known, key=lambda trial: trial.number)
    return [
        replace(t, state="complete", value=t.value if t.state == "complete" else max(t.value, worst)) for t in ordered
    ]


def check_least(name: str, value: float, least: float) -> None:
    """Raise `RecipeError`, if an option is less than it may be."""
    if value < least:
        raise quorate.RecipeError(f"tuning.sampler_options.{name} must be {least} or more; it was {value}")
