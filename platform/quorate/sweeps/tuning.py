"""Having the trials of a sweep fitted: the fits of all searches and trials in one queue, on whatever runs fits."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from quorate.errors import DataError, FitError, RecipeError
from quorate.execution.task import FitResult, FitTask, Which
from quorate.statistics import Floats
from quorate.sweeps.handing import TrialQueue
from quorate.sweeps.search import Search
from quorate.sweeps.subject import Earned, Ground, Subject
from quorate.sweeps.trial import REFERENCE, FoldLoss, Trial
from quorate.walkforward.members import Fitting
from quorate.walkforward.seeds import means

Place = tuple[str, int, int]  # search, trial, fold
TINY = 1e-9  # what is left of a limit that is spent
CHUNK = 50  # series that are traded at once


@dataclass(frozen=True)
class Limits:
    """When a sweep hands out nothing more; 0 is never.

    Parameters
    ----------
    seconds : float
        Wall time from its beginning.
    cost : float
        Processor seconds of its fits.
    """

    seconds: float = 0.0
    cost: float = 0.0

    def less(self, tuner: Tuner) -> Limits:
        """Return what is left of them after the searches of a window."""
        seconds = max(self.seconds - tuner.passed, TINY) if self.seconds else 0.0
        return Limits(seconds, max(self.cost - tuner.cost, TINY) if self.cost else 0.0)


class Tuner:
    """The searches of a sweep on their way.

    Parameters
    ----------
    searches : mapping of str to Search
        By name.
    subjects : mapping of str to Subject
        What each of them tunes.
    fitting : Fitting
        Where fits are done, and kept.
    limits : Limits
        When nothing more is handed out.
    """

    def __init__(
        self, searches: Mapping[str, Search], subjects: Mapping[str, Subject], fitting: Fitting, limits: Limits
    ) -> None:
        self.searches, self.subjects, self.fitting, self.limits = searches, subjects, fitting, limits
        self.fitted = self.cached = 0
        self.cost = 0.0
        self.stopped = ""  # why it ended before all trials were done
        self._began = time.monotonic()
        self._begun: set[tuple[str, int]] = set()  # trials that something is kept of
        self._turn = self._order()
        self._held: Place | None = None  # the next one, whose rows are others than those that workers have
        self._ground: Ground | None = None  # the rows that workers have
        self._tasks: deque[FitTask] = deque()
        self._open: dict[Place, dict[tuple[str, int], FitResult | None]] = {}  # by member and replicate
        self._places: dict[Which, tuple[Place, str]] = {}
        self._unkept: dict[str, Floats] = {}  # predictions by key, where no cache has them
        self._earned: dict[tuple[str, int], Earned] = {}
        self.known = sum(len(search.done) for search in searches.values())  # trials from before

    def run(self) -> None:
        """Fit until every search is finished, or a limit is reached.

        Raises
        ------
        FitError
            If what is tuned fails with the recipe's own parameters, or too often.
        """
        try:
            self._run()
        finally:
            for search in self.searches.values():
                search.close()

    def _run(self) -> None:
        for name, search in self.searches.items():
            search.decide()  # what is known from before
            search.keep()
            self._check(name, search)
        cache = self.fitting.cache
        trials = max(search.rules.trials for search in self.searches.values())
        rates = cache.rates() if cache else None
        while True:
            place = self._next()
            if place is None:
                waiting = [search.wait() for search in self.searches.values()]
                if self._over() or not any(waiting):
                    break
                continue
            self._held = place
            self._ground = self._subject(place).ground(self._trial(place))
            plain = self._plain(place)
            queue = TrialQueue(self._ground.data, plain, self._more, self._spared, trials, self._in_turn, rates)
            if len(queue):
                self.fitting.progress.workers(self.fitting.executor.workers, self.fitting.executor.name)
                self.fitting.executor.run(self._ground.data, queue, self._arrived, self._meanwhile, self.fitting.limits)
                if cache:
                    cache.flush()
        for search in self.searches.values():
            search.keep()

    def _subject(self, place: Place) -> Subject:
        return self.subjects[place[0]]

    def _trial(self, place: Place) -> Trial:
        return self.searches[place[0]].trial(place[1])

    def _plain(self, place: Place) -> list[FitTask]:
        """Return fits like those that will follow: one for each member and fold."""
        subjects = self.subjects.values() if place[1] == REFERENCE else [self._subject(place)]
        folds = range(self.searches[place[0]].rules.folds)
        own = Trial(REFERENCE, {})
        return [task for subject in subjects for fold in folds for task in subject.tasks(own, fold)]

    def _meanwhile(self, tasks: Sequence[FitTask]) -> None:
        """Do, right after fits were handed out, what no worker should wait for: keep trials, and ask for more."""
        for search in self.searches.values():
            search.keep()
        for name in {self._places[task.which][0][0] for task in tasks}:
            if not self.stopped:
                self.searches[name].ask()

    def _order(self) -> Iterator[Place | None]:
        """Yield places of the searches in turn, None where none has one now."""
        while True:
            found = False
            for name, search in self.searches.items():
                place = next(search.wanted(), None)
                if place is not None:
                    found = True
                    yield (name, *place)
            if not found:
                yield None

    def _next(self) -> Place | None:
        """Return the next place that is to be fitted, taking over what cannot be; None, if there is none now."""
        while not self._over():
            place = self._held or next(self._turn)
            self._held = None
            if place is None:
                return None
            trial = self._trial(place)
            if trial.state != "running":  # decided since
                continue
            try:
                self._subject(place).ground(trial)
            except (RecipeError, DataError) as e:  # what a trial sets may fit together badly
                if place[1] == REFERENCE:
                    raise
                self._put(place, {place[2]: FoldLoss(error=" ".join(str(e).split()))})
                continue
            return place
        return None

    def _more(self) -> FitTask | None:
        """Return the next fit that was not computed before; what was is taken over at once."""
        while True:
            if self._tasks and self._over():
                self._tasks.clear()
            while not self._tasks:
                place = self._next()
                if place is None:
                    return None
                if self._subject(place).ground(self._trial(place)) is not self._ground:
                    self._held = place  # for when all that is under way is there
                    return None
                self._begin(place)
            task = self._tasks.popleft()
            kept = self.fitting.cache.find([task]) if self.fitting.cache else {}
            if task.key not in kept:
                return task
            self._arrived(replace(kept[task.key], model=task.model, fold=task.fold, replicate=task.replicate))

    def _in_turn(self, task: FitTask) -> int | None:
        """Return what fits must have in common to be made together, where something may stop trials.

        That is the fold: what comes of it may spare the next. The recipe's own parameters come first, on all folds.
        """
        (name, number, fold), _ = self._places[task.which]
        if not self.searches[name].rules.stops:
            return None
        return REFERENCE if number == REFERENCE else fold

    def _spared(self, task: FitTask) -> bool:
        """Say whether a fit that was looked ahead for need not be made any more: it is forgotten then."""
        place, _ = self._places[task.which]
        if self._trial(place).state == "running" and not self._over():
            return False
        del self._places[task.which]
        return True

    def _begin(self, place: Place) -> None:
        subject, trial = self._subject(place), self._trial(place)
        self._open[place] = {}
        self._begun.add(place[:2])
        for task in subject.tasks(trial, place[2]):
            member = task.model if trial.number == REFERENCE else task.model.rpartition("#")[0]
            self._open[place][member, task.replicate] = None
            self._places[task.which] = place, member
            self._tasks.append(task)

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def _over(self) -> bool:
        """Whether a limit is reached; what is to be beaten is fitted in any case."""
        if any(search.reference.state == "running" for search in self.searches.values()):
            return False
        if self.limits.seconds and self.passed >= self.limits.seconds:
            self.stopped = f"tuning.timeout, {self.limits.seconds:g} s, is over"
        elif self.limits.cost and self.cost >= self.limits.cost:
            self.stopped = f"tuning.max_cost, {self.limits.cost:g} processor seconds, is spent"
        return bool(self.stopped)

    def _arrived(self, result: FitResult) -> None:
        place, member = self._places.pop(result.which)
        subject = self._subject(place)
        cache = self.fitting.cache
        if cache and not (result.cached or result.foreign or result.error):
            assert self._ground is not None
            cache.put(replace(result, model=member), self._ground.walk.members[member].name)
        elif not (cache or result.error):
            self._unkept[result.key] = result.predictions
        self.fitting.finished += not result.error
        self.fitted += not result.cached
        self.cached += result.cached
        self.cost += 0.0 if result.cached else result.cpu_seconds
        results = self._open[place]
        results[member, result.replicate] = result
        came = [one for one in results.values() if one is not None]
        if len(came) == len(results):
            del self._open[place]
            trial = self._trial(place)
            if trial.state == "running":
                found = dict(zip(dict.fromkeys(name for name, _ in results), means(came), strict=True))
                self._put(place, subject.came(trial, place[2], found))

    def _put(self, place: Place, found: Mapping[int, FoldLoss]) -> None:
        name, number, _ = place
        search = self.searches[name]
        for fold, loss in sorted(found.items()):
            search.put(number, fold, loss)
        for other in [other for other in self._begun if other[0] == name]:
            if (trial := search.trial(other[1])).state != "running":
                self.subjects[name].forget(trial)
                self._begun.discard(other)
        self._check(name, search)

    def earned_by(self, name: str) -> list[Earned]:
        """Return what the decided trials of a search that did not fail earned on the inner folds, in their order."""
        search, kept = self.searches[name], self._earned
        own = [trial for trial in search.done if trial.owner == search.study.owner]
        trials = [trial for trial in (search.reference, *own) if trial.used]
        missing = iter([trial for trial in trials if (name, trial.number) not in kept])
        while group := list(islice(missing, CHUNK)):
            for one in self.subjects[name].earned(group, self._find):
                kept[name, one.trial.number] = one
        return [kept[name, trial.number] for trial in trials]

    def _find(self, tasks: Sequence[FitTask]) -> Mapping[str, Floats]:
        cache = self.fitting.cache
        return {key: one.predictions for key, one in cache.find(list(tasks)).items()} if cache else self._unkept

    @property
    def ended(self) -> str:
        """Why it ended before all trials were done; empty, if it did not."""
        return self.stopped or "; ".join(f"{n}: {one.ended}" for n, one in self.searches.items() if one.ended)

    def told(self) -> dict[str, Any]:
        """Return what the search took, for a report."""
        return {
            "fits": self.fitted + self.cached,
            "cached": self.cached,
            "fit_cpu_seconds": round(self.cost, 3),
            "executor": self.fitting.executor.name,
            "workers": self.fitting.executor.workers,
        }

    def _check(self, name: str, search: Search) -> None:
        what = f"{self.subjects[name].role.replace('member', 'model')} {name!r}"
        if search.reference.state == "failed":
            raise FitError(f"{what} fails with the recipe's own parameters: {search.reference.error}")
        failed = [trial for trial in search.done if trial.error]
        if len(failed) > search.rules.max_failures:
            raise FitError(
                f"{len(failed)} trials of {what} have failed, more than tuning.max_failures allows "
                f"({search.rules.max_failures}): start again with a narrower tuning.space; the last one, "
                f"{dict(failed[-1].params)}: {failed[-1].error}"
            )
