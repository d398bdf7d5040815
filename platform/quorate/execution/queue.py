"""Which fits are handed out next: the longest first, small ones several at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from quorate.errors import RecipeError
from quorate.execution.state import State
from quorate.execution.task import FitData, FitResult, FitTask, Which

BATCH_SECONDS = 0.25  # what handing out costs is a few milliseconds: little beside this
BATCH_FITS = 100
USUAL = 150e-6  # seconds per training row, the median of the built-in models: for those nobody has fitted yet
MOST = 16  # fits that are handed out together on a CPU: more would take no less time, and all be lost at a kill
TRIES = 2  # of a fit whose process died: something else may have killed it
LEAST = 1e-4  # seconds; no fit is thought to take less


@dataclass(frozen=True)
class Resources:
    """What a fit takes, or what there is: CPUs, GPUs, bytes of memory."""

    cpus: float = 0.0
    gpus: float = 0.0
    memory: float = 0.0

    @classmethod
    def of(cls, task: FitTask, share: int = 0) -> Resources:
        """Return what a fit takes; of memory `share`, if its spec says nothing."""
        return cls(task.threads, task.gpus, task.memory or share)

    def holds(self, other: Resources) -> bool:
        """Whether `other` finds room in this."""
        # Shares of a GPU are added up: 3 x 1/3 must find room.
        return self.cpus >= other.cpus - 1e-9 and self.gpus >= other.gpus - 1e-9 and self.memory >= other.memory

    def __sub__(self, other: Resources) -> Resources:
        return Resources(self.cpus - other.cpus, self.gpus - other.gpus, self.memory - other.memory)

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpus + other.cpus, self.gpus + other.gpus, self.memory + other.memory)


class Queue:
    """The fits that wait. How long each will take is learned from those that are done.

    Parameters
    ----------
    data : FitData
        For the number of training rows.
    tasks : sequence of FitTask
        Not begun.
    rates : mapping, optional
        Seconds per training row by name of the model plugin, from earlier runs.
    """

    def __init__(self, data: FitData, tasks: Sequence[FitTask], rates: Mapping[str, float] | None = None) -> None:
        self.tasks = tuple(tasks)
        self.workers = 1
        self.gpus = 0.0  # that there are for all workers
        self.share = 0  # bytes of memory that a fit may take whose spec says nothing
        self._rows = {fold.index: max(len(fold.train), 1) for fold in data.folds}
        self._rates = {t.model: rates[t.plugin.name] for t in tasks if rates and t.plugin.name in rates}
        self._seen: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        self._waiting: dict[Any, list[FitTask]] = defaultdict(list)  # by model, or by what fits made together agree in
        self._stacks: dict[Any, list[list[FitTask]]] = {}  # those of them that go together, the next one last
        self._later: dict[str, list[FitTask]] = defaultdict(list)  # by the key of the fit that they go on from
        self._alone: list[FitTask] = []
        self._deaths: Counter[Which] = Counter()
        for task in sorted(tasks, key=lambda t: (self._rows[t.fold], -t.fold)):
            if task.after and task.start is None:
                self._later[task.after].append(task)
            else:
                self._waiting[task.kin or task.model].append(task)  # the largest training set is the last

    def __len__(self) -> int:
        """Return how many wait, those included that go on from a fit that is not done."""
        return len(self._alone) + sum(map(len, (*self._waiting.values(), *self._later.values())))

    def estimate(self, task: FitTask) -> float:
        """Return the seconds that a fit is thought to take."""
        return max(self._rates.get(task.model, USUAL) * self._rows[task.fold], LEAST)

    def seconds(self) -> float:
        """Return the seconds that all that wait are thought to take, one after the other."""
        every = *self._waiting.values(), *self._later.values(), self._alone
        return sum(self.estimate(task) for tasks in every for task in tasks)

    @property
    def guessed(self) -> bool:
        """Whether how long some of them take was only guessed: nobody has fitted their model yet."""
        return any(task.model not in self._rates for task in self.tasks)

    def take(self, room: Resources) -> list[FitTask]:
        """Return what to hand out next, or nothing, if there is no room for any.

        A model that nobody has fitted comes first, and alone: how long it takes must be learned.
        """
        if self._alone and room.holds(Resources.of(self._alone[-1], self.share)):
            return [self._alone.pop()]
        best, longest = None, -1.0
        for pile, tasks in self._waiting.items():
            if tasks and room.holds(Resources.of(tasks[-1], self.share)):
                model = tasks[-1].model
                seconds = self.estimate(tasks[-1]) if model in self._rates else float("inf")
                seconds *= 1 + sum(task.model == model for some in self._later.values() for task in some)
                if seconds > longest:
                    best, longest = pile, seconds
        if best is None:
            return []
        tasks = self._waiting[best]
        if tasks[-1].kin:
            return self._stack(best)
        batch = [tasks.pop()]
        # With one left for everyone at the end: a batch must not be what all others wait for.
        most = 1 if longest == float("inf") else min(BATCH_FITS, len(tasks) // 4 + 1)
        while tasks and len(batch) < most and longest * (len(batch) + 1) <= BATCH_SECONDS:
            batch.append(tasks.pop())
        return batch

    def _stack(self, pile: Any) -> list[FitTask]:
        """Take fits that are made together: those that wait are dealt to the workers once."""
        tasks = self._waiting[pile]
        if not self._stacks.get(pile):
            self._stacks[pile] = list(reversed(dealt(list(reversed(tasks)), self.abreast(tasks[-1]))))
        chosen = self._stacks[pile].pop()
        left = {task.which for task in chosen}
        self._waiting[pile] = [task for task in tasks if task.which not in left]
        return chosen

    def abreast(self, task: FitTask) -> int:
        """Return how many fits like this one run at a time, where there are enough: one per worker, or per GPU."""
        return max(min(self.workers, int(self.gpus / task.gpus + 1e-9)) if task.gpus else self.workers, 1)

    def take_all(self) -> list[FitTask]:
        """Return all that were not given back, the longest first, or a stack: for the only worker there is."""
        for pile, tasks in self._waiting.items():
            if tasks and tasks[-1].kin:
                return self._stack(pile)
        found = [task for tasks in self._waiting.values() for task in tasks]
        self._waiting.clear()
        return sorted(found, key=lambda task: -self.estimate(task))

    def take_inline(self) -> list[FitTask]:
        """Return the fits of plugins that only this process knows."""
        found = [task for tasks in self._waiting.values() for task in tasks if task.inline]
        for pile in {task.kin or task.model for task in found}:
            self._waiting[pile] = [task for task in self._waiting[pile] if not task.inline]
        self.tasks = tuple(task for task in self.tasks if not task.inline)
        return found

    def go_on(self, result: FitResult) -> list[FitTask]:
        """Let the fits begin that go on from one that is done; return them, where it left nothing to go on from."""
        tasks = self._later.pop(result.key, [])
        if not isinstance(result.kept, State):
            return tasks
        for task in tasks:
            self._waiting[task.kin or task.model].append(replace(task, start=result.kept))
        return []

    def alone(self, tasks: Iterable[FitTask]) -> None:
        """Give back what was lost; each is handed out alone, so that the one at fault is known."""
        self._alone += tasks

    def again(self, task: FitTask) -> bool:
        """Whether a fit is tried once more; to be asked once each time that its process died."""
        self._deaths[task.which] += 1
        return self._deaths[task.which] < TRIES

    def learn(self, result: FitResult) -> None:
        """Learn from a fit that is done how long those of its model take."""
        if result.error:
            self._rates.setdefault(result.model, USUAL)
            return
        seconds, rows = self._seen[result.model]
        self._seen[result.model] = seconds + result.seconds, rows + max(result.n_train, 1)
        self._rates[result.model] = self._seen[result.model][0] / self._seen[result.model][1]


def dealt(tasks: Sequence[FitTask], workers: int) -> list[list[FitTask]]:
    """Return fits that go together, stack by stack, so that all workers have as many of like size.

    As few stacks as there may be, but one for each worker at least, and on a CPU none of more than `MOST`: how many of
    a stack are trained at a time is decided where it is, see `quorate.execution.stack`.

    Parameters
    ----------
    tasks : sequence of FitTask
        That agree in their `kin`, the longest first.
    """
    turns = -(-len(tasks) // (workers * MOST)) if tasks[0].device == "cpu" else 1
    each = -(-len(tasks) // turns)  # for all workers in one turn
    in_turn = [tasks[start : start + each] for start in range(0, len(tasks), each)]
    stacks = [list(some[worker::workers]) for some in in_turn for worker in range(workers)]
    return [stack for stack in stacks if stack]


def check_room(tasks: Sequence[FitTask], there: Resources, where: str) -> None:
    """Raise `RecipeError`, if a fit asks for more than there is anywhere: it would wait for ever.

    Parameters
    ----------
    there : Resources
        The most that one fit could have.
    where : str
        What has it, for the message, e.g. ``this machine``.
    """
    for task in {task.model: task for task in tasks}.values():
        asked = Resources.of(task)
        if not there.holds(asked):
            wants = ", ".join(_amounts(asked))
            raise RecipeError(
                f"a fit of model {task.model!r} asks for {wants}; {where} has {', '.join(_amounts(there))} for one "
                "fit: ask for less in its spec, or use a larger machine (execution.address)"
            )


def _amounts(amount: Resources) -> list[str]:
    said = [f"{amount.cpus:g} CPU{'s' * (amount.cpus != 1)}"]
    if amount.gpus:
        said.append(f"{amount.gpus:g} GPU{'s' * (amount.gpus != 1)}")
    if amount.memory:
        said.append(f"{amount.memory / 2**30:.3g} GiB of memory")
    return said
