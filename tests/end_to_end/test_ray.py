"""Fits on a Ray of our own on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.errors import PluginError, QuorateError, RecipeError
from quorate.execution.executor import Executor, Limits
from quorate.execution.processes import Processes
from quorate.execution.queue import Queue
from quorate.execution.ray.executor import RayExecutor
from quorate.execution.ray.reaper import users
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.walkforward.layout import prepare
from quorate.walkforward.tasks import fit_tasks
from support.waiting import wait_until

PLUGIN = """
import os, signal, time
import numpy as np
import quorate


class Does:
    def __init__(self, how="", file=""):
        self.how, self.file = how, file
        self.threads = {1}

    def fit(self, X, y):
        self.mean = X.mean()
        if self.how == "die":
            os._exit(3)
        if self.how == "die once" and not os.path.exists(self.file):
            open(self.file, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "hang":
            while True:
                pass
        if self.how == "threads":
            import numba, torch, sklearn.ensemble
            from threadpoolctl import threadpool_info
            pools = {pool["num_threads"] for pool in threadpool_info()}
            # A fit that loads a library is done again, so that this one may have more.
            self.threads = pools | {torch.get_num_threads(), numba.get_num_threads()}
        return self

    def predict(self, X):
        if self.threads != {1}:
            return np.full(len(X), 0.9)
        return 0.5 + 0.01 * np.sign(X[:, 0] - self.mean)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("does", Does, task="regression")
"""

Work = tuple[FitData, list[FitTask]]


@pytest.fixture
def work(small: dict[str, object], tmp_path: Path) -> Work:
    """Twelve fits of one model."""
    path = tmp_path / "does.py"
    path.write_text(PLUGIN)
    table = {**small, "models": {"does": {}}, "folds": {"initial": 300, "test": 20}}
    session = open_session(table, plugins=[path])
    walk = prepare(session.recipe, session.registry, load_bars(session).take(0, 550), [(0, 550)])
    tasks = [task for task in fit_tasks(walk, walk.folds) if task.model == "does"]
    return FitData(walk.dataset, tuple(walk.folds)), tasks[:12]


@pytest.fixture(scope="module")
def executor() -> Iterator[RayExecutor]:
    with RayExecutor(2) as made:
        yield made


def run(executor: Executor, work: Work, seconds: float = 4.0) -> dict[tuple[str, int], FitResult]:
    data, tasks = work
    results: dict[tuple[str, int], FitResult] = {}

    def done(result: FitResult) -> None:
        assert (result.model, result.fold) not in results
        results[result.model, result.fold] = result

    executor.run(data, Queue(data, tasks), done, lambda tasks: None, Limits(seconds))
    assert len(results) == len(tasks)
    return results


def doing(tasks: list[FitTask], how: str, file: str = "") -> list[FitTask]:
    return [replace(task, model=how, params={"how": how, "file": file}) for task in tasks]


def test_the_bytes_are_those_of_one_process_and_workers_serve_several_runs(executor: RayExecutor, work: Work) -> None:
    first, second = run(executor, work), run(executor, work)
    with Processes(1) as serial:
        alone = run(serial, work)
    for key, result in alone.items():
        assert not result.error
        assert first[key].predictions.tobytes() == second[key].predictions.tobytes() == result.predictions.tobytes()
    assert len({r.place for r in [*first.values(), *second.values()]}) <= 2


@pytest.mark.full
def test_a_fit_that_dies_or_hangs_fails_alone(
    executor: RayExecutor, work: Work, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, tasks = work
    mixed = doing(tasks[:1], "die") + doing(tasks[1:2], "hang") + doing(tasks[2:3], "die once", str(tmp_path / "once"))
    results = run(executor, (data, mixed + tasks[3:]))
    errors = {model: result.error for (model, _), result in results.items() if result.error}
    assert errors == {
        "die": "its process died",
        "hang": "it did not finish within 4 s (execution.fit_seconds)",
    }
    assert results["die", tasks[0].fold].notes == ("twice (WorkerCrashedError)",)
    assert (tmp_path / "once").exists()
    time.sleep(1.0)
    assert capfd.readouterr() == ("", "")


def test_small_fits_go_out_several_at_a_time_and_each_comes_back_once(executor: RayExecutor, work: Work) -> None:
    data, tasks = work
    folds = tuple(replace(data.folds[0], index=i) for i in range(400))
    many = FitData(data.dataset, folds)
    batches: list[int] = []
    results: list[int] = []
    queue = Queue(many, [replace(tasks[0], fold=i) for i in range(400)])
    executor.run(many, queue, lambda r: results.append(r.fold), lambda batch: batches.append(len(batch)))
    assert sorted(results) == list(range(400))
    assert sum(batches) == 400
    assert max(batches) > 3


def test_every_library_has_one_thread(executor: RayExecutor, work: Work) -> None:
    data, tasks = work
    results = run(executor, (data, doing(tasks[:4], "threads")), 120.0)
    assert [r.error for r in results.values()] == [""] * 4
    assert max(r.predictions.max() for r in results.values()) < 0.9


def test_what_cannot_run_is_refused_before_anything_starts(executor: RayExecutor, work: Work) -> None:
    data, tasks = work
    began: list[FitTask] = []
    with pytest.raises(RecipeError, match="asks for 999 CPUs; this machine has"):
        executor.run(data, Queue(data, [replace(t, threads=999) for t in tasks]), print, began.extend)
    inline = [replace(t, plugin=replace(t.plugin, inline=object())) for t in tasks]
    with pytest.raises(PluginError, match="inline plugin, which Ray's workers cannot find"):
        executor.run(data, Queue(data, inline), print, began.extend)
    assert began == []


def test_an_error_of_the_caller_leaves_the_executor_usable(executor: RayExecutor, work: Work) -> None:
    data, tasks = work

    def done(result: FitResult) -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        executor.run(data, Queue(data, tasks), done, lambda t: None)
    assert len(run(executor, work)) == 12


@pytest.mark.full
@pytest.mark.parametrize("after", [0.0, 1.0, 30.0])
def test_an_interrupt_leaves_nothing_behind_and_another_can_start(work: Work, after: float) -> None:
    # In a process of its own: this one may have an executor already.
    code = f"""
import os, sys, time
from pathlib import Path
from quorate.execution.ray.executor import RayExecutor
from quorate.execution.ray.reaper import users
first = RayExecutor(1)
until = time.monotonic() + {after}
while not first._connection._started.is_set() and time.monotonic() < until:
    time.sleep(0.1)
start = time.monotonic()
first.interrupt()
assert time.monotonic() - start < 60
with RayExecutor(1) as second:
    ray = second._connection.ray()
    assert ray.get(ray.remote(lambda: 5).remote()) == 5
for executor in (first, second):
    assert not executor._connection._folder.exists()
    assert not users(executor._connection._folder)
print("sound")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=False)
    assert (done.stdout, done.stderr) == ("sound\n", "")


@pytest.mark.full
def test_the_processes_and_folder_of_a_killed_driver_go_with_it() -> None:
    code = """
import time
from quorate.execution.ray.executor import RayExecutor
executor = RayExecutor(1)
executor._connection.ray()
print(executor._connection._folder, flush=True)
time.sleep(600)
"""
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    folder = Path(driver.stdout.readline().strip())
    assert users(folder)
    driver.kill()
    driver.communicate()
    wait_until(lambda: not folder.exists() and not users(folder))


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_at_once_and_leaves_nothing(
    small: dict[str, object], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "does.py").write_text(PLUGIN)
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        'name = "small"\nplugins = ["does.py"]\n[data]\nsource = "simulated"\nn_bars = 700\n[holdout]\nbars = 150\n'
        '[folds]\ninitial = 300\ntest = 100\n[models.does]\nhow = "hang"\n[execution]\nexecutor = "ray"\nworkers = 2\n'
    )
    before = set(Path(tempfile.gettempdir()).glob("quorate-*"))
    with (tmp_path / "stderr").open("w") as stderr:
        command = subprocess.Popen(
            [sys.executable, "-c", "from quorate.cli import main; main()", "run", str(recipe)],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "QUORATE_HOME": str(tmp_path / "home")},
        )
    folder = None
    until = time.monotonic() + 120
    while time.monotonic() < until and command.poll() is None:
        folder = next(iter(set(Path(tempfile.gettempdir()).glob(f"quorate-{command.pid}-*")) - before), None)
        if folder and len(users(folder)) > 6:
            break
        time.sleep(0.1)
    assert folder is not None
    time.sleep(3.0)
    start = time.monotonic()
    command.send_signal(number)
    command.wait(60)
    assert time.monotonic() - start < 60
    assert command.returncode == 130
    told = (tmp_path / "stderr").read_text()
    assert "interrupted" in told
    for word in ("raylet", "Traceback", "core_worker", "SIGTERM"):
        assert word not in told
    wait_until(lambda: not folder.exists() and not users(folder))


@pytest.mark.full
def test_a_closed_executor_says_so_and_its_folder_is_gone(work: Work) -> None:
    # In a process of its own: this one may have an executor already.
    code = """
import pytest
from quorate.errors import QuorateError
from quorate.execution.queue import Queue
from quorate.execution.ray.executor import RayExecutor
from quorate.execution.task import FitData
with RayExecutor(1) as executor:
    executor._there()
    assert executor._connection.ray()
with pytest.raises(QuorateError, match="this executor was closed"):
    executor.run(FitData(None, ()), Queue(FitData(None, ()), []), print, print)
assert not executor._connection._folder.exists()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_ray_in_one_process_is_refused_in_words(executor: RayExecutor, work: Work) -> None:
    executor._connection.ray()
    with pytest.raises(QuorateError, match="this process uses Ray already"), RayExecutor(1) as second:
        run(second, work)
    assert len(run(executor, work)) == 12


@pytest.mark.full
def test_a_ray_that_the_program_has_started_is_used_and_left_as_it_was(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import ray
ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", configure_logging=False)
before = ray.get_runtime_context().get_node_id()
import quorate
from support import homes
def digest(executor):
    recipe = {{**homes.recipe("tiny"), "execution": {{"executor": executor, "cache": False}}}}
    report = quorate.run(recipe, home={str(tmp_path / "home")!r})
    assert report.telemetry["executor"] == executor
    return report.digest
assert digest("ray") == digest("serial")
assert ray.get_runtime_context().get_node_id() == before
assert ray.get(ray.remote(lambda: 42).remote()) == 42
ray.shutdown()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.full
def test_a_process_that_used_ray_without_a_token_can_start_one_with_it(work: Work) -> None:
    code = """
import sys
import ray._raylet as raylet
assert raylet.get_authentication_mode() == 0
from quorate.execution.ray.executor import RayExecutor
with RayExecutor(1) as executor:
    assert executor._connection.ray().is_initialized()
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=kept)
    assert done.returncode == 0, done.stderr
