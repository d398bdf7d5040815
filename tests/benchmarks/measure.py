"""What the benchmarks share: timing whole processes and calls, a fresh home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
QUORATE = str(Path(sys.executable).with_name("quorate"))


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that a call took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def wall(*command: str | Path, environment: dict[str, str] | None = None) -> tuple[float, str]:
    """Return the seconds that a process took from its start to its end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=_surroundings(environment)
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    return took, done.stdout


def _surroundings(extra: dict[str, str] | None) -> dict[str, str]:
    """Return this process's environment; a start that may not keep what it compiled is another start."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | (extra or {})


def quorate_run(recipe: str | Path, home: Path, *sets: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds of a whole ``quorate run`` and its report."""
    options = [part for item in sets for part in ("--set", item)]
    took, out = wall(QUORATE, "run", recipe, "--home", home, "--json", *options)
    return took, json.loads(out)


def plain(script: str, *options: str | Path) -> float:
    """Return the seconds of a plain script; libraries take one thread, unless ``--threads`` says more."""
    threads = options[options.index("--threads") + 1] if "--threads" in options else "1"
    return wall(sys.executable, HERE / script, *options, environment={"OMP_NUM_THREADS": str(threads)})[0]


@contextmanager
def fresh_home() -> Iterator[Path]:
    """Yield a home that nothing was computed in."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder) / "home"
