"""What a search is to make small: a loss, or metrics of the recipe as it trades; of several, which trial is chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import MetricSpec
from quorate.recipe.schema import Tuning
from quorate.statistics import Floats
from quorate.sweeps.trial import Trial

LOSS = "loss"


@dataclass(frozen=True)
class Objectives:
    """What trials are compared by. Inside a search every value is to be small: of a Sharpe ratio it is the negative.

    Parameters
    ----------
    metrics : tuple of MetricSpec
        Empty: the loss.
    deviation : float
        How many deviations over the folds the mean over them is worsened by; 0: the metric of all folds as one stretch.
    choose : {"knee", "lexicographic", "weighted"}
        Which of the trials that no other one dominates is the best.
    weights : tuple of float
        Of the objectives, for ``weighted``.
    """

    metrics: tuple[MetricSpec, ...] = ()
    deviation: float = 0.0
    choose: str = "knee"
    weights: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(metric.name for metric in self.metrics) or (LOSS,)

    @property
    def higher(self) -> tuple[bool, ...]:
        """Whether each is to be high in truth."""
        return tuple(bool(metric.higher_is_better) for metric in self.metrics) or (False,)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.metrics) > 1

    def turned(self, values: Sequence[float]) -> list[float]:
        """Return values with the sign that makes less better; turned again they are as they were."""
        return [-v if up else v for v, up in zip(values, self.higher, strict=True)]

    def over_folds(self, values: Floats) -> float:
        """Return one objective from its values on folds, all of them to be small; infinite, where it is undefined."""
        if not np.isfinite(values).all():
            return math.inf
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        return float(values.mean()) + self.deviation * spread

    def best(self, trials: Sequence[Trial]) -> Trial:
        """Return the best of complete trials; of equal ones the first."""
        if not self.several:
            return min(trials, key=lambda trial: (trial.value, trial.number))
        ordered = front(sorted(trials, key=lambda trial: trial.number))
        if not ordered:
            return min(trials, key=lambda trial: trial.number)
        points = np.array([trial.values for trial in ordered])
        return ordered[choose(points, self.choose, self.weights)]


ONE_LOSS = Objectives()


def front(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that no other one dominates: at least as good in all objectives, and better in one."""
    defined = [trial for trial in trials if trial.values and all(map(math.isfinite, trial.values))]
    points = np.array([trial.values for trial in defined])
    found: list[Trial] = []
    for trial, point in zip(defined, points, strict=True):
        dominated = ((points <= point).all(axis=1) & (points < point).any(axis=1)).any()
        # Of trials that came to the same the first stands for all.
        if not dominated and not any(other.values == trial.values for other in found):
            found.append(trial)
    return found


def choose(points: Floats, rule: str, weights: Sequence[float] = ()) -> int:
    """Return which point of a front is chosen; each objective is scaled to 0 (its best there) to 1 (its worst).

    Parameters
    ----------
    points : ndarray of float64, (n_points, n_objectives)
        Less is better.
    rule : {"knee", "lexicographic", "weighted"}
        ``knee``: the farthest below the plane through the ends of the front (Das 1999, "On characterizing the 'knee'
        of the Pareto curve", Structural Optimization 18). ``lexicographic``: the best in the first objective, then in
        the next. ``weighted``: the least weighted sum.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    if rule == "lexicographic":
        return min(range(len(points)), key=lambda k: tuple(points[k]))
    # The plane through the ends of the axes is where the sum is one: far below it is a small sum.
    share = np.array(weights) if rule == "weighted" else np.ones(points.shape[1])
    return int(np.argmin(scaled @ share))


def objectives_of(rules: Tuning, registry: Registry) -> Objectives:
    """Return what a recipe's ``[tuning]`` asks for.

    Raises
    ------
    RecipeError
        For an unknown metric, one that is neither better high nor low, or rules that do not fit them.
    """
    names = [rules.objective] if isinstance(rules.objective, str) else rules.objective
    if len(set(names)) < len(names) or (LOSS in names and len(names) > 1):
        raise RecipeError(
            f"tuning.objective must hold metrics, each once ({LOSS} stands alone); it was {', '.join(names)}"
        )
    if names == [LOSS]:
        _only(rules, LOSS, deviation=0.0)
        return ONE_LOSS
    metrics = []
    known = registry.names("metric")
    for name in names:
        if name not in known:
            able = [LOSS, *known]
            raise RecipeError(
                f"tuning.objective: unknown {name!r}: it must be one of {one_of(able)}{near_misses(name, able)}"
            )
        spec = registry.get(MetricSpec, name)
        if spec.higher_is_better is None:
            raise RecipeError(f"tuning.objective: {name} is better neither high nor low: take another metric")
        if spec.quantiles:
            raise RecipeError(
                f"tuning.objective: {name} is of quantiles, and trials are judged by what is combined and traded: take "
                'another metric, or "loss"'
            )
        metrics.append(spec)
    if len(metrics) == 1:
        _only(rules, "one objective", weights=[])
    elif rules.choose == "weighted":
        if len(rules.weights) != len(metrics) or not sum(rules.weights) > 0:
            raise RecipeError(
                f"tuning.weights must hold one weight for each of {', '.join(names)}, above zero in sum; it was "
                f"{rules.weights}"
            )
    elif rules.weights:
        raise RecipeError(f'tuning.weights is for tuning.choose = "weighted"; it was "{rules.choose}"')
    return Objectives(tuple(metrics), rules.deviation, rules.choose, tuple(rules.weights))


def _only(rules: Tuning, what: str, **needed: Any) -> None:
    for name, value in needed.items():
        if getattr(rules, name) != value:
            raise RecipeError(f"tuning.{name} is not for {what}: leave it out; it was {getattr(rules, name)!r}")
