"""Networks that train together, as ratios within one run: the trials of a sweep, and five seeds.

Fits are made alone and together, in turns: a busy neighbour slows both, and medians of the turns count.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import quorate
from quorate.walkforward import members

TRIALS, FOLDS = 8, 5


def recipe(seeds: int = 1, **tuning: Any) -> dict[str, Any]:
    """Return a recipe of a GRU."""
    gru = {"hidden": 32, "lookback": 30, "epochs": 8, "patience": 0, "dropout": 0.1, "seeds": seeds}
    return {
        "name": "stacks",
        "data": {"source": "simulated", "n_bars": 1500},
        "holdout": {"bars": 0},
        "labels": {"name": "return"},
        "features": {"use": ["return_1", "return_5", "rsi_14"]},
        "folds": {"splitter": "expanding", "initial": 1000, "test": 100},
        "models": {"gru": gru},
        "tuning": {"trials": TRIALS, "folds": FOLDS, "pruner": "none", **tuning},
        "execution": {"executor": "serial"},
    }


@contextmanager
def alone(wanted: bool) -> Iterator[None]:
    """Have fits made one by one, if that is wanted."""
    from quorate.sweeps import subject, whole

    plain = members.fit_tasks

    def tasks(*args: Any) -> Any:
        return [replace(task, together=task.together and not wanted) for task in plain(*args)]

    for module in (members, subject, whole):
        module.fit_tasks = tasks  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in (members, subject, whole):
            module.fit_tasks = plain  # type: ignore[attr-defined]


Took = tuple[float, float]  # wall and processor seconds


def timed(what: Callable[[Path], Took], by_itself: bool) -> Took:
    """Return what something took, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder, alone(by_itself):
        return what(Path(folder, "home"))


def sweep(home: Path, **tuning: Any) -> Took:
    """Return what the trials of a sweep take, of learning rate and dropout."""
    others = dict.fromkeys(("lookback", "hidden", "layers", "direction_penalty", "batch_size", "epochs"), False)
    rate = {"low": 1e-4, "high": 1e-2, "log": True}
    space = {"gru": {**others, "learning_rate": rate, "dropout": [0.0, 0.5]}}
    told = quorate.sweep(recipe(space=space, **tuning), home=home).document["telemetry"]
    return float(told["stages"]["trials"]), float(told["fit_cpu_seconds"])


def fits(home: Path, seeds: int) -> Took:
    """Return what the fits of a run take."""
    told = quorate.run(recipe(seeds), home=home).document["telemetry"]
    return float(told["stages"]["fits"]), float(told["fit_cpu_seconds"]["gru"])


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns

    def race(home: Path) -> Took:
        return sweep(home, pruner="race")

    def five(home: Path) -> Took:
        return fits(home, 5)

    def one(home: Path) -> Took:
        return fits(home, 1)

    for what, first, second in (
        (f"{TRIALS} trials x {FOLDS} folds, alone over together", (sweep, True), (sweep, False)),
        ("the same where trials race", (race, True), (race, False)),
        ("5 seeds, alone over together", (five, True), (five, False)),
        ("5 seeds over 1, together", (five, False), (one, False)),
    ):
        pairs = [(timed(*first), timed(*second)) for _ in range(turns)]
        for k, unit in enumerate(("wall", "processor")):
            ratios = [before[k] / after[k] for before, after in pairs]
            told = f"{min(ratios):.2f} to {max(ratios):.2f}, the latter {pairs[-1][1][k]:.1f} s"
            print(f"{what}, {unit} time: {statistics.median(ratios):.2f} ({told})", flush=True)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s in all")
