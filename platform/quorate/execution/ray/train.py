"""One model trained by several processes, each on its part of every step: Ray Train starts them and hears of them."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from quorate.errors import FitError, PluginError, QuorateError, RecipeError
from quorate.execution.course import Course, course_of
from quorate.execution.executor import HERE, LIMITS, Remote, Told
from quorate.execution.fit import model_of
from quorate.execution.making import make_model
from quorate.execution.ray.connection import Connection
from quorate.execution.ray.executor import connect
from quorate.execution.ray.nodes import Nodes, shipment
from quorate.execution.resources import Meter, cpu_count
from quorate.execution.state import MOST, State, proven_state
from quorate.execution.surroundings import heard, notes_of, surroundings_of
from quorate.execution.task import FitTask
from quorate.plugins.options import DEVICE
from quorate.plugins.specs import ModelSpec

STARTING = "240"  # seconds in which all processes must have found room, and begun
POLL = 0.2  # seconds between looks at whether the time is up
Pair = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training by several processes.

    Parameters
    ----------
    state : State
        What the model has learnt, as the first process holds it; the others hold the same.
    device : str
        On which it was trained.
    course : Course, optional
        How it was trained, where its plugin tells.
    notes : tuple of str
        Warnings that it gave.
    peak_memory : int
        The most bytes that the first process held meanwhile; 0 where that cannot be told.
    """

    state: State
    device: str = "cpu"
    course: Course | None = None
    notes: tuple[str, ...] = ()
    peak_memory: int = 0


@dataclass(frozen=True, eq=False)
class _Work:
    task: FitTask
    pair: Pair = field(repr=False)
    held: Pair | None = field(repr=False)


def check_parallel(spec: ModelSpec, workers: int) -> None:
    """Raise an error, before anything is computed, where a model cannot be trained by several processes here.

    Raises
    ------
    QuorateError
        With what to do.
    """
    if spec.parallel is None:
        raise RecipeError(
            f"--workers {workers}: the model {spec.name!r} is trained by one process (networks can be by several): "
            "leave --workers out"
        )
    missing = [name for name in ("ray", "pyarrow") if find_spec(name) is None]
    if missing:
        raise QuorateError(
            f"--workers {workers} needs Ray Train, and {missing[0]} is not installed: pip install 'quorate[parallel]', "
            "or leave --workers out"
        )


def train_in_parallel(
    task: FitTask,
    pair: Pair,
    held: Pair | None,
    workers: int,
    cluster: Remote = HERE,
    *,
    seconds: float = 0.0,
    warn: Told = LIMITS.warn,
) -> Trained:
    """Train a model on rows and labels by several processes, each with the fit's threads, or a GPU.

    Parameters
    ----------
    pair, held : tuple
        ``(X, y)`` to train on, and to measure progress by.
    workers : int
        How many processes.
    cluster : Remote
        Where; without an address on this machine.
    seconds : float
        After which the training has failed; 0: never.
    warn : callable
        Hears what the user should know of.

    Raises
    ------
    QuorateError
        If there is no room for them, one dies, or the training fails.
    """
    check_parallel(model_of(task), workers)
    if task.inline:
        raise PluginError(f"model {task.model!r} is an inline plugin, which other processes cannot find: give a file")
    if not cluster.address and workers * task.threads > cpu_count():
        warn(f"{workers} processes share {cpu_count()} CPUs: fewer would be as fast")
    connection = connect(workers * task.threads, cluster=cluster)
    try:
        ray = connection.ray(without="leave --workers out")
        nodes = Nodes(ray, connection.shared, warn)
        nodes.admit([task])
        task = _placed(task, nodes, workers)
        modules = {task.plugin.distribution: task.plugin.module} if task.plugin.distribution else {}
        lacking = frozenset[str]().union(*(node.ships for node in nodes.usable))
        more = {"py_modules": shipment(modules, lacking)} if lacking else {}
        found = _fitted(connection, _Work(task, pair, held), workers, more, seconds)
    except BaseException as e:
        connection.end(at_once=isinstance(e, KeyboardInterrupt))
        raise
    connection.end()
    if isinstance(found, str):
        raise FitError(f"model {task.model!r}: {found}")
    return found


def _placed(task: FitTask, nodes: Nodes, workers: int) -> FitTask:
    """Return the fit with the device that its processes have; raise, where there is no room for all of them."""
    room = sum(int(node.total.cpus // task.threads) for node in nodes.usable)
    if room < workers:
        raise RecipeError(f"--workers {workers}: the Ray cluster has CPUs for {room}: take that many, or add a node")
    device, gpus = task.params.get(DEVICE, "cpu"), int(nodes.total.gpus)
    if device == "auto":
        device = "cuda" if gpus >= workers else "cpu"
    if device == "cuda" and gpus < workers:
        raise RecipeError(
            f"--workers {workers}: each process takes a GPU of its own, and there are {gpus}: take fewer, or device cpu"
        )
    if device not in ("cpu", "cuda"):
        raise RecipeError(f"--workers {workers}: processes share their work on cpu or cuda; the device was {device!r}")
    params = {**task.params, DEVICE: device} if DEVICE in task.params else task.params
    return replace(task, params=params, device=device, gpus=1.0 if device == "cuda" else 0.0)


def _fitted(
    connection: Connection, work: _Work, workers: int, environment: dict[str, Any], seconds: float
) -> Trained | str:
    """Have Ray Train run `_rank` in every process, aside, so that the time can be told and Ctrl-C is heard here."""
    answer: list[Any] = []

    def run() -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
                answer.append(_trainer(work, workers, environment, folder).fit().return_value)
        except BaseException as e:
            answer.append(e)

    thread = threading.Thread(target=run, name="quorate-train", daemon=True)
    thread.start()
    waited = 0.0
    while thread.is_alive():
        thread.join(POLL)
        waited += POLL
        if seconds and waited > seconds:
            return f"it took longer than {seconds:g} s (execution.fit_seconds)"
        if dead := connection.dead():
            raise QuorateError(f"Ray's process {dead!r} has ended, so that nothing can be trained: run again")
    [found] = answer
    if isinstance(found, BaseException):
        raise FitError(f"model {work.task.model!r}: {_why(found, workers)}") from found
    assert isinstance(found, Trained | str)
    return found


def _trainer(work: _Work, workers: int, environment: dict[str, Any], folder: str) -> Any:
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", STARTING)
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.config import LoggingConfig

    gpu = work.task.device == "cuda"
    takes = {"CPU": float(work.task.threads), **({"GPU": 1.0} if gpu else {})}
    return TorchTrainer(
        partial(_rank, work),
        torch_config=TorchConfig(backend="nccl" if gpu else "gloo"),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpu, resources_per_worker=takes),
        run_config=RunConfig(
            name="quorate",
            storage_path=folder,
            failure_config=FailureConfig(max_failures=0, controller_failure_limit=0, max_preemption_failures=0),
            worker_runtime_env=environment,
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    )


def _rank(work: _Work) -> Trained | str:
    """Train in one of the processes; return what came of it, or why nothing did."""
    task, (X, y), took = work.task, work.pair, Meter()
    spec = model_of(task)
    fit = spec.hook("parallel")
    assert fit is not None

    def made() -> Any:
        return make_model(spec.resolve(), task, spec)

    with heard() as caught, surroundings_of(task):
        model = made()
        if error := fit(model, (X, y.copy()), work.held):
            return str(error)
        state = proven_state(spec, model, made, (X[-MOST:],), task.binary)
        course = course_of(spec, model, len(y))
    return Trained(state, task.device, course, notes_of(caught), took()[2])


def _why(error: BaseException, workers: int) -> str:
    """Return why a training failed: of several processes that which failed first, as the others only lost it."""
    failures: dict[int, BaseException] = getattr(error, "worker_failures", {})
    own = {rank: one for rank, one in failures.items() if not _lost_another(one)}
    for rank, one in (own or failures).items():
        text = str(getattr(one, "cause", None) or one).strip()
        if "health check" in text.lower() or "died" in text.lower():
            return f"process {rank + 1} of {workers} died, and the others cannot go on without it: run again"
        return f"process {rank + 1} of {workers}: {text.splitlines()[-1]}"
    return f"Ray Train: {str(error).strip().splitlines()[-1]}"


def _lost_another(error: BaseException) -> bool:
    return "Connection closed by peer" in str(error) or "Connection reset by peer" in str(error)
