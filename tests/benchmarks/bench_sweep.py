"""Sweeps: what they cost beside their fits, against Optuna's own loop, and what racing saves."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

from figures import Figures, bench
from measure import HERE, QUORATE, fresh_home, wall

CORES = 2
TUNED = 20  # trials of Ray Tune, which takes seconds of overhead for each
FIRST, TRIALS, FOLDS = 3500, 160, 8  # bars before the walk-forward; fits that take more than two minutes on one core


def sweep(home: object, trials: int, *sets: str) -> dict[str, object]:
    """Return the report of a sweep of LightGBM on nasdaq."""
    given = (f"folds.initial={FIRST}", f"tuning.folds={FOLDS}", *sets)
    options = [part for item in given for part in ("--set", item)]
    command = (QUORATE, "sweep", "nasdaq", "--model", "lightgbm", "--trials", str(trials), "--home", home, "--json")
    return json.loads(wall(*command, *options)[1])


def script(trials: int, *more: str) -> float:
    """Return the seconds that a plain script takes for as many trials."""
    command = (sys.executable, HERE / "plain_sweep.py", str(FIRST), str(trials), str(FOLDS), *more)
    return float(wall(*command, environment={"OMP_NUM_THREADS": "1"})[1].split()[-2])


def bench_sweep(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the trials from the first to the last, and a plain script that fits as much."""
    trials = 10 if quick else TRIALS
    figures.title(f"{trials} trials x {FOLDS} folds of LightGBM on nasdaq")
    ours, floors, idle, saved, plain, tuned, gains = [], [], [], [], [], [], []
    for _ in range(repeats):
        with fresh_home() as home:
            report = sweep(home, trials, "tuning.pruner=none")
        told = report["telemetry"]
        ours.append(told["stages"]["trials"])
        floors.append(told["stages"]["trials"] * CORES / told["fit_cpu_seconds"])
        idle.append((told["stages"]["trials"] - told["fit_cpu_seconds"] / CORES) / trials)
        plain.append(script(trials))
        if find_spec("tensorboardX") and find_spec("pyarrow"):  # what ray[tune] brings
            few = min(trials, TUNED)
            tuned.append((script(few, "tune") / few) / (ours[-1] / trials))
        with fresh_home() as home:
            raced = sweep(home, trials)
        saved.append(told["fits"] / raced["telemetry"]["fits"])
        whole, fewer = (one["searches"]["lightgbm"] for one in (report, raced))
        gains.append(
            (fewer["best"]["value"] - whole["best"]["value"]) / (whole["own"]["value"] - whole["best"]["value"])
        )
    figures.add(f"{trials} x {FOLDS} fits of a sweep: wall over processor seconds per core", floors, most=1.15)
    figures.add(
        "Optuna's `optimize` on 2 threads over the same sweep",
        [a / b for a, b in zip(plain, ours, strict=True)],
        least=1,
    )
    if tuned:
        figures.add(
            f"Ray Tune with OptunaSearch, {TUNED} trials, seconds of each over those of the sweep", tuned, least=3
        )
    figures.add("  not overlapped with fits, of each trial", idle, "s", most=0.01)
    figures.add("fits without racing over fits with it", saved, least=2)
    figures.add("  share of the gain that racing lost", gains)
    figures.add("  trials, from the first to the last", ours, "s")


PARTS = {"sweep": bench_sweep}

if __name__ == "__main__":
    bench(PARTS, __doc__)
