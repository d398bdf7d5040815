"""Noticing that a run stands still: no fit was finished for a time, although some are to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from quorate.execution.progress import Clock, Progress, Several
from quorate.walkforward.members import Fitting

if TYPE_CHECKING:
    from quorate.execution.task import FitResult

FITTING = ("fits", "paths", "trials")  # stages in which fits are waited for


class Stalls(Progress):
    """Hears when a fit or a trial was finished, and calls once if none was for a time.

    Parameters
    ----------
    seconds : float
        For how long.
    told : callable
        Called from a thread of its own.
    """

    def __init__(self, seconds: float, told: Callable[[], None]) -> None:
        self._seconds, self._told = seconds, told
        self._last: float | None = None  # when the latest was finished; None, where none is waited for
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stalled", daemon=True)
        self._thread.start()

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""
        self._last = time.monotonic() if name in FITTING else None

    def staged(self, name: str, began: float, seconds: float) -> None:
        """Hear that a stage is over."""
        self._last = None

    def fitted(self, result: FitResult) -> None:
        """Hear that a fit is done."""
        self._go_on()

    def trial(self, told: Mapping[str, Any]) -> None:
        """Hear that a trial is done."""
        self._go_on()

    def end(self) -> None:
        """Watch no more; what is being told is told to its end."""
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        if self._last is not None:
            self._last = time.monotonic()

    def _watch(self) -> None:
        wait = self._seconds
        while not self._over.wait(max(wait, 0.01)):
            last = self._last
            wait = self._seconds if last is None else last + self._seconds - time.monotonic()
            if wait <= 0:
                self._told()
                return


@contextmanager
def noticing_stalls(seconds: float, told: Callable[[], None], clock: Clock, fitting: Fitting) -> Iterator[None]:
    """Call `told`, at most once, if inside no fit is finished for so many seconds; 0: never."""
    if not seconds:
        yield
        return
    stalls = Stalls(seconds, told)
    before = clock.progress, fitting.progress
    clock.progress, fitting.progress = (Several(one, stalls) for one in before)
    try:
        yield
    finally:
        clock.progress, fitting.progress = before
        stalls.end()
