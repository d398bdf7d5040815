"""What the benchmarks share: timing whole processes, figures with their limits, a fresh home."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
QUORATE = str(Path(sys.executable).with_name("quorate"))


def wall(*command: str | Path, environment: dict[str, str] | None = None) -> tuple[float, str]:
    """Return the seconds that a process took from its start to its end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    return seconds, done.stdout


def quorate_run(recipe: str | Path, home: Path, *sets: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds of a whole ``quorate run`` and its report."""
    options = [part for item in sets for part in ("--set", item)]
    seconds, out = wall(QUORATE, "run", recipe, "--home", home, "--json", *options)
    return seconds, json.loads(out)


def plain(script: str, *options: str | Path) -> float:
    """Return the seconds of a plain script; libraries take one thread, unless ``--threads`` says more."""
    threads = options[options.index("--threads") + 1] if "--threads" in options else "1"
    return wall(sys.executable, HERE / script, *options, environment={"OMP_NUM_THREADS": str(threads)})[0]


@contextmanager
def fresh_home() -> Iterator[Path]:
    """Yield a home that nothing was computed in."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder) / "home"


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


class Figures:
    """Prints each figure as it is known: the median of its values, against its limit."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        print(f"{os.cpu_count()} CPUs, load {load()} (other work on the machine falsifies all that follows)\n")

    def title(self, text: str) -> None:
        print(f"\n{text}   [load {load()}]", flush=True)

    def add(
        self, name: str, values: list[float], unit: str = "", most: float | None = None, least: float | None = None
    ) -> None:
        median = statistics.median(values)
        fine = (most is None or median <= most) and (least is None or median >= least)
        limit = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else ""
        verdict = "" if not limit else "ok" if fine else "MISSED"
        spread = f"{min(values):.3g}..{max(values):.3g}" if len(values) > 1 else ""
        print(f"  {name:64s} {median:9.3f} {unit:4s} {limit:14s} {verdict:7s}{spread}", flush=True)
        if not fine:
            self.missed.append(name)
