"""What the log of a run has told so far, event by event; `quorate.runs.log` says what events there are."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from quorate.report.board import Board, Name
from quorate.report.figures import duration
from quorate.report.progress import came, standing_words
from quorate.report.timeline import host_of

WINDOW = 60  # seconds over which fits per minute are counted
RECENT = 50  # failures that are kept, and different warnings
AGE = 1e11  # seconds; what is more is no time
# What calls for more than a run has: seconds of training, or with one worker, and MiB of all its processes.
HOUR, TWO_HOURS, ALONE, MUCH_MEMORY = 3600.0, 7200.0, 600.0, 4096.0
MOST = 10_000_000  # fits: a log that tells of more is damaged


class Heard:
    """The process that worked on the run last, and what came of it; an event costs the same however many there were.

    Attributes
    ----------
    now : float
        The time that counts, in seconds since 1970: of the last event, until somebody sets it.
    last : float
        When the latest event was written; 0 before the first.
    attempts : int
        How many processes worked on the run.
    strange : int
        Events that could not be understood.
    """

    def __init__(self) -> None:
        self.now = self.last = 0.0
        self.attempts = self.strange = 0
        self._attempt({})

    def _attempt(self, told: Mapping[str, Any]) -> None:
        """Forget the process before: another goes on with the run, and tells of what is kept."""
        self.command, self.host = str(told.get("command", "")), str(told.get("host", ""))
        self.pid, self.version = told.get("pid", 0), str(told.get("version", ""))
        self.began = self.now
        self.state = ""  # how it ended
        self.stages: dict[str, float] = {}
        self.uses: dict[str, tuple[float, float]] = {}  # by stage: processor seconds, and MiB of all processes
        self.stage, self.since = "", self.now
        self.board = Board(lambda: self.now)
        self.executor = ""
        self.doubts: list[str] = []
        self.computed = self.cached = self.failed = self.warned = 0
        self.cpu_seconds = 0.0
        self.hosts: Counter[str] = Counter()
        self.failures: deque[tuple[str, int, str]] = deque(maxlen=RECENT)
        self.warnings: dict[str, int] = {}  # by message, the newest last
        self.trials: dict[str, Mapping[str, Any]] = {}  # by search, what its last trial told
        self.trial: Mapping[str, Any] = {}
        self._rate: deque[list[int]] = deque()  # second, and how much was done in it
        self._much = 0
        self._first: float | None = None

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in an event; what is none of ours is counted."""
        try:
            self.now = _number(event["time"])
            self.last = max(self.last, self.now)
            if how := _HOW.get(event["event"]):
                how(self, event)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            self.strange += 1

    def _run(self, event: Mapping[str, Any]) -> None:
        self.attempts += 1
        self._attempt(event)

    def _stage(self, event: Mapping[str, Any]) -> None:
        name = str(event["name"])
        if event["state"] == "begin":
            self.stage, self.since = name, self.now
            return
        self.stages[name] = self.stages.get(name, 0.0) + _number(event["seconds"])
        self.began = self.board.start = min(self.began, _number(event["began"]))
        self.stage = ""

    def _use(self, event: Mapping[str, Any]) -> None:
        name = str(event["stage"])
        seconds, most = self.uses.get(name, (0.0, 0.0))
        self.uses[name] = seconds + _number(event["cpu_seconds"]), max(most, _number(event["total_memory_mib"]))

    def _workers(self, event: Mapping[str, Any]) -> None:
        self.board.workers(int(event["workers"]))
        self.executor = str(event["executor"])

    def _plan(self, event: Mapping[str, Any]) -> None:
        self.doubts = [str(doubt) for doubt in event["doubts"]]

    def _fits(self, event: Mapping[str, Any]) -> None:
        totals = {str(model): int(n) for model, n in event["totals"].items()}
        folds = event.get("numbers") or range(int(event["folds"]))
        if sum(totals.values()) > MOST or len(folds) * len(totals) > MOST:
            raise ValueError(len(folds))
        if self.trials and not self.board.total:  # from here on fits are counted, not trials
            self._rate.clear()
            self._first, self._much = None, 0
        self.board.fits(totals, folds)

    def _handed(self, event: Mapping[str, Any]) -> None:
        self.board.handed((model, fold, *seed) for model, fold, *seed in event["fits"])

    def _fit(self, event: Mapping[str, Any]) -> None:
        fit: Name = (event["model"], event["fold"])
        if replicate := event.get("replicate"):
            fit = *fit[:2], int(replicate)
        seconds, error = _number(event["seconds"]), str(event["error"])
        self.board.came(fit, bool(event["cached"]), seconds, bool(error))
        if event["cached"]:
            self.cached += 1
        else:
            self.computed += 1
            self.cpu_seconds += _number(event["cpu_seconds"])
            self.hosts[host_of(event["place"])] += 1
            self._done(self.now - seconds)
        if error:
            self.failed += 1
            self.failures.append((str(event["model"]), event["fold"], error))

    def _trial(self, event: Mapping[str, Any]) -> None:
        name = str(event["model"])
        (came(event), *standing_words(event))  # one that cannot be told is none
        self.trials[name] = self.trial = event
        self._done(self.now)

    def _warning(self, event: Mapping[str, Any]) -> None:
        message = str(event["message"])
        self.warned += 1
        self.warnings[message] = self.warnings.pop(message, 0) + 1
        if len(self.warnings) > RECENT:
            del self.warnings[next(iter(self.warnings))]

    def _end(self, event: Mapping[str, Any]) -> None:
        if event["state"] not in ("finished", "interrupted", "failed"):
            raise ValueError(event["state"])
        self.state, self.stage = event["state"], ""

    def _done(self, began: float) -> None:
        self._first = began if self._first is None else self._first
        self._much += 1
        second = int(self.now)
        if self._rate and self._rate[-1][0] == second:
            self._rate[-1][1] += 1
        else:
            self._rate.append([second, 1])
        while self._rate[0][0] < second - WINDOW:
            self._rate.popleft()

    @property
    def stage_use(self) -> dict[str, dict[str, float]]:
        """Processor seconds and MiB of each stage that has told."""
        return {name: {"cpu_seconds": cpu, "total_memory_mib": mib} for name, (cpu, mib) in self.uses.items()}

    @property
    def memory(self) -> float:
        """MiB that all processes of its machine held at most at a time; 0 until a stage has told."""
        return max((mib for _, mib in self.uses.values()), default=0.0)

    @property
    def limits(self) -> list[str]:
        """What has grown so large that something else may suit better, a line each."""
        fits = self.stages.get("fits", 0.0) + (self.now - self.since if self.stage == "fits" else 0.0)
        models = len(self.board.counts)
        told = [f"training for {duration(fits)}, more than an hour"] if fits > HOUR else []
        told += [f"{self.memory / 1024:.1f} GiB of memory, more than 4"] if self.memory > MUCH_MEMORY else []
        alone = self.board.slots == 1 and models > 1 and fits > ALONE
        told += [f"fits of {models} models run one after the other"] if alone else []
        return [f"{line}: quorate doctor says what helps" for line in told]

    @property
    def elapsed(self) -> float:
        """Seconds since the process began."""
        return max(self.now - self.began, 0.0)

    @property
    def per_minute(self) -> float | None:
        """Fits, or trials, that were computed per minute, over the last minute; in all, once it has ended.

        None before the first.
        """
        if self._first is None:
            return None
        if self.state:
            return 60 * self._much / max(self._rate[-1][0] + 1 - self._first, 1.0) if self._rate else None
        lately = sum(n for second, n in self._rate if second >= self.now - WINDOW)
        return 60 * lately / max(min(self.now - self._first, WINDOW), 1.0)

    @property
    def eta(self) -> float | None:
        """Seconds until the fits, or the trials, are done; None while nothing tells."""
        if self.stage == "trials":
            left = self.trial.get("left_seconds")
            return None if left is None else max(left - (self.now - self.trial["time"]), 0.0)
        return self.board.eta if self.board.done < self.board.total else None


def _number(value: Any) -> float:
    """Return seconds, if a clock of this age may have shown them."""
    if not 0 <= (number := float(value)) < AGE:
        raise ValueError(number)
    return number


_HOW: dict[str, Callable[[Heard, Mapping[str, Any]], None]] = {
    "run": Heard._run,
    "stage": Heard._stage,
    "use": Heard._use,
    "workers": Heard._workers,
    "plan": Heard._plan,
    "fits": Heard._fits,
    "handed": Heard._handed,
    "fit": Heard._fit,
    "trial": Heard._trial,
    "warning": Heard._warning,
    "end": Heard._end,
}
