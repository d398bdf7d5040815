"""What a run tells while it goes on; the terminal implements it, tests and notebooks need not."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quorate.fit import FitResult


class Progress:
    """Hears of stages and fits; this one keeps quiet."""

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""

    def fits(self, totals: Mapping[str, int]) -> None:
        """Hear how many fits per model are to come."""

    def fitted(self, result: FitResult) -> None:
        """Hear that a fit is done."""

    def warn(self, message: str) -> None:
        """Hear what the user should know."""

    def close(self) -> None:
        """Hear that nothing more will come."""


class Clock:
    """Times the stages of a run; they add up to the whole."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._start = time.perf_counter()
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        self._progress.stage(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    def telemetry(self) -> dict[str, object]:
        """Return seconds per stage, in all, and peak memory of this process in MiB."""
        total = time.perf_counter() - self._start
        rest = max(total - sum(self.stages.values()), 0.0)
        stages = {name: round(seconds, 4) for name, seconds in {**self.stages, "other": rest}.items()}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return {"seconds": round(total, 4), "stages": stages, "peak_memory_mib": round(peak, 1)}
