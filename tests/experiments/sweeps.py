"""Whether sweeps keep their word: nothing is found in noise, and racing loses little of what there is.

    python tests/experiments/sweeps.py noise [--seeds 20] [--whole]
    python tests/experiments/sweeps.py racing [--orders 20]
    python tests/experiments/sweeps.py kills [--kills 12]

`noise` tunes models of markets without a signal and counts how often tuning is said to have helped; with `--whole`
the recipe as a whole, by its Sharpe ratio. `kills` strikes the driver of a sweep with kill -9 at random moments,
resumes it, and compares it with one that nothing happened to. `racing` fits 50
configurations of LightGBM on every inner fold of three markets, replays searches over the stored losses in random
orders with racing and without, and prints fits saved and the share lost of what the best gains over the default.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tomli_w

import quorate
from quorate.execution.task import fit_seed
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.store import Home
from quorate.sweeps.inner import inner_walk, windows_of
from quorate.sweeps.losses import fold_loss
from quorate.sweeps.pruning import stops_of
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.search import Rules, Search
from quorate.sweeps.space import space_of
from quorate.sweeps.trial import REFERENCE, Trial
from quorate.sweeps.verdict import with_params

FOLDS, CONFIGURATIONS = 8, 50
LEVELS = (0.02, 0.05, 0.1)
MARKETS = {
    "nasdaq": ("nasdaq", ["folds.initial=2500"]),
    "sp500": ("nasdaq", ['data.dataset="sp500"', "folds.initial=2500"]),
    "planted": ("planted", ["data.signal=0.1", "folds.initial=2500"]),
}


WHOLE = {
    "objective": "sharpe",
    "models": ["logistic"],
    "space": {"ensemble.method": ["mean", "past-performance"], "strategy.risk.stop": {"low": 0.0, "high": 0.1}},
}


def noise(seeds: int, whole: bool) -> None:
    """Tune two models, or a recipe as a whole, on markets without a signal."""
    gains, said, kept = [], 0, 0
    for seed in range(seeds):
        recipe = {
            "name": "noise-swept",
            "data": {"source": "simulated", "signal": 0.0, "n_bars": 1800, "seed": seed},
            "holdout": {"bars": 0},
            "folds": {"initial": 900, "test": 150},
            "models": {"logistic": {}, "lightgbm": {}},
            "tuning": {"trials": 20, **(WHOLE if whole else {})},
        }
        with tempfile.TemporaryDirectory() as home:
            found = quorate.sweep(recipe, home=home)
        verdicts = found.verdicts
        said += bool(verdicts["helped"].any())
        kept += int((verdicts["kept"] == "tuned").sum())
        verdicts = verdicts.astype(dict.fromkeys(("tuned", "own", "constant"), float))
        sign = np.where(verdicts["higher"], -1, 1)
        gains.append([sign * (verdicts[other] - verdicts["tuned"]) for other in ("own", "constant")])
        print(seed, found.document["sentences"][0], flush=True)
    values = np.array(gains)
    for j, model in enumerate(verdicts.index):
        for k, against in enumerate(("own", "constant")):
            known = values[np.isfinite(values[:, k, j]), k, j]
            mean, error = known.mean(), known.std(ddof=1) / np.sqrt(len(known))
            print(f"{model}: gain over {against} {mean:+.5f} +- {error:.5f}")
    print(f"said to have helped: {said} of {seeds}; kept: {kept} of {values.shape[2] * seeds}")


KILLED = {
    "name": "killed",
    "data": {"source": "simulated", "n_bars": 1500, "signal": 0.2},
    "folds": {"initial": 900, "test": 150},
    "models": {"logistic": {}, "lightgbm": {}},
    "execution": {"executor": "processes", "workers": 2},
    "tuning": {"trials": 30},
}


def kills(number: int) -> None:
    """Kill sweeps at random moments, and resume them."""
    quorate_command = Path(sys.executable).with_name("quorate")
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "killed.toml"
        recipe.write_text(tomli_w.dumps(KILLED))
        began = time.monotonic()
        reference = essence(quorate.sweep(recipe, home=Path(folder) / "reference"))
        took = time.monotonic() - began
        same = resumed = 0
        for kill in range(number):
            home = Path(folder) / str(kill)
            at = float(rng.uniform(0.2, took))
            process = subprocess.Popen(
                [quorate_command, "sweep", recipe, "--home", home],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            time.sleep(at)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            sweeps = Home(home).runs("sweep") if home.exists() else []
            resumed += bool(sweeps and sweeps[0].state != "finished")
            if not sweeps or not (sweeps[0].path / "run.json").exists():
                print(f"killed after {at:.1f} s, before anything was stored", flush=True)
                found = quorate.sweep(recipe, home=home)
            else:
                found = quorate.resume_sweep(sweeps[0].id, home=home)
            again = essence(found) == reference
            same += again
            print(f"killed after {at:.1f} s: {'the same' if again else 'ANOTHER RESULT'}", flush=True)
    print(f"{number} kills, {resumed} of them resumed: {same} ended as if nothing had happened")


def essence(sweep: quorate.Sweep) -> object:
    """Return what must not depend on a kill."""
    searches = json.loads(json.dumps(sweep.document["searches"]))
    for found in searches.values():
        for trial in found["trials"]:
            del trial["cpu_seconds"]
    return searches, sweep.document["sentences"]


class Stored:
    """A study that keeps nothing."""

    owner = ""

    def __init__(self, space: object) -> None:
        self.space, self.trials = space, []

    def add(self, trial: Trial) -> None:
        self.trials.append(trial)

    def tell(self, trial: Trial) -> None:
        pass


def losses_of(market: str) -> tuple[list[dict], list[list], list]:
    """Return configurations and their losses by fold, and those of the default."""
    recipe, overrides = MARKETS[market]
    session = open_session(recipe, overrides=overrides)
    bars = load_bars(session)
    [window] = windows_of(session.recipe, session.registry, bars, ["lightgbm"])
    walk = inner_walk(session.recipe, session.registry, window, ["lightgbm"], None)
    options = session.recipe.models["lightgbm"].options
    space = space_of(walk.members["lightgbm"], {}, options, "lightgbm")
    seed = fit_seed(7, market)
    sampler = Sampler(session.registry.get(quorate.SamplerSpec, "random"), {})
    params = [sampler.suggest(space, [], [], number, seed) for number in range(CONFIGURATIONS - 1)]
    found = []
    with session.fitting(cache=False) as fitting:
        for some in ({}, *params):
            one = SimpleNamespace(**{**vars(walk), "recipe": with_params(walk.recipe, {"lightgbm": some})})
            one.voting = walk.voting
            results = fitting.run(one, walk.folds)
            found.append(
                [fold_loss(r, walk.dataset, f, walk.binary, 1) for r, f in zip(results, walk.folds, strict=True)]
            )
    return params, found[1:], found[0]


def replayed(turn: list[dict], table: dict[str, list], own: list, level: float) -> tuple[float, float, int]:
    """Return the best loss that a search over stored losses finds, that of the default, and how many fits it took."""
    sampler: Any = SimpleNamespace(suggest=lambda space, known, running, number, seed: turn[number])
    stops = stops_of("race" if level else "none", level, FOLDS)
    search = Search(Stored({}), Trial(REFERENCE, {}), Rules(len(turn), FOLDS, sampler, 0, stops, 0), print_not)
    fits = 0
    while (place := next(search.wanted(), None)) is not None:
        number, fold = place
        fits += 1
        search.put(number, fold, own[fold] if number < 0 else table[repr(turn[number])][fold])
    return search.best.value, search.reference.value, fits


def racing(orders: int) -> None:
    """Replay searches over stored losses."""
    markets = {market: losses_of(market) for market in MARKETS}
    for level in LEVELS:
        every = []
        for market, (params, losses, own) in markets.items():
            table = {repr(p): folds for p, folds in zip(params, losses, strict=True)}
            saved, lost = [], []
            for order in range(orders):
                turn = [params[i] for i in np.random.default_rng(order).permutation(len(params))]
                best, default, fits = replayed(turn, table, own, 0.0)
                raced, _, fewer = replayed(turn, table, own, level)
                saved.append(fits / fewer)
                lost.append((raced - best) / (default - best) if default > best else 0.0)
            every += lost
            told = (
                f"{np.mean(saved):.2f} times fewer fits; lost {np.mean(lost):.2%} in the mean, {max(lost):.2%} at most"
            )
            print(f"level {level:g}, {market}: {told}", flush=True)
        print(f"level {level:g}: lost {np.mean(every):.2%} in the mean, {max(every):.2%} at most")


def print_not(trial: Trial) -> None:
    """Hear of a trial."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["noise", "racing", "kills"])
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--orders", type=int, default=20)
    options = parser.parse_args()
    if options.part == "noise":
        noise(options.seeds, options.whole)
    elif options.part == "kills":
        kills(options.kills)
    else:
        racing(options.orders)


if __name__ == "__main__":
    main()
