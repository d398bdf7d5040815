"""Foreign code that does not come back: stopped after its time."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

IMPORT_SECONDS = 60.0  # that a plugin may take to be imported and to say what it offers
AGAIN = 1.0  # seconds until it is rung again for code that catches everything

_within = threading.local()  # whether this thread is in a call already, and of which process
_turn = threading.Lock()
_calls = 0
_leave = os._exit


class Overdue(BaseException):
    """Raised where a call is that takes too long; no plugin catches it by accident."""


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise `Overdue` inside, if it takes longer; a call within a call has what is left of the outer one's time."""
    if getattr(_within, "call", False):
        yield
        return
    _within.call = True
    _within.process = os.getpid()
    _hold(1)
    try:
        alarm = threading.current_thread() is threading.main_thread() and not signal.getitimer(signal.ITIMER_REAL)[0]
        with _alarm(seconds) if alarm else _watched(seconds):
            yield
    finally:
        _hold(-1)
        _within.call = False


def _hold(change: int) -> None:
    """Have `os._exit` held while some thread is in a call, however many are."""
    global _calls
    with _turn:
        _calls += change
        os._exit = _held if _calls else _leave  # type: ignore[assignment]


def _held(status: int) -> None:
    """Raise in a call what would end the process without a word; others, and its children, may leave so."""
    if getattr(_within, "call", False) and _within.process == os.getpid():
        raise SystemExit(status)
    _leave(status)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """By the clock of the operating system, which also ends waiting; for the main thread."""

    def ring(number: int, frame: object) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """By another thread, which raises it between two steps of Python; waiting does not end before its time."""
    turn, over, thread = threading.Lock(), threading.Event(), ctypes.c_ulong(threading.get_ident())

    def ring() -> None:
        with turn:
            if not over.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Overdue))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with turn:
            over.set()
        timer.cancel()
        sys.exc_info()  # a step at which one that was on its way arrives
