"""What searches: samplers, and the trials that they are told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from quorate.errors import PluginError, near_misses, one_of
from quorate.plugins.specs.base import Spec


@dataclass(frozen=True)
class EarlierTrial:
    """A trial that was asked before the one that is wanted now.

    Parameters
    ----------
    number : int
        From 0 on, in the order in which they were asked; -1 for the recipe's own parameters.
    params : mapping
        What was tried, by parameter.
    state : {"complete", "raced", "running"}
        ``raced``: stopped, as it could not beat the best any more. ``running``: nothing is known of it yet.
    value : float
        Mean loss over the rows of its folds, less is better; NaN while it runs. Of a metric that is to be high it is
        the negative; infinite, where the metric is undefined.
    folds : int
        Inner folds that the value is over: all of them, those before it was stopped, or 0.
    values : tuple of float
        One for each objective, less is better; with one objective ``(value,)``, empty while it runs. With several
        `value` is NaN.
    """

    number: int
    params: Mapping[str, Any]
    state: Literal["complete", "raced", "running"] = "running"
    value: float = float("nan")
    folds: int = 0
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.values and self.state != "running":
            object.__setattr__(self, "values", (self.value,))


@dataclass(frozen=True)
class SamplerSpec(Spec):
    """A sampler: ``function(space, known, running, number, seed, **options)`` gives what trial `number` tries.

    `space` maps each parameter to a `Float`, an `Int` or a `Choice`; the answer maps exactly these parameters
    to values inside them. `known` are the trials that were decided, as `EarlierTrial`, sorted by number, without
    those that failed; `running` those that were asked before and are not decided. Both are tuples. Which trials
    are known depends on their numbers alone, never on when fits were done.

    The answer follows from the arguments: nothing is remembered between calls, everything random comes from
    `seed`, an int below 2**32, and what is read of earlier trials is found by their numbers, not by their places.
    So a sweep finds the same on any number of workers, and goes on after it was killed as if it never was. The
    options are the recipe's ``tuning.sampler_options``.

    Parameters
    ----------
    seeded_by : {"trial", "study"}
        ``trial``: each trial has a seed of its own, as what draws at random needs. ``study``: all trials of a study
        have the same, as a sequence needs of which `number` is the place.
    several : bool
        It serves several objectives, too: it reads `EarlierTrial.values`, or nothing of what came of trials.
    """

    kind: ClassVar[str] = "sampler"

    seeded_by: Literal["trial", "study"] = "trial"
    several: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = ("trial", "study")
        if self.seeded_by not in allowed:
            raise PluginError(
                f"{self}: seeded_by must be one of {one_of(allowed)}; it was {self.seeded_by!r}"
                f"{near_misses(str(self.seeded_by), allowed)}"
            )
