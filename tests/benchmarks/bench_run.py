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


def wall(*command: str) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run([QUORATE, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    for command, limit in ((("--help",), 0.3), (("plugins",), 0.5)):
        times = [wall(*command)[0] for _ in range(7)]
        print(f"quorate {' '.join(command)}: median {statistics.median(times):.3f} s (limit {limit} s)")
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
