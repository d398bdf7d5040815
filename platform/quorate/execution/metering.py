"""What the stages of a run take: processor seconds and memory, of this process and of all below it."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from quorate.execution.resources import most_memory, peak_memory, processes_below, restart_peak, used_memory

EVERY = 0.5  # seconds between two looks at the memory of all processes, at least
SHARE = 0.004  # of one processor's time that looking may take


class Use(NamedTuple):
    """What something took.

    Parameters
    ----------
    cpu_seconds : float
        Of this process and of all below it.
    peak_memory : int
        Bytes that all of them held at most at a time, as far as was seen.
    own_memory : int
        Bytes that this process held at most.
    """

    cpu_seconds: float = 0.0
    peak_memory: int = 0
    own_memory: int = 0

    def joined(self, other: Use) -> Use:
        """Return what both took, one after the other."""
        memory = (max(pair) for pair in zip(self[1:], other[1:], strict=True))
        return Use(self.cpu_seconds + other.cpu_seconds, *memory)


class Looks:
    """Looks at all processes, and no more often than its share of time allows.

    A look costs some microseconds for each process of the machine. One that comes too soon sees of the processes below
    what the last one saw: what they took since counts where the next look is.
    """

    def __init__(self, passed: float = 0.0) -> None:
        self._began, self._spent = time.monotonic() - passed, 0.0
        self._cost = 0.0  # of a look
        self._lock = threading.Lock()
        self._below = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds that this process, and all below it by the last look, have taken so far."""
        return time.process_time() + self._below

    @property
    def pause(self) -> float:
        """Seconds until it may look again."""
        return max(EVERY, (self._spent + self._cost) / SHARE - (time.monotonic() - self._began))

    def look(self) -> int:
        """Look, if there is time for it; return the bytes that all processes hold now, 0 without a look."""
        with self._lock:
            if self._cost and self._spent + self._cost > SHARE * (time.monotonic() - self._began):
                return 0
            before = time.thread_time()
            below = processes_below()
            # What has ended, and was waited for, counts among what this process waited for.
            self._below = sum(below.values()) + _waited_for()
            memory = used_memory(below)
            self._cost = time.thread_time() - before
            self._spent += self._cost
            return memory


class StageMeter:
    """Tells what was taken since it was made.

    Parameters
    ----------
    looks : Looks
        Those of the whole run.
    """

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._noted = restart_peak()
        self._most, self._before = looks.look(), looks.cpu_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True, name="quorate-meter")
        self._thread.start()

    def _sample(self) -> None:
        while not self._over.wait(self._looks.pause):
            self._most = max(self._most, self._looks.look())

    def over(self) -> Use:
        """Stop, and return what was taken."""
        self._over.set()
        self._thread.join()
        own = peak_memory() if self._noted else most_memory()
        most = max(self._most, self._looks.look(), own)
        return Use(max(self._looks.cpu_seconds - self._before, 0.0), most, own)


def used_so_far() -> Use:
    """Return what this process, and what it waited for, took since it began."""
    return Use(time.process_time() + _waited_for(), most_memory(), most_memory())


def _waited_for() -> float:
    import resource

    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime
