"""Which fits are handed out next: the longest first, small ones several at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from quorate.errors import RecipeError
from quorate.execution.fit import FitData, FitResult, FitTask
from quorate.execution.state import State

BATCH_SECONDS = 0.25  # what handing out costs is a few milliseconds: little beside this
BATCH_FITS = 100
USUAL = 150e-6  # seconds per training row, the median of the built-in models: for those nobody has fitted yet
MOST = 8  # of fits that are made together: what each bar of more takes does not stay in a processor's cache
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
        self.share = 0  # bytes of memory that a fit may take whose spec says nothing
        self._rows = {fold.index: max(len(fold.train), 1) for fold in data.folds}
        self._rates = {t.model: rates[t.plugin.name] for t in tasks if rates and t.plugin.name in rates}
        self._seen: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        self._waiting: dict[str, list[FitTask]] = defaultdict(list)
        self._later: dict[str, list[FitTask]] = defaultdict(list)  # by the key of the fit that they go on from
        self._alone: list[FitTask] = []
        self._deaths: Counter[tuple[str, int]] = Counter()
        for task in sorted(tasks, key=lambda t: (self._rows[t.fold], -t.fold)):
            if task.after and task.start is None:
                self._later[task.after].append(task)
            else:
                self._waiting[task.model].append(task)  # the largest training set is the last

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
        best, longest = "", -1.0
        for model, tasks in self._waiting.items():
            if tasks and room.holds(Resources.of(tasks[-1], self.share)):
                seconds = self.estimate(tasks[-1]) if model in self._rates else float("inf")
                seconds *= 1 + sum(task.model == model for some in self._later.values() for task in some)
                if seconds > longest:
                    best, longest = model, seconds
        if not best:
            return []
        tasks = self._waiting[best]
        if tasks[-1].together:
            # Of like size, so that they end together; with enough left for everyone at the end.
            size = min(MOST, -(-len(tasks) // (2 * self.workers)))
            return [tasks.pop() for _ in range(size)]
        batch = [tasks.pop()]
        # With one left for everyone at the end: a batch must not be what all others wait for.
        most = 1 if longest == float("inf") else min(BATCH_FITS, len(tasks) // 4 + 1)
        while tasks and len(batch) < most and longest * (len(batch) + 1) <= BATCH_SECONDS:
            batch.append(tasks.pop())
        return batch

    def take_all(self) -> list[FitTask]:
        """Return all that were not given back, the longest first: for the only worker there is."""
        found = [task for tasks in self._waiting.values() for task in tasks]
        self._waiting.clear()
        return sorted(found, key=lambda task: (*((0, task.model) if task.together else (1, "")), -self.estimate(task)))

    def take_inline(self) -> list[FitTask]:
        """Return the fits of plugins that only this process knows."""
        found = [task for tasks in self._waiting.values() for task in tasks if task.inline]
        for model in {task.model for task in found}:
            self._waiting[model] = [task for task in self._waiting[model] if not task.inline]
        self.tasks = tuple(task for task in self.tasks if not task.inline)
        return found

    def go_on(self, result: FitResult) -> list[FitTask]:
        """Let the fits begin that go on from one that is done; return them, where it left nothing to go on from."""
        tasks = self._later.pop(result.key, [])
        if not isinstance(result.kept, State):
            return tasks
        for task in tasks:
            self._waiting[task.model].append(replace(task, start=result.kept))
        return []

    def alone(self, tasks: Iterable[FitTask]) -> None:
        """Give back what was lost; each is handed out alone, so that the one at fault is known."""
        self._alone += tasks

    def again(self, task: FitTask) -> bool:
        """Whether a fit is tried once more; to be asked once each time that its process died."""
        self._deaths[task.model, task.fold] += 1
        return self._deaths[task.model, task.fold] < TRIES

    def learn(self, result: FitResult) -> None:
        """Learn from a fit that is done how long those of its model take."""
        if result.error:
            self._rates.setdefault(result.model, USUAL)
            return
        seconds, rows = self._seen[result.model]
        self._seen[result.model] = seconds + result.seconds, rows + max(result.n_train, 1)
        self._rates[result.model] = self._seen[result.model][0] / self._seen[result.model][1]


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
