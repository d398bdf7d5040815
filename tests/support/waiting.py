"""Waiting for what another process or thread brings about, generously and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 200.0  # seconds: machines are busy


def wait_until(true: Callable[[], object], seconds: float = PATIENCE, every: float = 0.05) -> None:
    """Wait for a condition, looking every so many seconds; it fails where that never comes."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"it did not happen within {seconds:g} s"
        time.sleep(every)
