"""The one place where the platform calls what a plugin offers, beside the fits of its models.

Whatever a plugin's function raises, gives or hangs in becomes one `PluginError` that says which plugin it was, of
which version, what it was called on, and why.
"""

from __future__ import annotations

import ctypes
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from types import MappingProxyType
from typing import Any, TypeVar

from quorate.errors import PluginError, QuorateError
from quorate.plugins.local import line_in
from quorate.plugins.specs import Spec

T = TypeVar("T")
SECONDS = 600.0
_OPTION = re.compile(r", or (?:set|leave them out with) data\.(\w+) = [^\s,;]+")

_seconds: ContextVar[float] = ContextVar("seconds", default=SECONDS)
_within = threading.local()  # whether this thread is in a call already


class CallError(PluginError):
    """What came of a call, said once; a call around it passes it on."""


class Overdue(BaseException):
    """Raised where a call is that takes too long; no plugin catches it by accident."""


@contextmanager
def seconds_per_call(seconds: float) -> Iterator[None]:
    """Stop a call of a plugin that takes longer; a call that does not come back to Python cannot be stopped."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def call(
    spec: Spec,
    on: str,
    arguments: Sequence[Any],
    options: Mapping[str, Any] = MappingProxyType({}),
    read: Callable[[Any], T] = lambda answer: answer,
    function: Callable[..., Any] | None = None,
) -> T:
    """Call a plugin's function and return what `read` makes of its answer.

    Parameters
    ----------
    spec : Spec
        The plugin.
    on : str
        What it is called on, for the message, e.g. ``700 bars of AAA``.
    arguments, options
        By position, and by name.
    read : callable
        Checks the answer and turns it into what the platform works with; what it raises is the plugin's fault.
    function : callable, optional
        What is called instead of the spec's function: something that it returned before.

    Raises
    ------
    PluginError
        If the function raises something, does not end in time, or answers with what `read` refuses.
    QuorateError
        Of the class that the function itself raised, with a note on where.
    """
    try:
        target = function or spec.resolve()
        with _stopped_after(_seconds.get()):
            answer = target(*arguments, **options)
            return read(answer)
    except Overdue as e:
        raise CallError(
            f"{spec} did not finish on {on} within {_seconds.get():g} s (execution.fit_seconds){_line(spec, e)}"
            f"{origin_of(spec)}"
        ) from e
    except CallError:
        raise
    except PluginError as e:
        told = f"{e} (on {on})" if f"{spec}" in str(e) else f"{spec} failed on {on}: {e}"
        raise CallError(f"{told}{origin_of(spec)}") from e
    except QuorateError as e:
        if spec.kind == "source":  # of files and their rows it says all itself
            e.args = (without_foreign_options(spec, str(e)), *e.args[1:])
        else:
            e.add_note(f"in {spec} on {on}{origin_of(spec)}")
        raise
    except (Exception, SystemExit) as e:
        reason = f"{type(e).__name__}: {e}{_remedy(e)}"
        raise CallError(f"{spec} failed on {on}{_line(spec, e)}: {reason}{origin_of(spec)}") from e


def without_foreign_options(spec: Spec, told: str) -> str:
    """Return what was told of bars without advice to set ``data`` options that the source has not."""

    def keep(found: re.Match[str]) -> str:
        known = signature(spec.resolve()).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
        return found[0] if open_ended or found[1] in known else ""

    return _OPTION.sub(keep, told)


def origin_of(spec: Spec) -> str:
    """Return ``" [distribution version (module)]"``, the file and its hash, or nothing, if nobody knows."""
    provider = spec.provider
    if provider is None or provider.inline is not None:
        return ""
    return f" [{provider}{f', sha256 {provider.local.sha256[:8]}' if provider.local else ''}]"


def _remedy(error: BaseException) -> str:
    """Return what to do where an input was written into; NumPy says of an array alone that it is read-only."""
    wrote = "read-only" in str(error) or type(error).__name__ == "FrozenInstanceError"
    return (
        ": evidence and inputs are read-only, others read them, too; work on a copy, e.g. array.copy()" if wrote else ""
    )


def _line(spec: Spec, error: BaseException) -> str:
    return line_in(error, spec.provider.local) if spec.provider is not None else ""


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Raise `Overdue` inside, if it takes longer; a call within a call has what is left of the outer one's time."""
    if getattr(_within, "call", False):
        yield
        return
    _within.call = True
    try:
        alarm = threading.current_thread() is threading.main_thread() and not signal.getitimer(signal.ITIMER_REAL)[0]
        with _alarm(seconds) if alarm else _watched(seconds):
            yield
    finally:
        _within.call = False


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """By the clock of the operating system, which also ends waiting; for the main thread."""

    def ring(number: int, frame: object) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
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
