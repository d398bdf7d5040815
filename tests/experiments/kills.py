"""Kill -9 at random moments: does `quorate resume` finish the run as if nothing had happened?

    python tests/experiments/kills.py [--kills 30] [--seed 1] [--only ray-node]

One undisturbed run per kind of executor is the reference. Then, again and again, a run is started in a home of its
own, and at a random moment one of its processes is killed: the driver, a worker, or a node of Ray (its raylet). If the
run did not finish, `quorate resume` finishes it. Its results must have the digest of the reference, its predictions
the same bytes, and no fit that was finished may have been computed again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUORATE = str(Path(sys.executable).with_name("quorate"))
RECIPE = Path(__file__).with_name("kills.toml")
LIMIT = 900.0  # seconds for any one process
# What is killed, and how often in ten times. In "cluster" the node killed is not the one that the driver joined.
KINDS = {
    "processes-driver": 2,
    "processes-worker": 2,
    "ray-driver": 2,
    "ray-worker": 1,
    "ray-node": 1,
    "cluster-driver": 1,
    "cluster-node": 1,
}


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run gave, and the seconds that it took."""

    digest: str
    predictions: str
    fits: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of one killed run.

    Parameters
    ----------
    killed : bool
        False: the run was over before.
    stage : str
        The last that the log says of the time before the kill.
    done, flying : int
        Fits that were finished at the kill, and that were handed out and not finished.
    resumed : bool
        The run had not finished by itself.
    again : int
        Fits that were computed to their end more than once: finished work that was lost.
    repeated : int
        Fits that were begun more than once.
    same : bool
        Digest and bytes are those of the reference.
    """

    kind: str
    at: float
    killed: bool
    stage: str
    done: int
    flying: int
    resumed: bool
    again: int
    repeated: int
    same: bool
    note: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost and nothing differs.

        That an idle worker was killed shows when the next fit is handed to it: that one is begun twice.
        """
        return self.same and not self.again and self.repeated <= max(self.flying, self.kind.endswith("-worker"))


def children() -> dict[int, list[int]]:
    """Return the processes of this machine by their parents."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(entry.name))
    return found


def descendants(pid: int) -> list[int]:
    """Return all that a process started, and what that started."""
    tree, found = children(), [pid]
    for one in found:
        found += tree.get(one, [])
    return found[1:]


def title(pid: int) -> str:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def named(pids: list[int], word: str) -> list[int]:
    return [pid for pid in pids if word in title(pid)]


def victims(kind: str, driver: int, home: Path) -> list[int]:
    """Return the processes that may be killed now."""
    where, _, what = kind.partition("-")
    if what == "driver":
        return [driver]
    if where == "processes":
        return named(descendants(driver), "quorate.execution.isolated")
    if where == "ray":
        below = descendants(driver)
        # Its agents are part of the node, which ends with them.
        workers = [pid for pid in named(below, "ray::") if "Agent" not in title(pid)]
        return named(below, "/raylet ") if what == "node" else workers
    second = json.loads((home / "cluster" / "cluster.json").read_text())["nodes"][-1]["pid"]
    return named(descendants(second), "/raylet ")


def events(run: Path) -> list[dict[str, Any]]:
    """Return the events of a run's log; none, if it has none yet."""
    lines = (run / "log.jsonl").read_bytes().splitlines() if (run / "log.jsonl").exists() else []
    found = []
    for line in lines:
        with suppress(ValueError):  # the line that the kill cut
            found.append(json.loads(line))
    return found


def run_folder(home: Path) -> Path | None:
    folders = sorted((home / "runs").glob("*")) if (home / "runs").is_dir() else []
    return folders[-1] if folders else None


def fits_of(log: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the fits that were computed to their end."""
    return [(e["model"], e["fold"]) for e in log if e["event"] == "fit" and not e["cached"] and not e["error"]]


def handed(log: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(model, fold) for e in log if e["event"] == "handed" for model, fold in e["fits"]]


def start(home: Path, recipe: Path, sets: list[str], log: Path) -> subprocess.Popen[bytes]:
    options = [part for item in sets for part in ("--set", item)]
    command = [QUORATE, "run", str(recipe), "--home", str(home), "--json", *options]
    with open(log, "ab") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)


def call(*command: str) -> str:
    done = subprocess.run([QUORATE, *command], capture_output=True, text=True, timeout=LIMIT)
    if done.returncode:
        raise RuntimeError(f"quorate {' '.join(command)} exited with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def result_of(run: Path) -> tuple[str, str, int]:
    """Return the digest of the results, a hash of the predictions' bytes, and the number of fits."""
    report = json.loads((run / "report.json").read_text())
    stored = (run / "development" / "predictions.parquet").read_bytes()
    return report["provenance"]["results_digest"], hashlib.sha256(stored).hexdigest(), report["telemetry"]["fits"]


def refer(home: Path, recipe: Path, sets: list[str]) -> Reference:
    """Run undisturbed."""
    began = time.monotonic()
    log = home.parent / "reference.log"
    if code := start(home, recipe, sets, log).wait(LIMIT):
        raise RuntimeError(f"the undisturbed run exited with {code}:\n{log.read_text()[-2000:]}")
    seconds = time.monotonic() - began
    run = run_folder(home)
    assert run is not None
    return Reference(*result_of(run), seconds)


def strike(
    kind: str, moment: Callable[[float, int], bool], home: Path, recipe: Path, sets: list[str], reference: Reference,
    choose: Callable[[list[int]], int] = lambda pids: pids[0],
) -> Outcome:  # fmt: skip
    """Start a run, kill one of its processes when `moment` says so, resume it, and compare.

    Parameters
    ----------
    moment : callable
        Gets the seconds since the start and the number of finished fits.
    """
    began = time.monotonic()
    driver = start(home, recipe, sets, home.parent / "killed.log")
    killed, at = False, 0.0
    while driver.poll() is None and not killed:
        at = time.monotonic() - began
        run = run_folder(home)
        # Before that there is nothing to resume: the user starts it again.
        if run is not None and (run / "run.json").exists() and moment(at, len(fits_of(events(run)))):
            for pid in [choose(pids)] if (pids := victims(kind, driver.pid, home)) else []:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed = True
        time.sleep(0.01)
    run = run_folder(home)
    assert run is not None
    before = events(run)
    driver.wait(LIMIT)
    if kind.endswith("driver") and killed:
        before = events(run)
    done = fits_of(before)
    flying = len(set(handed(before)) - set(done))
    stages = [e["name"] for e in before if e["event"] == "stage"]
    resumed, note = not (run / "report.json").exists(), ""
    if resumed and not kind.endswith("driver"):
        error = run / "error.txt"
        reason = error.read_text() if error.exists() else "it left no word"
        note = f"exit {driver.returncode}: {' '.join(reason.split())[:90]}"
    if resumed:
        address = [part for item in sets for part in ("--set", item) if item.startswith("execution.")]
        call("resume", run.name, "--home", str(home), "--json", *address)
    after = events(run)
    computed, begun = fits_of(after), handed(after)
    digest, predictions, fits = result_of(run)
    return Outcome(
        kind, at, killed, stages[-1] if stages else "", len(done), flying, resumed,
        again=len(computed) - len(set(computed)),
        repeated=len(begun) - len(set(begun)),
        same=(digest, predictions, fits) == (reference.digest, reference.predictions, reference.fits),
        note=note,
    )  # fmt: skip


@contextmanager
def cluster(home: Path) -> Iterator[list[str]]:
    """Start a cluster of two nodes and yield what sends a run there."""
    call("cluster", "up", "--nodes", "2", "--cpus-per-node", "1", "--home", str(home))
    try:
        address = json.loads((home / "cluster" / "cluster.json").read_text())["address"]
        yield ["execution.executor=ray", f"execution.address={address}"]
    finally:
        call("cluster", "down", "--home", str(home))


@contextmanager
def place(kind: str, root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield a new home and the settings of the executor; the home goes when it is left."""
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=root))
    home, where = folder / "home", kind.partition("-")[0]
    home.mkdir()
    try:
        if where == "cluster":
            with cluster(home) as sets:
                yield home, sets
        else:
            yield home, [f"execution.executor={where}", "execution.workers=2"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def line(number: int, outcome: Outcome) -> str:
    o = outcome
    verdict = "sound" if o.sound else "LOST" if o.same else "DIFFERS"
    what = f"{o.kind:17s} {o.at:6.1f} {o.stage:9s} {o.done:5d} {o.flying:7d} {o.repeated:9d} {o.again:6d}"
    return (
        f"{number:3d} {what}  {'resumed' if o.resumed else 'went on' if o.killed else 'too late':8s} {verdict} {o.note}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, action="append")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kinds = [kind for kind in options.only or KINDS for _ in range(KINDS[kind])]
    # Every kind as often as it weighs, in any order.
    plan = [kind for _ in range(options.kills // len(kinds) + 1) for kind in rng.sample(kinds, len(kinds))]
    references: dict[str, Reference] = {}
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="kills-") as root:
        for kind in dict.fromkeys(kind.partition("-")[0] for kind in plan[: options.kills]):
            with place(kind, Path(root)) as (home, sets):
                references[kind] = refer(home, options.recipe, sets)
            told = references[kind]
            print(f"{kind}: {told.fits} fits in {told.seconds:.1f} s, results {told.digest[:12]}", flush=True)
        if len({(r.digest, r.predictions) for r in references.values()}) > 1:
            sys.exit("the references differ from one another")
        print("\n    killed            at s  stage      done  flying  repeated  again           ")
        for number, kind in enumerate(plan[: options.kills], 1):
            reference = references[kind.partition("-")[0]]
            at = rng.uniform(0.05, 0.98) * reference.seconds
            choice = rng.random()
            with place(kind, Path(root)) as (home, sets):
                outcome = strike(
                    kind,
                    lambda seconds, _, at=at: seconds >= at,
                    home,
                    options.recipe,
                    sets,
                    reference,
                    lambda pids, choice=choice: pids[int(choice * len(pids))],
                )
            outcomes.append(outcome)
            print(line(number, outcome), flush=True)
    killed = [outcome for outcome in outcomes if outcome.killed]
    sound = sum(outcome.sound for outcome in killed)
    print(
        f"\n{len(killed)} of {len(outcomes)} runs were killed in time; {sound} of them are as the reference,", end=" "
    )
    print(f"{sum(o.again for o in killed)} finished fits were computed again")
    sys.exit(0 if all(outcome.sound for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
