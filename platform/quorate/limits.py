"""How much memory a fit may take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARE = 0.9  # of what is free


def available_memory() -> int:
    """Return the bytes that this machine, or its container, has left; 0 where that cannot be told."""
    try:
        free = _figure("/proc/meminfo", "MemAvailable:") * 1024
    except (OSError, StopIteration, ValueError):
        return 0
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        cached = _figure(group / "memory.stat", "inactive_file")
        return min(free, max(limit - used + cached, 0))
    except (OSError, StopIteration, ValueError):  # no container, or none with a limit
        return free


def _figure(path: str | Path, name: str) -> int:
    lines = Path(path).read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


@contextmanager
def memory_limit(limit: int) -> Iterator[None]:
    """Let this process allocate at most `limit` bytes more; beyond, allocations fail with `MemoryError`.

    Linux only; elsewhere, or for 0, there is no limit.
    """
    if not limit or not sys.platform.startswith("linux"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _figure("/proc/self/status", "VmData:") * 1024 + limit
    bounds = [b for b in (wanted, soft, hard) if b != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
