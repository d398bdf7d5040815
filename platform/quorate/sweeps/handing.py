"""The queue of a sweep's fits: each is made when there is room for it, and those of several trials go together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from quorate.execution.queue import MOST, Queue, Resources, dealt
from quorate.execution.task import FitData, FitTask

MANY = 1 << 20  # fits: more than there are workers anywhere


class TrialQueue(Queue):
    """The fits of trials, each made when there is room for it: what came of the others decides what it is.

    Those that can be made together are, whatever trials they are of. What is looked ahead for that may be spared yet.

    Parameters
    ----------
    data : FitData
        The inner folds.
    tasks : sequence of FitTask
        One for each model and fold, as the recipe has it: what a trial changes of them are the parameters.
    more : callable
        Returns the next fit, or None, if there is none now.
    spared : callable
        Whether a fit need not be made any more.
    trials : int
        How many trials there will be of each model.
    turn : callable
        Of fits that agree, those are made together of which it gives the same.
    """

    def __init__(
        self,
        data: FitData,
        tasks: Sequence[FitTask],
        more: Callable[[], FitTask | None],
        spared: Callable[[FitTask], bool],
        trials: int,
        turn: Callable[[FitTask], object],
        rates: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(data, tasks, rates)
        self._much = super().seconds() * trials
        self._waiting.clear()
        self._more, self._spared, self._turn = more, spared, turn
        self._ahead: deque[FitTask] = deque()  # what was looked ahead for
        self._dealt: deque[list[FitTask]] = deque()  # what is made together, the workers' shares

    def _look(self) -> bool:
        self._dealt = deque(stack for stack in map(self._needed, self._dealt) if stack)
        self._ahead = deque(self._needed(self._ahead))
        if not (self._dealt or self._ahead or self._alone) and (task := self._more()) is not None:
            self._ahead.append(task)
        return bool(self._dealt or self._ahead or self._alone)

    def _needed(self, tasks: Iterable[FitTask]) -> list[FitTask]:
        return [task for task in tasks if not self._spared(task)]

    def _next(self) -> list[FitTask]:
        """Return the next fit, with those that are made together with it."""
        if self._dealt:
            return self._dealt.popleft()
        first = self._ahead[0]
        if not first.kin:
            return [self._ahead.popleft()]
        workers = self.abreast(first)
        while len(self._ahead) < MOST * workers and (task := self._more()) is not None:
            self._ahead.append(task)
        turn = self._turn(first)
        group = [task for task in self._ahead if task.kin == first.kin and self._turn(task) == turn]
        chosen = {task.which for task in group}
        self._ahead = deque(task for task in self._ahead if task.which not in chosen)
        self._dealt.extend(dealt(group, workers))
        return self._dealt.popleft()

    def __len__(self) -> int:
        """Return a large number, if one waits: how many will follow is not known."""
        return MANY if self._look() else 0

    def seconds(self) -> float:
        """Return the seconds that all trials take one after the other, if none is stopped early."""
        return self._much

    def take(self, room: Resources) -> list[FitTask]:
        """Return the next fit, with those that are made together with it, if there is room for it."""
        if self._alone and room.holds(Resources.of(self._alone[-1], self.share)):
            return [self._alone.pop()]
        if self._look() and (waits := self._dealt[0] if self._dealt else self._ahead):
            return self._next() if room.holds(Resources.of(waits[0], self.share)) else []
        return []

    def take_all(self) -> list[FitTask]:
        """Return the next fit, with those that are made together with it: also the only worker is told one by one."""
        return self._next() if self._look() and (self._dealt or self._ahead) else []

    def take_inline(self) -> list[FitTask]:
        """Return nothing: plugins that only this process knows are refused before."""
        return []
