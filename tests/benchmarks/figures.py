"""Figures of the benchmarks: measured against their aims and against what is kept, and written into the README.

Each figure is a ratio of its own, or seconds, which are compared as a ratio to a reference workload that is timed
beside them, so that another machine, or a busier one, does not look like a slower program.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_name("kept.json")
MARKS = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
WORSE = 4 / 3  # from here on a figure is named

Part = Callable[["Figures", int, bool], None]


def reference() -> float:
    """Return the seconds of a fixed piece of work of the kinds that runs are made of; about one on a usual core."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20_000, 20)), rng.normal(size=20_000)
    start = time.perf_counter()
    for _ in range(12):
        np.sort(X, axis=0).cumsum(axis=0)
        X.T @ X
    words: dict[int, float] = {}
    for i in range(2_000_000):
        words[i % 997] = words.get(i % 997, 0.0) + y[i % 1000]
    return time.perf_counter() - start


def machine() -> str:
    """Return what the figures were measured on, in words."""
    names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else []
    name = names[0] if names else platform.machine()
    return f"{os.cpu_count()} cores of {'an' if name[0] in 'AEIO' else 'a'} {name}"


def commit() -> str:
    """Return the commit that is measured, with a ``+`` where the tree differs from it."""

    def git(*command: str) -> str:
        return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    written = (":!README.md", ":!tests/benchmarks/kept.json")  # by the benchmarks themselves
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *written)
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


class Figures:
    """Prints each figure as it is known: the median of its values, against its aim and what is kept."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        self.measured: dict[str, dict[str, Any]] = {}
        self.missed: list[str] = []
        self.worse: list[str] = []
        self._of = {"on": dt.date.today().isoformat(), "commit": commit(), "machine": machine()}
        self._reference = 1.0
        print(f"{machine()}, load {load()} (other work on the machine falsifies all that follows)")

    def title(self, text: str) -> None:
        """Begin a part: time the reference workload."""
        self._reference = statistics.median(reference() for _ in range(3))
        print(f"\n{text}   [load {load()}; reference {self._reference:.2f} s]", flush=True)

    def add(
        self, name: str, values: list[float], unit: str = "", most: float | None = None, least: float | None = None
    ) -> None:
        """Note a figure; less is better, unless it has a `least`."""
        values = [float(value) for value in values]
        median = statistics.median(values)
        aim = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else ""
        fine = (most is None or median <= most) and (least is None or median >= least)
        compared = median / self._reference if unit in ("s", "ms") else median
        self.measured[name] = {
            "median": round(median, 4),
            "range": [round(min(values), 4), round(max(values), 4)],
            "times": len(values),
            "unit": unit,
            "aim": f"{aim} {unit}".strip() if aim else "",
            "met": fine,
            "compared": round(compared, 4),
            **self._of,
        }
        before = self.kept.get(name, {}).get("compared")
        change = (before / compared if least is not None else compared / before) if before and compared else 1.0
        worse = bool(aim) and change > WORSE  # what has no aim stands beside those that have
        if worse:
            self.worse.append(f"{name}: {median:.3g} {unit}, {change:.2f} times worse than kept")
        if not fine:
            self.missed.append(name)
        verdict = ("" if not aim else "ok" if fine else "MISSED") + (" WORSE" if worse else "")
        spread = f"{min(values):.3g}..{max(values):.3g}" if len(values) > 1 else ""
        print(f"  {name:76s} {median:9.3f} {unit:4s} {aim:14s} {verdict:8s}{spread}", flush=True)

    def keep(self, accept: bool) -> None:
        """Keep what was measured and write the README's table; what became worse by a third only if accepted."""
        told = {line.split(":")[0] for line in self.worse} if not accept else set()
        self.kept |= {name: figure for name, figure in self.measured.items() if name not in told}
        KEPT.write_text(json.dumps(self.kept, indent=1) + "\n")
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        readme.write_text(replaced(text, self.kept), encoding="utf-8")


def replaced(text: str, kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the README with its table of figures as they are kept."""
    first, last = (text.index(mark) for mark in MARKS)
    return text[: first + len(MARKS[0])] + "\n" + table(kept) + "\n" + text[last:]


def table(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures that have an aim as a Markdown table, and where and when they were measured."""
    lines = ["| | median (range) | aim |", "|---|---|---|"]
    shown = {name: figure for name, figure in kept.items() if figure["aim"]}
    for name, figure in shown.items():
        low, high = figure["range"]
        spread = f" ({_short(low)} to {_short(high)})" if figure["times"] > 1 else ""
        value = f"{_short(figure['median'])}{spread} {figure['unit']}".strip()
        lines.append(f"| {name} | {value} | {figure['aim']}{'' if figure['met'] else ': missed'} |")
    where = sorted({(f["on"], f["commit"], f["machine"]) for f in shown.values()})
    told = "; ".join(f"{on} at {commit} on {machine}" for on, commit, machine in where)
    return "\n".join([*lines, "", f"Measured {told}."])


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bench(parts: Mapping[str, Part], doc: str | None) -> None:
    """Run parts of the benchmarks, as the command line asks."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of everything, and each once; nothing is kept")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--only", help=f"parts, separated by commas: {', '.join(parts)}", default=",".join(parts))
    parser.add_argument("--accept", action="store_true", help="keep also what became worse by a third")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := [name for name in wanted if name not in parts]:
        parser.error(f"no part {unknown[0]!r}; the parts are {', '.join(parts)}")
    repeats = options.repeats or (1 if options.quick else 3)
    figures = Figures()
    for name in wanted:
        parts[name](figures, repeats, options.quick)
        if not options.quick:
            figures.keep(options.accept)
    print(f"\nmissed: {', '.join(figures.missed) or 'none'}")
    for line in figures.worse:
        print(f"WORSE: {line}")
    if figures.worse and not options.accept:
        sys.exit("kept as it was; mend it, or take it as it is with --accept")
