"""What Ray's workers do; nothing here imports Ray."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from quorate.execution.resources import SHARE, available_memory
from quorate.execution.stack import run_fits
from quorate.execution.task import FitData, FitResult, FitTask


def work(tasks: Sequence[FitTask], data: FitData, memory: int, slots: float) -> Iterator[FitResult | None]:
    """Yield None as it begins, then each fit's result.

    Parameters
    ----------
    memory : int
        Bytes that a fit may allocate; 0: its share of what this machine had free at first.
    slots : float
        Fits at a time on this machine.
    """
    yield None
    memory = memory or _share(slots)
    yield from run_fits(tasks, data, memory)


@cache
def _share(slots: float) -> int:
    return int(available_memory() * SHARE / max(slots, 1.0))


def make_probe(libraries: Sequence[str], packages: Sequence[str]) -> Callable[[], dict[str, Any]]:
    """Return a function that tells a node's versions, processor, and versions of `packages`.

    It is made here, and not found by name, because the node may lack all of this package.
    """

    def probe() -> dict[str, Any]:
        import importlib.metadata as metadata

        def version(name: str) -> str:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                return ""

        told: dict[str, Any] = {"packages": {name: version(name) for name in packages}}
        try:
            from quorate.execution import machine
        except ImportError as e:
            return {**told, "libraries": {"quorate": version("quorate") or "absent"}, "cpu": "", "error": str(e)}
        return {**told, "libraries": machine.libraries(libraries), "cpu": machine.machine()["cpu"], "error": ""}

    return probe


def distribution_modules(distribution: str, module: str) -> list[str]:
    """Return the top-level modules of an installed distribution; `module` is one that it has for certain."""
    provided = importlib.metadata.packages_distributions()
    found = {name for name, owners in provided.items() if distribution in owners and name.isidentifier()}
    return sorted(found | {module.split(".")[0]})
