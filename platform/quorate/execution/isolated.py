"""Calling foreign code in a process of its own, which may hang or die without harm to this one.

A new interpreter is started rather than a copy of this process: libraries that hold threads or a
GPU do not survive being copied.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from quorate.execution.stream import keep_messages

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Lost:
    """There is no result: the call was stopped, or its process died.

    Parameters
    ----------
    seconds : float
        How long it had run.
    ending : str
        How its process ended, e.g. ``it was killed by SIGSEGV``; empty, if it was stopped for its time.
    """

    seconds: float
    ending: str = ""

    def __str__(self) -> str:
        return f"its process died: {self.ending}" if self.ending else f"it did not finish within {self.seconds:.3g} s"


class Isolated(Generic[Item, Result]):
    """A process that calls a function on one item after another; it is replaced when it is lost.

    It starts at once, in the background, so that its imports cost the caller no time.

    Parameters
    ----------
    preload : str
        Modules that the process imports first, separated by commas; those that fail are left.
    """

    def __init__(self, preload: str = "quorate.execution.isolated") -> None:
        self._preload = preload
        self._since = time.monotonic()
        self._process, self.connection = self._start()

    def each(
        self,
        function: Callable[[Any, Item], Result],
        shared: Any,
        items: Iterable[Item],
        seconds: float | None = None,
    ) -> Generator[tuple[Item, Result | Lost], None, None]:
        """Call ``function(shared, item)`` for every item and yield each with its result.

        Parameters
        ----------
        function : callable
            Of a module that can be imported; arguments and results must be picklable.
        seconds : float, optional
            After which a call is stopped.
        """
        waiting = list(items)
        while waiting:
            self.call(partial(_each, function), shared, waiting)
            while waiting:
                item = waiting.pop(0)
                start = time.monotonic()
                while (result := self.result(1.0 if seconds is None else min(1.0, seconds))) is None:
                    if seconds is not None and time.monotonic() - start >= seconds:
                        result = Lost(seconds)
                        break
                if isinstance(result, Lost):
                    self.restart()
                    yield item, result
                    break
                yield item, result

    def call(self, function: Callable[[Any, list[Item]], Iterable[Result]], shared: Any, items: Sequence[Item]) -> None:
        """Have ``function(shared, items)`` called, which yields a result for each item, in the same order."""
        self._since = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died; `result` says how
            self.connection.send((function, shared, list(items)))

    def result(self, timeout: float = 0.0) -> Result | Lost | None:
        """Return the next result, `Lost` if the process died, or None if there is none within `timeout` seconds."""
        try:
            if not self.connection.poll(timeout):
                if self._process.poll() is None:
                    return None
                if not self.connection.poll():  # it died, and what it started holds the connection open
                    raise EOFError
            result: Result = self.connection.recv()
        except (EOFError, OSError):
            return Lost(self.seconds, _ending(self._process))
        self._since = time.monotonic()
        return result

    @property
    def seconds(self) -> float:
        """Seconds since the item that is worked on was begun."""
        return time.monotonic() - self._since

    def restart(self) -> None:
        """End the process and start another."""
        self.close()
        self._process, self.connection = self._start()

    def close(self) -> None:
        """End the process; may be called twice."""
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "QUORATE_PATH": os.pathsep.join(sys.path)}
        # What foreign code prints is no result: it goes where messages go. -P: a file of the working folder may be
        # called as a module of Python's is.
        process = subprocess.Popen(
            [sys.executable, "-u", "-P", "-m", "quorate.execution.isolated", str(theirs.fileno()), self._preload],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,
            env=environment,
            start_new_session=True,  # what it starts itself ends with it
        )
        theirs.close()
        return process, Connection(ours.detach())


def _each(function: Callable[[Any, Item], Result], shared: Any, items: list[Item]) -> Iterable[Result]:
    return (function(shared, item) for item in items)


def _ending(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "it closed its connection"
    if code >= 0:
        return f"it exited with code {code}"
    name = signal.Signals(-code).name
    if name == "SIGKILL":
        return "it was killed (SIGKILL), as the system does when memory runs out"
    return f"it was killed by {name}"


def _serve(connection: Connection) -> None:
    """Answer until the other side is gone; then end at once, whatever is going on here."""
    calls: queue.Queue[Any] = queue.Queue()

    def listen() -> None:
        while True:
            try:
                calls.put(connection.recv())
            except (EOFError, OSError):
                os.killpg(0, signal.SIGKILL)
            except BaseException as e:  # what cannot be loaded is told by whoever waits for a result
                calls.put(e)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        call = calls.get()
        if isinstance(call, BaseException):
            raise call
        function, shared, items = call
        for result in function(shared, items):
            connection.send(result)


def _main() -> None:
    number, preload = int(sys.argv[1]), sys.argv[2]
    keep_messages("stdout", "stderr")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller is interrupted too, and ends this process
    sys.path[:] = os.environ.pop("QUORATE_PATH").split(os.pathsep)
    for name in preload.split(","):
        with contextlib.suppress(Exception):
            __import__(name)
    _serve(Connection(number))


if __name__ == "__main__":
    # Under its own name, so that what is pickled here is found there.
    from quorate.execution.isolated import _main as main

    main()
