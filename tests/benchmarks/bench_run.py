"""Whole processes: the command line's start, the nasdaq recipe from nothing to its report, and its audit."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUORATE = str(Path(sys.executable).with_name("quorate"))
STARTS = {"--help": 0.1, "plugins": 0.35, "runs": 0.4, "gate": 0.5, "report": 0.6}  # seconds on a quiet machine


def wall(*command: str, program: str = QUORATE) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run([program, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def start_up() -> None:
    """Time the commands that compute nothing, each beside an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as home:
        wall("run", "planted", "--home", home)
        for command, limit in STARTS.items():
            given = () if command in ("--help", "plugins") else ("--home", home)
            pairs = [(wall(command, *given)[0], wall("-c", "pass", program=sys.executable)[0]) for _ in range(7)]
            seconds = statistics.median(ours for ours, _ in pairs)
            ratio = statistics.median(ours / bare for ours, bare in pairs)
            print(f"quorate {command}: median {seconds:.3f} s (limit {limit} s), {ratio:.0f} times a bare interpreter")


def main() -> None:
    start_up()
    with tempfile.TemporaryDirectory() as home:
        for executor in ("ray", "processes", "serial"):
            runs = []
            options = ("--set", f"execution.executor={executor}", "--set", "execution.cache=false")
            for _ in range(3):
                seconds, out = wall("run", "nasdaq", "--json", "--home", home, *options)
                telemetry = json.loads(out)["telemetry"]
                runs.append((seconds, sum(telemetry["fit_cpu_seconds"].values()), telemetry["stages"]["evidence"]))
            seconds, cpu, evidence = (statistics.median(column) for column in zip(*runs, strict=True))
            print(
                f"quorate run nasdaq, {executor}: median {seconds:.1f} s (limit 60 s), fits {cpu:.1f} CPU s, "
                f"evidence {evidence:.1f} s (limit 5 s)"
            )
        seconds, _ = wall("audit", "nasdaq", "--json", "--home", home, "--set", "execution.cache=false")
        print(f"quorate audit nasdaq: {seconds:.1f} s (limit 60 s)")


if __name__ == "__main__":
    main()
