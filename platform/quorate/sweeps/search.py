"""The search for a model's parameters: what is asked next, and what came of it.

What is decided depends on losses alone, never on when they came: the trials are decided in the order of their numbers,
each on its folds in the order of time. So any number of workers finds the same trials, the same states and the same
best; more of them only fit some folds in vain, of trials that turn out to be beaten earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from quorate.sweeps.racing import p_worse
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.schedule import Wait, known_to
from quorate.sweeps.space import holds
from quorate.sweeps.study import Study
from quorate.sweeps.trial import FoldLoss, Trial

REFERENCE = -1  # the number of the recipe's own parameters


@dataclass(frozen=True)
class Rules:
    """How a search goes on and ends.

    Parameters
    ----------
    trials : int
        How many are to count in the end.
    folds : int
        Inner folds of each.
    sampler : Sampler
        The one that is asked.
    seed : int
        Of the sampler.
    level : float
        Of the test by which a trial is stopped; 0: none is.
    max_failures : int
        Failed trials after which the search is given up.
    """

    trials: int
    folds: int
    sampler: Sampler
    seed: int
    level: float
    max_failures: int


class Search:
    """One model's search.

    Parameters
    ----------
    study : Study
        With the trials of before, if there were any.
    reference : Trial
        The recipe's own parameters. They are fitted first, on every fold, and are the first to beat.
    decided : callable
        Hears of each trial that was decided, in order.
    """

    def __init__(self, study: Study, reference: Trial, rules: Rules, decided: Callable[[Trial], None]) -> None:
        self.study, self.reference, self.rules = study, reference, rules
        self._decided = decided
        self._handed: set[tuple[int, int]] = set()
        self._next = 0  # the first trial that is not decided
        self.closed = False  # nothing more is asked or handed out
        while self._next < len(study.trials) and study.trials[self._next].state != "running":
            self._next += 1

    @property
    def done(self) -> list[Trial]:
        """The decided trials, in order."""
        return self.study.trials[: self._next]

    @property
    def best(self) -> Trial:
        """The best that is complete; the recipe's own parameters, where none is better."""
        complete = [trial for trial in self.done if trial.state == "complete"]
        return min((self.reference, *complete), key=lambda trial: (trial.value, trial.number))

    @property
    def finished(self) -> bool:
        """Whether all that were to count are decided."""
        return sum(trial.counts for trial in self.done) >= self.rules.trials

    def trial(self, number: int) -> Trial:
        """Return a trial by its number."""
        return self.reference if number == REFERENCE else self.study.trials[number]

    def wanted(self) -> Iterator[tuple[int, int]]:
        """Yield the fits to be handed out next, as trial and fold, each once; the caller takes as many as it needs.

        What a trial needs first comes first; so with few workers hardly a fold is fitted in vain.
        """
        number = REFERENCE if self.reference.state == "running" else self._next
        while not self.closed:
            if number == len(self.study.trials) and not self._ask():
                return
            trial = self.trial(number)
            for fold in range(self.rules.folds):
                if trial.state == "running" and fold not in trial.folds and (number, fold) not in self._handed:
                    self._handed.add((number, fold))
                    yield number, fold
            number += 1

    def _ask(self) -> bool:
        """Ask for one more trial; return whether there is one to be had now."""
        number = len(self.study.trials)
        try:
            known = known_to(number, [trial.counts for trial in self.done], self.rules.trials)
        except Wait:
            return False
        if known is None:
            return False
        # Where a trial is known, so are the recipe's own parameters.
        own = [self.reference] if known and holds(self.study.space, self.reference.params) else []
        # Of those asked since, what came of some may be known by now: by how much depends on the workers.
        asked = [Trial(trial.number, trial.params) for trial in self.study.trials[known:]]
        params = self.rules.sampler.suggest(
            self.study.space,
            [*own, *self.study.trials[:known]],
            asked,
            number,
            self.rules.seed,
        )
        self.study.add(Trial(number, params))
        return True

    def put(self, number: int, fold: int, loss: FoldLoss) -> None:
        """Note what came of a fit, and decide what can be decided now."""
        self.trial(number).folds[fold] = loss
        self.decide()

    def decide(self) -> None:
        """Decide the trials whose turn it is, as far as their losses are known."""
        if self.reference.state == "running" and not self._settle(self.reference, None):
            return
        while self._next < len(self.study.trials):
            trial = self.study.trials[self._next]
            if not self._settle(trial, self.best if self.rules.level else None):
                return
            self.study.tell(trial)
            self._next += 1
            self._decided(trial)

    def _settle(self, trial: Trial, best: Trial | None) -> bool:
        """Decide one trial, if its losses are enough for that."""
        for fold in range(self.rules.folds):
            loss = trial.folds.get(fold)
            if loss is None:
                return False
            trial.used = fold + 1
            if loss.error:
                trial.state, trial.used = "failed", 0
                return True
            last = fold == self.rules.folds - 1
            if (
                best is not None
                and not last
                and p_worse(trial.blocks(fold + 1), best.blocks(fold + 1)) < self.rules.level
            ):
                trial.state = "raced"
                return True
        trial.state = "complete"
        return True
