"""What numbers depend on beside their inputs, versions and the kind of processor; and what runs on the machine."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from quorate import __version__

LIBRARIES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "catboost",
    "torch",
    "vectorbt",
    "vectorbt-rust",
    "duckdb",
    "ray",
    "arch",
    "statsmodels",
)


def libraries(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of the installed libraries that numbers depend on."""
    found = {name: version for name in names if (version := installed(name))}
    return {"quorate": __version__, "python": platform.python_version(), **found}


def installed(name: str) -> str:
    """Return the version of a distribution; "" if it is not installed."""
    try:
        return _version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


@cache
def _version(name: str) -> str:
    """Return the version; it is parsed out of a file, and what is loaded stays while the process lives."""
    return importlib.metadata.version(name)


@cache
def machine() -> dict[str, str]:
    """Return the kind of processor and system: equal ones give equal bits."""
    model = platform.processor() or platform.machine()
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    return {"system": platform.system(), "machine": platform.machine(), "cpu": model}


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return ``name old -> new`` for every version that differs."""
    return [
        f"{k} {before.get(k, 'absent')} -> {now.get(k, 'absent')}"
        for k in sorted({*before, *now})
        if before.get(k) != now.get(k)
    ]


def start_time(pid: int) -> str:
    """Return when a process began, in ticks of the clock since the machine did; "" if it is over."""
    try:
        fields = fields_of(pid)
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def command_of(pid: int) -> list[str]:
    """Return the command line of a process; nothing, if it is over."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def fields_of(pid: int) -> list[str]:
    """Return what the system says of a process, from its state on: its name may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
