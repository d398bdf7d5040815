"""Asking a sampler what to try next: a function of what is known, and of nothing else.

Nothing of a sampler is kept between trials: it is given the trials that are known then, by number, and a seed of the
study and the trial. So neither the order in which fits were finished, nor an interruption, can change what is tried.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from quorate.errors import DataWarning, PluginError, near_misses, one_of
from quorate.plugins.calling import call
from quorate.plugins.space import Choice, Distribution, Int
from quorate.plugins.specs import EarlierTrial, SamplerSpec
from quorate.sweeps.space import Space
from quorate.sweeps.trial import Trial

_MISSING = object()


@dataclass(frozen=True)
class Sampler:
    """A sampler plugin with its options; `warn` is told what it warns of with a `DataWarning`."""

    spec: SamplerSpec
    options: Mapping[str, Any]
    warn: Callable[[str], object] = warnings.warn

    def suggest(
        self, space: Space, known: Iterable[Trial], running: Iterable[Trial], number: int, seed: int
    ) -> dict[str, Any]:
        """Return the parameters of trial `number`.

        Parameters
        ----------
        known : iterable of Trial
            Decided; failed ones tell the sampler nothing.
        running : iterable of Trial
            Asked before this one and not decided yet: what they try need not be tried beside them.
        seed : int
            Of the study.

        Raises
        ------
        PluginError
            If the sampler fails, or its answer does not lie in the space.
        """
        arguments = (
            deepcopy(dict(space)),  # what a sampler writes into is its own
            _earlier(known, space),
            _earlier(running, space),
            number,
            seed_of(self.spec, seed, number),
        )
        with self._heard():
            return call(
                self.spec, f"trial {number}", arguments, deepcopy(dict(self.options)), lambda given: read(space, given)
            )

    @contextmanager
    def _heard(self) -> Iterator[None]:
        with warnings.catch_warnings():
            show = warnings.showwarning

            def hear(message: Warning | str, category: type[Warning], *more: Any, **rest: Any) -> None:
                if issubclass(category, DataWarning):
                    self.warn(f"{self.spec}: {message}")
                else:
                    show(message, category, *more, **rest)

            warnings.simplefilter("always", DataWarning)
            warnings.showwarning = hear
            yield


def seed_of(spec: SamplerSpec, seed: int, number: int) -> int:
    """Return what a sampler is seeded with in a trial of the study that has this seed."""
    entropy = [seed] if spec.seeded_by == "study" else [seed, number]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def _earlier(trials: Iterable[Trial], space: Space) -> tuple[EarlierTrial, ...]:
    told = (earlier(trial, space) for trial in trials if trial.state != "failed")
    return tuple(sorted(told, key=lambda trial: trial.number))


def earlier(trial: Trial, space: Space) -> EarlierTrial:
    """Return a trial, which did not fail, as samplers know it: with the parameters of the space alone."""
    assert trial.state != "failed"
    params = {name: deepcopy(trial.params[name]) for name in space}
    return EarlierTrial(trial.number, params, trial.state, trial.value, trial.used, trial.values)


def read(space: Space, given: Any) -> dict[str, Any]:
    """Return a sampler's answer as plain values, in the order of the space.

    Raises
    ------
    PluginError
        If it is no mapping of exactly the parameters of the space to values inside them.
    """
    if not isinstance(given, Mapping):
        raise PluginError(f"it must give a dict of {one_of(space)}; it gave {type(given).__name__}, {given!r:.200}")
    for name in given:
        if name not in space:
            raise PluginError(
                f"it gives {name!r}, which is not tuned: its keys must be {', '.join(space)}"
                f"{near_misses(str(name), list(space))}"
            )
    for name in space:
        if name not in given:
            raise PluginError(f"{name!r} is missing: its keys must be {', '.join(space)}; they are {', '.join(given)}")
    return {name: _value(name, one, given[name]) for name, one in space.items()}


def _value(name: str, one: Distribution, given: Any) -> Any:
    plain = given.tolist() if isinstance(given, np.generic | np.ndarray) else given
    if isinstance(one, Choice):
        # True, 1 and 1.0 are equal: the value of the same type is meant, if there is one.
        same = [v for v in one.values if type(v) is type(plain) and v == plain]
        found = next(iter(same or [v for v in one.values if v == plain]), _MISSING)
        if found is not _MISSING:
            return deepcopy(found)
        raise PluginError(f"{name} must be one of {', '.join(map(repr, one.values))}; it was {given!r}")
    whole = isinstance(one, Int)
    number = isinstance(plain, int if whole else int | float) and not isinstance(plain, bool)
    if number and one.low <= plain <= one.high:
        return plain if whole else float(plain)
    raise PluginError(
        f"{name} must be a {'whole number' if whole else 'number'} from {one.low!r} to {one.high!r}; it was {given!r}"
    )
