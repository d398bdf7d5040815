"""What tests of sweeps share."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import quorate
from quorate.execution.progress import Progress


def essence(sweep: quorate.Sweep) -> tuple[dict[str, Any], list[str]]:
    """Return what must be the same wherever and however a sweep was computed."""
    searches = deepcopy(sweep.document["searches"])
    for found in searches.values():
        for trial in found["trials"]:
            del trial["cpu_seconds"]
    return searches, sweep.document["sentences"]


class Stop(Progress):
    """Interrupts a sweep after some trials."""

    def __init__(self, after: int) -> None:
        self.left = after

    def trial(self, told: Any) -> None:
        self.left -= 1
        if self.left <= 0:
            raise KeyboardInterrupt
