"""The machine: processors, memory, GPUs, disk, load, clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from quorate.errors import plural, reason_of
from quorate.execution import resources
from quorate.execution.machine import installed
from quorate.runs.doctor.finding import GIB, Finding, State, gib

Machine = partial(Finding, "machine")
LEAST, FEW = 0.25 * GIB, GIB  # bytes of free memory that nothing runs in, and that little does
FULL, NEARLY = GIB, 5 * GIB  # bytes of free disk
JUMP = 0.5  # seconds between two clocks that no steering of a clock explains in so short a time


def machine(home: Path) -> Iterator[Finding]:
    """Look at the machine; `home` says which disk."""
    began = time.time() - time.monotonic()
    yield _processors()
    yield _memory()
    yield _gpu()
    yield _disk(home)
    yield _clock(began)


def _processors() -> Finding:
    count, quota, there = resources.cpu_count(), resources.cpu_quota(), os.cpu_count() or 1
    limited = f"; the container may use {quota:g}" if quota else ""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    told = f"{count} of {there} may be used{limited}; load {load:.1f}"
    if load > count + 0.5:
        more = "other programs want more than there is: runs take longer; execution.workers says how many fit at a time"
        return Machine("processors", "note", told, more)
    return Machine("processors", "ok", told)


def _memory() -> Finding:
    total, free, limit = resources.total_memory(), resources.available_memory(), resources.container_memory()
    if not total:
        return Machine("memory", "note", "cannot be told here", "set execution.fit_memory, so that no fit takes all")
    told = f"{gib(free)} free of {gib(total)}{', the limit of the container' if limit and limit == total else ''}"
    state: State = "mend" if free < LEAST else "note" if free < FEW else "ok"
    remedy = "end other programs, or give the container more; --set execution.workers=1 takes least"
    return Machine("memory", state, told, remedy if state != "ok" else "")


def _gpu() -> Finding:
    there = resources.gpu_count()
    if not installed("torch"):
        return Machine("gpu", "note" if there else "ok", f"{plural(there, 'device')}; torch is not installed")
    try:
        torch = import_module("torch")  # a library of plugins: the platform itself does without
        seen, build = torch.cuda.device_count(), torch.version.cuda
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(seen))
    except Exception as e:  # whatever a driver comes to
        return Machine("gpu", "mend", f"torch cannot be asked: {reason_of(e)}", "install torch again")
    told = f"{plural(there, 'device')}, torch {torch.__version__} sees {seen}{f': {names}' if names else ''}"
    if there and not seen:
        told += f"; it is built {f'for CUDA {build}' if build else 'without CUDA'}"
        return Machine(
            "gpu", "mend", told, "install the build of torch for the driver: https://pytorch.org/get-started"
        )
    return Machine("gpu", "ok", told)


def _disk(home: Path) -> Finding:
    at = next(folder for folder in (home, *home.parents) if folder.exists())
    usage = shutil.disk_usage(at)
    told = f"{usage.free / 1e9:,.1f} GB free of {usage.total / 1e9:,.1f} where {at} is"
    state: State = "mend" if usage.free < FULL else "note" if usage.free < NEARLY else "ok"
    remedy = "free some: quorate cache prune --older-than 30d, or another --home"
    return Machine("disk", state, told, remedy if state != "ok" else "")


def _clock(began: float) -> Finding:
    jumped = (time.time() - time.monotonic()) - began
    if abs(jumped) > JUMP:
        told = f"it was set by {jumped:+.1f} s while it was looked at"
        remedy = "have the time kept by NTP: ids of runs, and the ledger, are in its order"
        return Machine("clock", "mend", told, remedy)
    return Machine("clock", "ok", "did not jump while it was looked at")
