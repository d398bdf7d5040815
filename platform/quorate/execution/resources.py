"""What this process may use of the machine, and uses of it: processors, GPUs, memory, time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

SHARE = 0.9  # of what is free
GROUP = Path("/sys/fs/cgroup")  # where a container's limits are told
UNLIMITED = 1 << 60  # bytes: what the first version of control groups says where there is no limit is more


def cpu_count() -> int:
    """Return the CPUs this process may use: its affinity, and the quota of its container."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(count, int(cpu_quota() + 0.5)), 1) if cpu_quota() else count


def cpu_quota() -> float:
    """Return the CPUs that the container may use; 0: no limit."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        with suppress(OSError, ValueError):  # no such file, or "max"
            share, period = " ".join((GROUP / name).read_text() for name in names).split()
            return max(int(share) / int(period), 0.0)
    return 0.0


def gpu_count() -> int:
    """Return the NVIDIA GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def total_memory() -> int:
    """Return the bytes that this machine has, or its container may use; 0 where that cannot be told."""
    try:
        return min(_figure("/proc/meminfo", "MemTotal:") * 1024, container_memory() or sys.maxsize)
    except (OSError, StopIteration, ValueError):
        return 0


def container_memory() -> int:
    """Return the bytes that the container may use; 0: no limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or "max"
            limit = int((GROUP / name).read_text())
            return limit if limit < UNLIMITED else 0
    return 0


def available_memory() -> int:
    """Return the bytes that this machine, or its container, has left; 0 where that cannot be told."""
    try:
        free = _figure("/proc/meminfo", "MemAvailable:") * 1024
    except (OSError, StopIteration, ValueError):
        return 0
    if not (limit := container_memory()):
        return free
    for used, told, name in (
        ("memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        with suppress(OSError, StopIteration, ValueError):
            left = limit - int((GROUP / used).read_text()) + _figure(GROUP / told, name)
            return min(free, max(left, 0))
    return min(free, limit)


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


@contextmanager
def file_limit(limit: int) -> Iterator[None]:
    """Let this process write no file of more than `limit` bytes; beyond, writing fails with `OSError`."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    bounds = [b for b in (limit, soft, hard) if b != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


_earlier = 0  # the most bytes before `restart_peak` was called last


def most_memory() -> int:
    """Return the most bytes that this process has held."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return max(peak, _earlier)


def restart_peak() -> bool:
    """Have the system note anew how much this process holds at most; whether it does."""
    global _earlier
    _earlier = most_memory()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory() -> int:
    """Return the most bytes that this process has held since `restart_peak`."""
    return _figure("/proc/self/status", "VmHWM:") * 1024


class Meter:
    """Tells what was taken since it was made: seconds, processor seconds, and the most bytes that were held."""

    def __init__(self) -> None:
        self._noted = restart_peak()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __call__(self, shares: int = 1) -> tuple[float, float, int]:
        """Return what each of so many fits took: the time is shared, the memory is not."""
        seconds, cpu_seconds = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return seconds / shares, cpu_seconds / shares, peak_memory() if self._noted else 0


def process_start() -> float:
    """Return when this process started, in seconds since 1970, to 10 ms; now, where that cannot be told."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
        return time.time() - max(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 0.0)
    except (AttributeError, OSError, ValueError, IndexError):
        return time.time()


def processes_below() -> dict[int, float]:
    """Return the processes below this one: of each the processor seconds that it, and what it waited for, has taken.

    Empty where that cannot be told.
    """
    below: dict[int, list[int]] = {}
    took: dict[int, float] = {}
    tick = os.sysconf("SC_CLK_TCK")
    for name in os.listdir("/proc") if Path("/proc/self/stat").exists() else ():
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                below.setdefault(int(fields[1]), []).append(int(name))
                took[int(name)] = sum(map(int, fields[11:15])) / tick
    found, left = {}, below.get(os.getpid(), [])
    while left:
        pid = left.pop()
        left += below.get(pid, [])
        found[pid] = took[pid]
    return found


def used_memory(below: Iterable[int] | None = None) -> int:
    """Return the bytes that this process and all below it use, shared ones once; 0 where that cannot be told.

    `below` are the processes below it, where they are known already.
    """
    pages, own = 0, os.getpid()
    for pid in (own, *(processes_below() if below is None else below)):
        with suppress(OSError, ValueError):
            with open(f"/proc/{pid}/statm", "rb") as file:
                resident, shared = map(int, file.read().split()[1:3])
            pages += resident if pid == own else resident - shared
    return pages * os.sysconf("SC_PAGE_SIZE")


@lru_cache(maxsize=1)
def pools_of(modules: int) -> Any:
    """Return what controls the thread pools that are loaded; looking for them takes longer than a small fit.

    A library comes with a module: while there are as many as before, no other was loaded.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def thread_pools() -> set[str]:
    """Return the libraries with threads of their own that are loaded now."""
    pools = pools_of(len(sys.modules)).lib_controllers
    return {pool.filepath for pool in pools} | ({"numba", "torch"} & sys.modules.keys())
