"""Fits on a cluster: two nodes and more on this machine, each with processes of its own."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

import quorate
from quorate.errors import QuorateError, RecipeError
from quorate.execution.executor import LIMITS, Began, Done, Executor, Limits, Remote
from quorate.execution.processes import Processes
from quorate.execution.progress import Progress
from quorate.execution.queue import Queue
from quorate.execution.ray.executor import RayExecutor
from quorate.execution.ray.reaper import kill_users
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.provider import Reference
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.walkforward.layout import prepare
from quorate.walkforward.tasks import fit_tasks

pytestmark = pytest.mark.full

PLUGIN = """
import time
import numpy as np
import quorate


class Waits:
    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.mean = X.mean()
        return self

    def predict(self, X):
        return 0.5 + 0.01 * np.sign(X[:, 0] - self.mean)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("waits", Waits, task="regression")
"""


class Cluster:
    """Nodes of a Ray cluster, as `ray start` makes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = folder / "token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.nodes: list[subprocess.Popen[bytes]] = []

    def add(self, cpus: int, gpus: int = 0, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        first = ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        node = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
            + (first if not self.nodes else [f"--address={self.address}"])
            + [f"--num-cpus={cpus}", f"--num-gpus={gpus}", "--object-store-memory=100000000"],
            env={**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token), **(more or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.nodes.append(node)
        until = time.monotonic() + 60
        while not self.there() and time.monotonic() < until:
            time.sleep(0.1)
        return node

    def there(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """Kill all processes of a node, as a power loss would."""
        for pid in [*descendants(node.pid), node.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        node.wait()

    def close(self) -> None:
        for node in self.nodes:
            self.kill(node)
        kill_users(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = int(stat.parent.name), stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents.setdefault(int(rest[1]), []).append(number)
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found[1:]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    made = Cluster(Path(tempfile.mkdtemp(prefix="qc-")))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(made.token))
    yield made
    made.close()


@pytest.fixture
def work(small: dict[str, object], tmp_path: Path) -> tuple[FitData, list[FitTask]]:
    """Twelve fits of one model."""
    path = tmp_path / "waits.py"
    path.write_text(PLUGIN)
    table = {**small, "models": {"waits": {}}, "folds": {"initial": 300, "test": 20}}
    session = open_session(table, plugins=[path])
    walk = prepare(session.recipe, session.registry, load_bars(session).take(0, 550), [(0, 550)])
    tasks = [task for task in fit_tasks(walk, walk.folds) if task.model == "waits"]
    return FitData(walk.dataset, tuple(walk.folds)), tasks[:12]


def lasting(tasks: list[FitTask], seconds: float, **more: float) -> list[FitTask]:
    return [replace(task, params={"seconds": seconds}, **more) for task in tasks]


def run(
    executor: Executor,
    work: tuple[FitData, list[FitTask]],
    done: Callable[[FitResult], None] = lambda r: None,
    limits: Limits = LIMITS,
) -> dict[int, FitResult]:
    data, tasks = work
    results: dict[int, FitResult] = {}

    def arrived(result: FitResult) -> None:
        assert result.fold not in results
        results[result.fold] = result
        done(result)

    executor.run(data, Queue(data, tasks), arrived, lambda tasks: None, limits)
    assert len(results) == len(tasks)
    return results


def reference(work: tuple[FitData, list[FitTask]]) -> dict[int, bytes]:
    data, tasks = work
    with Processes(1) as serial:
        return {fold: r.predictions.tobytes() for fold, r in run(serial, (data, lasting(tasks, 0.0))).items()}


def predictions(results: Mapping[int, FitResult]) -> dict[int, bytes]:
    assert [r.error for r in results.values()] == [""] * len(results)
    return {fold: r.predictions.tobytes() for fold, r in results.items()}


def test_a_node_lost_costs_only_its_fits_and_one_that_joins_gets_some(
    cluster: Cluster, work: tuple[FitData, list[FitTask]]
) -> None:
    data, tasks = work
    cluster.add(1)
    warned: list[str] = []
    handed: list[int] = []
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        lost = cluster.add(2)
        until = time.monotonic() + 60
        while executor._there().total.cpus < 3 and time.monotonic() < until:
            time.sleep(0.2)
        assert executor._there().total.cpus == 3
        came: list[subprocess.Popen[bytes]] = []

        def done(result: FitResult) -> None:
            if not came:
                cluster.kill(lost)
                came.append(cluster.add(2))

        results: dict[int, FitResult] = {}

        def arrived(result: FitResult) -> None:
            results[result.fold] = result
            done(result)

        longer = lasting(tasks, 3.0)

        def began(batch: Sequence[FitTask]) -> None:
            handed.extend(t.fold for t in batch)

        executor.run(data, Queue(data, longer), arrived, began, Limits(warn=warned.append))
        pids = {int(result.place.split(":")[1]) for result in results.values()}
        assert executor.workers == 3
        assert pids & set(descendants(came[0].pid))
    assert predictions(results) == reference(work)
    again = len(handed) - len(tasks)
    assert 1 <= again <= 2
    assert warned == []


def test_a_node_with_other_versions_is_refused_before_anything_starts_and_when_it_joins(
    cluster: Cluster, work: tuple[FitData, list[FitTask]], tmp_path: Path
) -> None:
    for name in ("scipy", "lightgbm"):
        info = tmp_path / "other" / f"{name}-9.9.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    lacking = tmp_path / "lacking" / "quorate"
    lacking.mkdir(parents=True)
    (lacking / "__init__.py").write_text("")
    other = {"PYTHONPATH": str(tmp_path / "other")}
    cluster.add(1)
    warned: list[str] = []
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        joined: list[subprocess.Popen[bytes]] = []

        def done(result: FitResult) -> None:
            if not joined:
                joined.append(cluster.add(4, more=other))
            until = time.monotonic() + 60
            while len(executor._there()._nodes) < 2 and time.monotonic() < until:
                time.sleep(0.2)

        data, tasks = work
        results = run(executor, (data, lasting(tasks, 0.5)), done, Limits(warn=warned.append))
        assert len({result.place for result in results.values()}) == 1
    [message] = warned
    assert "a node joined that cannot be used: node" in message
    cluster.add(1, more={"PYTHONPATH": str(lacking.parent)})
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        started: list[int] = []
        until = time.monotonic() + 60
        while len(executor._there()._nodes) < 3 and time.monotonic() < until:
            time.sleep(0.2)
        with pytest.raises(QuorateError) as error:
            executor.run(data, Queue(data, tasks), lambda r: started.append(r.fold), lambda t: started.append(0))
    assert started == []
    message = str(error.value)
    for name in ("scipy", "lightgbm"):
        assert f"{name} {metadata.version(name)} -> 9.9" in message
    assert "numpy" not in message
    assert f"pip install quorate=={metadata.version('quorate')}" in message
    assert message.count("\n  node ") == 2


def test_gpus_are_shared_and_what_no_node_has_is_refused(cluster: Cluster, work: tuple[FitData, list[FitTask]]) -> None:
    data, tasks = work
    cluster.add(5, gpus=1)
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        assert executor.gpus() == 1
        began: list[FitTask] = []
        with pytest.raises(RecipeError, match=r"asks for 999 CPUs; the largest node of the Ray cluster has 5 CPUs"):
            executor.run(data, Queue(data, lasting(tasks, 0, threads=999)), print, began.extend)
        assert began == []
        results = list(run(executor, (data, lasting(tasks, 1.0, gpus=0.25))).values())
        together = [sum(r.began <= s.began < r.began + r.seconds for r in results) for s in results]
        assert max(together) == 4
        results = list(run(executor, (data, lasting(tasks[:4], 1.0, gpus=0.6))).values())
        assert max(sum(r.began <= s.began < r.began + r.seconds for r in results) for s in results) == 1
        results = list(run(executor, (data, lasting(tasks[:4], 0.5, gpus=1.0))).values())
        assert max(sum(r.began <= s.began < r.began + r.seconds for r in results) for s in results) == 1
        executor._slots = executor.workers = 3
        results = list(run(executor, (data, lasting(tasks, 0.5))).values())
        assert max(sum(r.began <= s.began < r.began + r.seconds for r in results) for s in results) == 3


def test_a_plugin_package_that_a_node_lacks_is_sent_there(
    cluster: Cluster, work: tuple[FitData, list[FitTask]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, tasks = work
    package = tmp_path / "site" / "only_here"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text("from only_here.more import half\nimport only_here_too\n" + PLUGIN)
    (package / "more.py").write_text("half = 0.5\n")
    (package.parent / "only_here_too.py").write_text("")
    info = package.parent / "only_here-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: only-here\nVersion: 1.2\n")
    (info / "RECORD").write_text(
        "only_here/__init__.py,,\nonly_here/models.py,,\nonly_here/more.py,,\nonly_here_too.py,,\n"
    )
    cluster.add(1)
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        executor._there()  # a cluster of this machine could read what is on the path by now
        monkeypatch.syspath_prepend(package.parent)
        plugin = Reference("model", "waits", "only_here.models", distribution="only-here", version="1.2")
        shipped = [replace(task, plugin=plugin) for task in tasks]
        assert predictions(run(executor, (data, shipped))) == reference(work)
        assert predictions(run(executor, work)) == reference(work)


TUNED = """
import time
import numpy as np
import quorate


class Tuned:
    def __init__(self, shrink=0.5, seconds=0.2):
        self.shrink, self.seconds = shrink, seconds

    def fit(self, X, y, sample_weight=None):
        time.sleep(self.seconds)
        self.mean, self.side = y.mean(), np.sign(np.cov(X[:, 0], y)[0, 1])
        return self

    def predict_proba(self, X):
        p = np.clip(self.mean + self.shrink * self.side * np.sign(X[:, 0]), 0.01, 0.99)
        return np.column_stack([1 - p, p])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("tuned", Tuned, space={"shrink": quorate.Float(0.001, 0.4, log=True)})
"""


class AfterTheFirstTrial(Progress):
    """Does something once."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then, self.done = then, False

    def trial(self, told: Mapping[str, object]) -> None:
        if not self.done:
            self.done = True
            self.then()


def test_a_sweep_finds_the_same_while_a_node_is_lost_and_another_joins(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tuned.py").write_text(TUNED)
    recipe = {
        "name": "swept",
        "plugins": [str(tmp_path / "tuned.py")],
        "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
        "holdout": {"bars": 0},
        "features": {"use": ["return_1", "return_2"]},
        "folds": {"initial": 500, "test": 100},
        "models": {"tuned": {"shrink": 0.4}, "logistic": {}},
        "threshold": {"min_bars": 60},
        "tuning": {"trials": 14, "folds": 4},
    }

    def essence(found: quorate.Sweep) -> object:
        models = deepcopy(found.document["searches"])
        for model in models.values():
            for trial in model["trials"]:
                del trial["cpu_seconds"]
        return models, found.document["sentences"], found.best_params

    here = quorate.sweep({**recipe, "execution": {"executor": "processes", "workers": 2}}, home=tmp_path / "here")
    cluster.add(1)
    lost = cluster.add(1)
    came: list[subprocess.Popen[bytes]] = []
    of_lost: set[int] = set()

    def change() -> None:
        of_lost.update(descendants(lost.pid))
        cluster.kill(lost)
        came.append(cluster.add(2))

    pids: set[int] = set()
    with RayExecutor(0, cluster=Remote(cluster.address)) as executor:
        until = time.monotonic() + 60
        while executor._there().total.cpus < 2 and time.monotonic() < until:
            time.sleep(0.2)
        run = executor.run

        def noted(data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
            def arrived(result: FitResult) -> None:
                pids.add(int(result.place.split(":")[1]))
                done(result)

            run(data, queue, arrived, began, limits)

        monkeypatch.setattr(executor, "run", noted)
        there = quorate.sweep(recipe, home=tmp_path / "there", executor=executor, progress=AfterTheFirstTrial(change))
        assert pids & of_lost
        assert pids & set(descendants(came[0].pid))
    assert essence(there) == essence(here)
    assert {trial["state"] for trial in here.document["searches"]["tuned"]["trials"]} == {"complete", "raced"}
