"""How much of the machine a run gets, and what it costs beside the fits: ratios measured in one run.

What is compared is measured in turn, A B A B, and the medians of neighbours' ratios are printed. A machine that
is busy with other work gives figures of no worth; the load is printed with them.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figures, bench
from measure import HERE, fresh_home, plain, quorate_run, wall

import quorate
from quorate.execution.progress import Progress

NASDAQ, GRID = HERE / "bench_nasdaq.toml", HERE / "grid.toml"
CORES = 2


def fit_stage(executor: Any, *sets: str) -> tuple[float, float]:
    """Return wall and summed processor seconds of the fits of a run in this process."""
    with fresh_home() as home:
        told = quorate.run(NASDAQ, home=home, overrides=sets, executor=executor).telemetry
    return told["stages"]["fits"], sum(told["fit_cpu_seconds"].values())


def bare(parts: int, *sets: str) -> float:
    """Return the wall seconds of bare processes that fit the same."""
    command = [sys.executable, str(HERE / "bare_fits.py"), str(NASDAQ)]
    started = [
        subprocess.Popen(
            [*command, str(part), str(parts), *sets], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for part in range(parts)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    seconds = []
    start = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
        seconds.append(time.perf_counter() - start)
        process.wait()
    return max(seconds)


def bench_ray(figures: Figures, repeats: int, quick: bool) -> None:
    figures.title("fit stage of bench_nasdaq.toml, Ray already up")
    sets = ["folds.test=400"] if quick else []
    few = ["folds.test=400"] if quick else ["folds.test=200"]
    with quorate.executor("ray", CORES) as two:
        fit_stage(two, "folds.test=2000")  # the workers have imported what they need
        stages = [fit_stage(two, *sets) for _ in range(repeats)]
        figures.add(
            "280 fits on Ray (7 models, 40 folds): wall over processor seconds per core",
            [w * CORES / c for w, c in stages],
            most=1.15,
        )
        figures.add("  fit stage", [w for w, _ in stages], "s")
        figures.add("  processor seconds of the fits", [c for _, c in stages], "s")
    ratios, ours, theirs = [], [], []
    for _ in range(repeats):
        one_two = []
        for workers in (1, 2):
            with quorate.executor("ray", workers) as executor:
                fit_stage(executor, "folds.test=2000")
                one_two.append(fit_stage(executor, *few)[0])
        bare_one_two = [bare(parts, *few) for parts in (1, 2)]
        ours.append(one_two[0] / one_two[1])
        theirs.append(bare_one_two[0] / bare_one_two[1])
        ratios.append(ours[-1] / theirs[-1])
    figures.add("speed-up of 2 workers of Ray over that of 2 bare processes", ratios, least=0.95)
    figures.add("  2 workers against 1", ours)
    figures.add("  2 bare processes against 1", theirs)


def check_equal(home: Path, predictions: Path) -> str:
    """Say whether the script's predictions are those of the run, bit for bit, and its Sharpe ratios alike."""
    report = quorate.load_report(home=home)
    plain_ones = np.load(predictions)
    members = [name for name in plain_ones if not name.startswith("sharpe/")]
    other = [m for m in members if not np.array_equal(report.predictions[f"member/{m}"].to_numpy(), plain_ones[m])]
    if other:
        raise SystemExit(f"other predictions than the plain script: {', '.join(other)}")
    series = {s["name"]: s["metrics"]["sharpe"] for s in reversed(report.results["development"]["series"])}
    apart = max(abs(float(plain_ones[f"sharpe/{m}"]) - (series[m] or np.nan)) for m in members if series[m])
    return f"{len(members)} members predict the same, bit for bit; Sharpe ratios differ by {apart:.4f} at most"


def bench_plain(figures: Figures, repeats: int, quick: bool) -> None:
    figures.title("bench_nasdaq.toml from cold start to report, against plain scripts")
    first, sets = (["--first", "4000"], ["folds.initial=4000"]) if quick else ([], [])
    rows = []
    for _ in range(repeats):
        with fresh_home() as home:
            out = home.parent / "plain.npz"
            one = plain("plain_nasdaq.py", *first, "--out", out)
            ours, report = quorate_run(NASDAQ, home, *sets)
            two = plain("plain_nasdaq.py", *first, "--jobs", "2")
            threads = plain("plain_nasdaq.py", *first, "--threads", "2")
            told = check_equal(home, out)
            rows.append((one, ours, two, threads, report["telemetry"]))
    print(f"  {told}; executor {rows[-1][-1]['executor']}")
    floors = [sum(row[4]["fit_cpu_seconds"].values()) / CORES for row in rows]
    figures.add(
        "280 fits, from cold start to report: wall over processor seconds of the fits per core",
        [row[1] / floor for row, floor in zip(rows, floors, strict=True)],
        most=1.08,
    )
    figures.add(
        "280 fits: a plain scikit-learn and vectorbt script over `quorate run`", [r[0] / r[1] for r in rows], least=1.7
    )
    figures.add(
        "280 fits: the same script with joblib on 2 processes over `quorate run`",
        [r[2] / r[1] for r in rows],
        least=1.2,
    )
    figures.add("  280 fits: plain script, two threads in every fit / quorate run", [row[3] / row[1] for row in rows])
    for k, name in enumerate(("plain script", "quorate run", "plain script, joblib", "plain script, two threads")):
        figures.add(f"  280 fits: {name}", [row[k] for row in rows], "s")


def bench_grid(figures: Figures, repeats: int, quick: bool) -> None:
    figures.title("grid.toml: 16 regressions x 10 thresholds, 2,201 bars, 5 folds, from a fresh process to the report")
    ours, theirs, joblib = [], [], []
    for _ in range(repeats):
        with fresh_home() as home:
            out = home.parent / "plain.npz"
            seconds, report = quorate_run(GRID, home)
            ours.append(seconds)
            theirs.append(plain("plain_grid.py", "--out", out))
            joblib.append(plain("plain_grid.py", "--jobs", "2"))
            told = check_equal(home, out)
    print(f"  {told}; executor {report['telemetry']['executor']}")
    figures.add("16 models x 10 thresholds on 2,201 bars, from a fresh process to the report", ours, "s", most=20)
    figures.add(
        "16 x 10: a plain script with joblib on 2 processes over `quorate run`",
        [script / run for script, run in zip(joblib, ours, strict=True)],
        least=1.25,
    )
    figures.add("16 x 10: fits per fold", [report["telemetry"]["fits"] / 5], most=16)
    figures.add("  16 x 10: plain script", theirs, "s")
    figures.add("  16 x 10: plain script, joblib", joblib, "s")


def bench_again(figures: Figures, repeats: int, quick: bool) -> None:
    figures.title("bench_nasdaq.toml again in the same home")
    sets = ["folds.initial=4000"] if quick else []
    extra = "models.extra={plugin = 'xgboost', n_estimators = 200, max_depth = %d}"
    with fresh_home() as home, quorate.executor("processes", CORES) as executor:
        quorate.run(NASDAQ, home=home, overrides=sets, executor=executor)
        again, computed, beyond, whole = [], 0, [], []
        for k in range(max(repeats, 3)):
            start = time.perf_counter()
            told = quorate.run(NASDAQ, home=home, overrides=sets, executor=executor).telemetry
            again.append(time.perf_counter() - start)
            computed += told["fits"] - told["cached"]
            start = time.perf_counter()
            report = quorate.run(NASDAQ, home=home, overrides=[*sets, extra % (4 + k)], executor=executor)
            seconds = time.perf_counter() - start
            fits = report.fits[~report.fits["cached"]]
            assert set(fits["model"]) == {"extra"}
            beyond.append(seconds - float(fits["seconds"].sum()) / CORES)
            whole.append(quorate_run(NASDAQ, home, *sets)[0])
    figures.add("280 fits again, nothing changed, after imports", again, "s", most=3)
    figures.add("280 fits again: fits that were computed", [computed], most=0)
    figures.add("one model added to 280 fits: time beyond its own fits", beyond, "s", most=3)
    figures.add("  nothing changed, whole process with its imports", whole, "s")


class Memory(Progress):
    """Notes this process's resident memory at some numbers of fits."""

    def __init__(self, at: tuple[int, ...]) -> None:
        self.count, self.at, self.mib = 0, at, []

    def fitted(self, result: Any) -> None:
        self.count += 1
        if self.count in self.at:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.mib.append(pages * 4096 / 2**20)


def bench_empty(figures: Figures, repeats: int, quick: bool) -> None:
    folds = 100 if quick else 500
    total = 20 * folds
    figures.title(f"{total:,} empty fits on the local Ray")
    recipe = {
        "name": "empty",
        "data": {"source": "bundled"},
        "holdout": {"start": dt.date(2018, 11, 14)},
        "features": {"use": ["return_1", "return_5"]},
        "folds": {"initial": 1000, "test": 4000 // folds},
        "ensemble": {"method": "mean", "compare": []},
        "strategy": {"compare": []},
    }
    stage, end_to_end, grown = [], [], []
    for _ in range(repeats):
        with fresh_home() as home:
            memory = Memory((total // 5, total))
            start = time.perf_counter()
            with quorate.executor("ray", CORES) as executor:
                report = quorate.run(
                    recipe, home=home, plugins=[HERE / "empty_models.py"], executor=executor, progress=memory
                )
            seconds = time.perf_counter() - start
        stage.append(1e3 * report.telemetry["stages"]["fits"] / total)
        end_to_end.append(1e3 * seconds / total)
        grown.append(memory.mib[1] - memory.mib[0])
    figures.add("  per empty fit, fit stage", stage, "ms")
    figures.add(f"{total:,} empty fits on a local Ray, each, end to end", end_to_end, "ms", most=4)
    figures.add(f"memory of the driver from the {total // 5:,}th to the {total:,}th of them", grown, "MiB", most=64)


def bench_start(figures: Figures, repeats: int, quick: bool) -> None:
    figures.title("the smallest run, as a whole process: what an executor costs")
    sets = ["data.n_bars=1400", "models.lightgbm=false", "models.gradient-boosting=false"]
    seconds: dict[str, list[float]] = {"serial": [], "processes": [], "ray": [], "auto": []}
    for _ in range(repeats):
        for name, values in seconds.items():
            with fresh_home() as home:
                values.append(quorate_run("planted", home, *sets, f"execution.executor={name}")[0])
    for name, values in seconds.items():
        figures.add(f"  the smallest run, {name}", values, "s")
    figures.add("  importing what a run imports", [imports() for _ in range(repeats)], "s")


def imports() -> float:
    names = (
        "quorate.runs.run, quorate.walkforward.layout, vectorbt, duckdb, scipy.stats, statsmodels.stats.proportion, "
        "arch.bootstrap"
    )
    return wall(sys.executable, "-c", f"import {names}")[0]


PARTS = {
    "start": bench_start,
    "grid": bench_grid,
    "again": bench_again,
    "empty": bench_empty,
    "ray": bench_ray,
    "plain": bench_plain,
}


if __name__ == "__main__":
    bench(PARTS, __doc__)
