"""Threads that run in another order: each starts a little later or earlier, and gives way at other places."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from multiprocessing import pool
from types import FrameType
from typing import Any
from unittest.mock import patch

MOST = 200  # delays of one answer
LONGEST = 0.004  # seconds
_YIELDS = 3000  # places at which a thread gives way

_EXECUTORS = (futures.ThreadPoolExecutor, futures.ProcessPoolExecutor)
_POOLED = ("apply_async", "_map_async", "imap", "imap_unordered")


class Late:
    """A function that waits before it works; it can be sent to another process."""

    def __init__(self, function: Callable[..., Any], seconds: float, seed: int = -1) -> None:
        self.function, self.seconds, self.seed = function, seconds, seed

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        """Wait, for a time that depends on the arguments if there is a seed, then call it."""
        share = 1.0 if self.seed < 0 else random.Random(f"{self.seed} {arguments!r}"[:200]).random()
        time.sleep(self.seconds * share)
        return self.function(*arguments, **more)


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep the interpreter busy with other threads."""
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            sum(range(200))

    others = [threading.Thread(target=spin, daemon=True) for _ in range(number)]
    for thread in others:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in others:
            thread.join()


@contextmanager
def disturbed(seed: int, path: str) -> Iterator[None]:
    """Let threads start and finish in another order, drawn by `seed`; those that run code of `path` give way within."""
    rng, left = random.Random(seed), [MOST, _YIELDS]

    def delay() -> float:
        left[0] -= 1
        return rng.random() * LONGEST if left[0] > 0 else 0.0

    start = threading.Thread.start

    def starting(thread: threading.Thread) -> None:
        thread.run = Late(thread.run, delay())  # type: ignore[method-assign]
        start(thread)

    def giving_way(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != path:
            return None
        frame.f_trace_opcodes = True
        left[1] -= 1
        if left[1] > 0 and rng.random() < 0.2:
            time.sleep(0)
        return giving_way

    interval = sys.getswitchinterval()
    with ExitStack() as stack:
        stack.enter_context(patch.object(threading.Thread, "start", starting))
        for executor in _EXECUTORS:
            stack.enter_context(patch.object(executor, "submit", _submitting(executor.submit, delay)))
        for name in _POOLED:
            stack.enter_context(patch.object(pool.Pool, name, _pooling(getattr(pool.Pool, name), seed)))
        threading.settrace(giving_way)
        sys.setswitchinterval((1e-6, 5e-3, 1e-4)[seed % 3])
        try:
            yield
        finally:
            sys.setswitchinterval(interval)
            threading.settrace(None)


def _submitting(submit: Any, delay: Callable[[], float]) -> Any:
    def submitting(self: Any, function: Callable[..., Any], /, *arguments: Any, **more: Any) -> Any:
        return submit(self, Late(function, delay()), *arguments, **more)

    return submitting


def _pooling(method: Any, seed: int) -> Any:
    def pooling(self: Any, function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return method(self, Late(function, LONGEST, seed), *arguments, **more)

    return pooling
