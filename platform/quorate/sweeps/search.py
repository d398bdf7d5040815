"""The search for a model's parameters: what is asked next, and what came of it.

What is decided depends on losses alone, never on when they came: a trial is compared with the best of the generations
before its own, on its folds in the order of time, and what was decided is told in the order of the numbers. So any
number of workers finds the same trials, the same states and the same best; more of them only fit some folds in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from quorate.sweeps.objectives import ONE_LOSS, Objectives
from quorate.sweeps.pruning import Stops
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.schedule import Wait, known_to
from quorate.sweeps.space import holds
from quorate.sweeps.stopping import nothing_left
from quorate.sweeps.study import Study
from quorate.sweeps.trial import REFERENCE, FoldLoss, Trial


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
    stops : callable or None
        Whether a trial is stopped after some of its folds, see `quorate.sweeps.pruning`.
    max_failures : int
        Failed trials after which the search is given up.
    objectives : Objectives
        What trials are compared by.
    by_trial : bool
        The folds of one trial are handed out before those of the next: where each has rows of its own.
    stop_at_noise : bool
        Before each generation it is asked whether anything is left to gain, see `quorate.sweeps.stopping`.
    """

    trials: int
    folds: int
    sampler: Sampler
    seed: int
    stops: Stops | None
    max_failures: int
    objectives: Objectives = ONE_LOSS
    by_trial: bool = False
    stop_at_noise: bool = False


class Search:
    """One model's search.

    Parameters
    ----------
    study : Study
        With the trials of before, if there were any.
    reference : Trial
        The recipe's own parameters. They are fitted first, on every fold, and are the first to beat.
    told : callable
        Hears of each trial that was decided and kept, in order.
    """

    def __init__(self, study: Study, reference: Trial, rules: Rules, told: Callable[[Trial], None]) -> None:
        self.study, self.reference, self.rules = study, reference, rules
        self._tell = told
        self._handed: set[tuple[int, int]] = set()
        self.ended = ""  # why no more is asked for, though not all trials were
        self._begun: list[int] = []  # of each trial, the first of its generation
        self._next = 0  # the first trial that is not decided
        while self._next < len(study.trials) and study.trials[self._next].state != "running":
            self._next += 1
        self._kept = self._next  # the first that the study does not know to be decided

    @property
    def done(self) -> list[Trial]:
        """The decided trials, in order, up to the first that is not."""
        return self.study.trials[: self._next]

    @property
    def best(self) -> Trial:
        """The best that is complete; the recipe's own parameters, where none is better."""
        return self._best(self._next)

    def _best(self, stop: int) -> Trial:
        complete = [trial for trial in self.study.trials[:stop] if trial.state == "complete"]
        return self.rules.objectives.best([self.reference, *complete])

    @property
    def finished(self) -> bool:
        """Whether all that were to count are decided."""
        return sum(trial.counts for trial in self.done) >= self.rules.trials

    def trial(self, number: int) -> Trial:
        """Return a trial by its number."""
        return self.reference if number == REFERENCE else self.study.trials[number]

    def wanted(self) -> Iterator[tuple[int, int]]:
        """Yield the fits to be handed out next, as trial and fold, each once; the caller takes as many as it needs.

        Of a generation the short windows come first: what they say may spare the long ones.
        """
        if self.reference.state == "running":
            yield from self._open([REFERENCE])
        first = self._next
        while True:
            while first < len(self.study.trials):
                stop = first
                while stop < len(self.study.trials) and self._begin(stop) == self._begin(first):
                    stop += 1
                yield from self._open(range(first, stop))
                first = stop
            if not self.ask():
                return
            while self.ask():  # all of the generation
                pass

    def _open(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        folds = range(self.rules.folds)
        places = (
            [(n, k) for n in numbers for k in folds]
            if self.rules.by_trial
            else [(n, k) for k in folds for n in numbers]
        )
        for number, fold in places:
            trial = self.trial(number)
            if trial.state == "running" and fold not in trial.folds and (number, fold) not in self._handed:
                self._handed.add((number, fold))
                yield number, fold

    def ask(self) -> bool:
        """Ask for one more trial, if there is one to be had now, and return whether there was."""
        number = len(self.study.trials)
        try:
            found = known_to(number, [trial.counts for trial in self.done], self.rules.trials)
        except Wait:
            return False
        if found is None or self.ended:
            return False
        self.keep()  # what a trial is asked by is kept before the trial
        known, begun = found
        if self.rules.stop_at_noise and number == begun:
            trials, folds, seed = self.study.trials[:known], self.rules.folds, self.rules.seed
            self.ended = nothing_left(self.study.space, trials, self.reference, folds, seed)
            if self.ended:
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

    def _begin(self, number: int) -> int:
        """Return the first trial of the generation that a trial is of."""
        while len(self._begun) <= number:
            found = known_to(len(self._begun), [trial.counts for trial in self.done], self.rules.trials)
            # One that was asked before the recipe wanted fewer is compared with all before it.
            self._begun.append(found[1] if found else len(self._begun))
        return self._begun[number]

    def put(self, number: int, fold: int, loss: FoldLoss) -> None:
        """Note what came of a fit, and decide what can be decided now."""
        self.trial(number).folds[fold] = loss
        self.decide()

    def decide(self) -> None:
        """Decide the trials whose losses are enough for that."""
        if self.reference.state == "running" and not self._settle(self.reference, None):
            return
        trials = self.study.trials
        for number in range(self._next, len(trials)):
            if trials[number].state == "running":
                begun = self._begin(number)
                if any(trials[earlier].state == "running" for earlier in range(self._next, begun)):
                    break
                self._settle(trials[number], begun if self.rules.stops else None)
        while self._next < len(trials) and trials[self._next].state != "running":
            self._next += 1

    def wait(self) -> bool:
        """Wait a little for what others do, where others share the study; return whether more may come of that."""
        return False

    def close(self) -> None:
        """End what goes on beside the search."""

    def keep(self) -> None:
        """Tell the study, and whoever listens, what was decided since; to be called when nobody waits for it."""
        while self._kept < self._next:
            trial = self.study.trials[self._kept]
            self.study.tell(trial)
            self._kept += 1
            self._tell(trial)

    def _settle(self, trial: Trial, begun: int | None) -> bool:
        """Decide one trial, if its losses are enough; `begun` is where its generation begins, if it may end early."""
        stops, best = self.rules.stops, self._best(begun) if begun is not None else None
        for fold in range(self.rules.folds):
            loss = trial.folds.get(fold)
            if loss is None:
                return False
            trial.used = fold + 1
            if loss.error:
                trial.state, trial.used = "failed", 0
                return True
            if stops is None or best is None or fold == self.rules.folds - 1:
                continue
            if stops(trial, fold + 1, [self.reference, *self.study.trials[:begun]], best):
                trial.state = "raced"
                return True
        trial.state = "complete"
        return True
