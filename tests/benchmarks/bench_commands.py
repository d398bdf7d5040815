"""Whole processes: the command line's start, the nasdaq recipe from nothing to its report and again, and its audit."""

from __future__ import annotations

import shutil
import sys

from figures import Figures, bench
from measure import QUORATE, fresh_home, quorate_run, wall

from quorate.recipe.canonical import digest
from quorate.store import Home, Run

STARTS = {"--help": 0.1, "plugins": 0.35, "runs": 0.4, "gate": 0.5, "report": 0.6}  # seconds on a quiet machine

RUNS = 200
STATEMENTS = {  # and seconds on a quiet machine
    "select run, recipe, verdict, sharpe from runs": 1.0,
    "select gate, count(*) from gates group by gate": 1.0,
    "select run, max(sharpe) from metrics group by run": 1.0,
    "select run, count(*) from folds group by run": 1.0,
    "select run, avg(pnl) from trades group by run": 1.0,
    "select run, median(naive) from predictions group by run": 1.1,
}


def bench_start_up(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the commands that compute nothing."""
    figures.title("commands that compute nothing, as whole processes")
    times = 3 if quick else 9
    with fresh_home() as home:
        quorate_run("planted", home)
        for command, limit in STARTS.items():
            given = () if command in ("--help", "plugins") else ("--home", home)
            wall(QUORATE, command, *given)
            figures.add(
                f"`quorate {command}`", [wall(QUORATE, command, *given)[0] for _ in range(times)], "s", most=limit
            )
    figures.add("an interpreter that does nothing", [wall(sys.executable, "-c", "pass")[0] for _ in range(times)], "s")


def bench_sql(figures: Figures, repeats: int, quick: bool) -> None:
    """Time statements over a home of 200 runs."""
    figures.title(f"quorate sql over {RUNS} runs of planted, as whole processes")
    with fresh_home() as home:
        quorate_run("planted", home)
        (first,) = Home(home).runs()
        report, begun = first.report(), first.begun()
        for number in range(RUNS - 1):
            run = Run(Home(home), f"{first.id}-{number:03d}")
            shutil.copytree(first.path, run.path)
            report["provenance"]["run"] = run.id
            del report["seal"]
            report["seal"] = digest(report)
            run.write_report(report)
            run.write_begun({**begun, "run": run.id})
        for statement, most in STATEMENTS.items():
            told = [wall(QUORATE, "sql", statement, "--home", home)[0] for _ in range(3 if quick else 9)]
            figures.add(f'`quorate sql "{statement}"`', told, "s", most=most)


def bench_nasdaq(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the bundled recipe in a new home, and again in the same."""
    figures.title("quorate run nasdaq, as a whole process")
    first, beyond, again, evidence, fits = [], [], [], [], 0
    for _ in range(max(repeats, 1)):
        with fresh_home() as home:
            seconds, report = quorate_run("nasdaq", home)
            told = report["telemetry"]
            first.append(seconds)
            beyond.append(seconds - told["stages"]["fits"])
            evidence.append(told["stages"]["evidence"])
            for _ in range(1 if quick else 2):
                seconds, report = quorate_run("nasdaq", home)
                again.append(seconds)
                fits += report["telemetry"]["fits"] - report["telemetry"]["cached"]
    figures.add("`quorate run nasdaq` in a new home", first, "s", most=60)
    figures.add("`quorate run nasdaq` in a new home, beyond its fits", beyond, "s", most=4)
    figures.add("`quorate run nasdaq` again", again, "s", most=4.2)
    figures.add("fits of `quorate run nasdaq` again", [fits], most=0)
    figures.add("evidence of `quorate run nasdaq`", evidence, "s", most=5)


def bench_audit(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the full audit of the bundled recipe."""
    figures.title("quorate audit nasdaq, as a whole process, nothing kept")
    with fresh_home() as home:
        command = (QUORATE, "audit", "nasdaq", "--json", "--home", home, "--set", "execution.cache=false")
        figures.add("`quorate audit nasdaq`", [wall(*command)[0]], "s", most=60)


PARTS = {"start-up": bench_start_up, "sql": bench_sql, "nasdaq": bench_nasdaq, "audit": bench_audit}

if __name__ == "__main__":
    bench(PARTS, __doc__)
