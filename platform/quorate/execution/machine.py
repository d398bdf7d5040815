"""What numbers depend on beside their inputs: the versions of libraries, and the kind of processor."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from functools import cache

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
    found = {"quorate": __version__, "python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def machine() -> dict[str, str]:
    """Return the kind of processor and system: equal ones give equal bits."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {"system": platform.system(), "machine": platform.machine(), "cpu": model}


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return ``name old -> new`` for every version that differs."""
    return [
        f"{k} {before.get(k, 'absent')} -> {now.get(k, 'absent')}"
        for k in sorted({*before, *now})
        if before.get(k) != now.get(k)
    ]
