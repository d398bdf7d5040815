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
    gru = {"hidden": 32, "lookback": 30, "epochs": 4, "patience": 0, "dropout": 0.1, "seeds": seeds}
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


def timed(what: Callable[[Path], float], by_itself: bool) -> float:
    """Return the seconds that something told of itself, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder, alone(by_itself):
        return what(Path(folder, "home"))


def sweep(home: Path, **tuning: Any) -> float:
    """Return the seconds from a sweep's first trial to its last, of learning rate and dropout."""
    others = dict.fromkeys(("lookback", "hidden", "layers", "direction_penalty", "batch_size", "epochs"), False)
    rate = {"low": 1e-4, "high": 1e-2, "log": True}
    space = {"gru": {**others, "learning_rate": rate, "dropout": [0.0, 0.5]}}
    found = quorate.sweep(recipe(space=space, **tuning), home=home)
    return float(found.document["telemetry"]["stages"]["trials"])


def fits(home: Path, seeds: int) -> float:
    """Return the seconds that the fits of a run take."""
    document = quorate.run(recipe(seeds), home=home).document
    return float(document["telemetry"]["stages"]["fits"])


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    for what, ways in (
        (f"{TRIALS} trials x {FOLDS} folds, none stopped: alone over together", (sweep,)),
        ("the same, trials race", (lambda home: sweep(home, pruner="race"),)),
        ("5 seeds over 1, together", (lambda home: fits(home, 5), lambda home: fits(home, 1))),
        ("5 seeds: alone over together", (lambda home: fits(home, 5),)),
    ):
        ratios, seconds = [], []
        for _ in range(turns):
            if len(ways) == 2:
                first, second = (timed(way, False) for way in ways)
            else:
                first, second = timed(ways[0], True), timed(ways[0], False)
            ratios.append(first / second)
            seconds.append(second)
        told = f"{min(ratios):.2f} to {max(ratios):.2f}; the latter {statistics.median(seconds):.1f} s"
        print(f"{what}: {statistics.median(ratios):.2f} ({told})", flush=True)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s in all")
