"""Fits on Ray: one of our own on this machine, or a cluster."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from quorate.errors import PluginError, QuorateError
from quorate.execution.executor import HERE, LIMITS, SLOW, Began, Done, Executor, Limits, Remote
from quorate.execution.queue import Queue, Resources
from quorate.execution.ray.connection import STORE_BYTES, Connection
from quorate.execution.ray.nodes import Node, Nodes, shipment
from quorate.execution.ray.tokens import authentication
from quorate.execution.ray.work import work
from quorate.execution.resources import cpu_count, gpu_count
from quorate.execution.stack import first_stack, lost_fit
from quorate.execution.task import FitData, FitTask

STARTING = 240.0  # seconds after which what our own Ray was handed must have begun
LONELY = 60.0  # seconds to wait for a node that has room, after those that had are gone


class RayExecutor(Executor):
    """Fits on Ray, which is started, or joined, in the background while the caller prepares the data.

    A program that uses Ray already gives it its own, which is left as it was.

    `workers` and `preload` are those of `make_executor`; only the workers of a Ray of our own preload, which is
    started where `cluster` has no address.
    """

    name = "ray"

    def __init__(self, workers: int, preload: tuple[str, ...] = (), cluster: Remote = HERE) -> None:
        self.workers = self._slots = workers
        self._nodes: Nodes | None = None
        self._connection = connect(workers, preload, cluster)
        if not self._connection.shared:
            self.workers = self._slots = workers or cpu_count()

    def wait(self) -> None:
        """Wait until fits would run, or raise `QuorateError`."""
        self._connection.ray()

    def gpus(self) -> int:
        """Return the GPUs of this machine, or of the cluster; waits until it is joined."""
        return int(self._there().total.gpus) if self._connection.shared else super().gpus()

    def _there(self, limits: Limits | None = None) -> Nodes:
        ray = self._connection.ray()
        if self._nodes is None:
            self._nodes = Nodes(ray, self._connection.shared, LIMITS.warn)
        if limits is not None:
            self._nodes.warn = limits.warn
        self._nodes.look()
        return self._nodes

    def _count(self) -> int:
        """Return how many fits may run at a time: nodes come and go."""
        if not self._slots and self._nodes is not None:
            self.workers = int(self._nodes.total.cpus)
        return self.workers

    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Run what is in the queue; the data is put into Ray's memory once."""
        inline = [task for task in queue.tasks if task.inline]
        if inline:
            raise PluginError(
                f"{'' if inline[0].plugin.inline else 'a transform of '}model {inline[0].model!r} is an inline plugin, "
                "which Ray's workers cannot find: put it into a file and give that, or use "
                "--set execution.executor=processes"
            )
        nodes = self._there(limits)
        nodes.admit(queue.tasks)
        if not self._connection.shared:
            limits = limits.shared(self.workers)
        queue.workers, queue.gpus = max(self.workers, 1), nodes.total.gpus
        queue.share = 0  # Ray is asked for the memory that a spec names
        _Run(self._connection, nodes, limits, self._count, data, queue, done, began).all()

    def close(self) -> None:
        """Stop our own Ray, or leave the cluster."""
        self._connection.end()

    def interrupt(self) -> None:
        """Stop our own Ray, or leave the cluster, at once."""
        self._connection.end(at_once=True)


def connect(workers: int, preload: tuple[str, ...] = (), cluster: Remote = HERE) -> Connection:
    """Start a Ray of our own in the background, with room for so many `workers` (0: one per CPU), or join a cluster."""
    if cluster.address:
        environment = authentication(cluster.address, cluster.home, cluster.allow_insecure)
        return Connection(environment, cluster.address)
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_preload_python_modules": ",".join(("quorate.execution.ray.work", *preload)),
        "RAY_worker_niceness": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # who asked for no GPU sees none
        "RAY_task_oom_retries": "1",  # by default a task that runs out of memory is retried for ever
    }
    arguments = {"num_cpus": workers or cpu_count(), "num_gpus": gpu_count(), "object_store_memory": STORE_BYTES}
    return Connection(environment, arguments=arguments)


@dataclass(eq=False)
class _Batch:
    """Fits that were handed out together, where, and since when the first of those left is under way."""

    tasks: list[FitTask]
    node: Node
    takes: Resources
    gpus: list[int]
    handed: float = field(default_factory=time.monotonic)
    since: float | None = None  # until it begins
    told: FitTask | None = None

    @property
    def seconds(self) -> float:
        return 0.0 if self.since is None else time.monotonic() - self.since


@dataclass(eq=False)
class _Run:
    """One run: what is under way."""

    session: Connection
    nodes: Nodes
    limits: Limits
    slots: Callable[[], int]
    data: FitData
    queue: Queue
    done: Done
    began: Began
    running: dict[Any, _Batch] = field(default_factory=dict)
    remotes: dict[Any, Any] = field(default_factory=dict)
    doubtful: list[tuple[_Batch, Exception]] = field(default_factory=list)  # a process died: or was it the node?
    lonely: float | None = None

    def all(self) -> None:
        self.ray = self.session.ray()
        self.shared = self.ray.put(self.data)
        self.modules = {t.plugin.distribution: t.plugin.module for t in self.queue.tasks if t.plugin.distribution}
        looked = time.monotonic()
        try:
            while len(self.queue) or self.running or self.doubtful:
                self.nodes.look()
                self.judge()
                self.hand_out()
                self.see_room()
                for stream in self.wait():
                    self.hear(stream)
                if time.monotonic() >= looked + 1.0:
                    looked = time.monotonic()
                    self.check()
        finally:
            for stream, batch in self.running.items():
                self.ray.cancel(stream, force=True)
                batch.node.give(batch.takes, batch.gpus)

    def wait(self) -> list[Any]:
        """Return those that have something to tell, at latest after a second."""
        streams = list(self.running)
        if not streams:
            time.sleep(0.05)
            return []
        ready: list[Any] = self.ray.wait(streams, num_returns=len(streams), timeout=0)[0]
        return ready or self.ray.wait(streams, num_returns=1, timeout=1.0)[0]

    def hand_out(self) -> None:
        """Give every node what it has room for; no more, so that a fit begins when it is handed out."""
        handed = True
        while handed and len(self.queue):
            handed = False
            slots = self.slots() - sum(batch.takes.cpus for batch in self.running.values())
            for node in self.nodes.usable:
                room = replace(node.free, cpus=min(node.free.cpus, slots)) if self.running else node.total
                if batch := self.queue.take(room):
                    self.begin(batch, node)
                    handed = True
                    break

    def begin(self, tasks: list[FitTask], node: Node) -> None:
        takes = Resources.of(tasks[0])
        ships = node.ships & {task.plugin.distribution for task in tasks}
        key = (node.id, takes, ships)
        if key not in self.remotes:
            # The driver decides what is tried again.
            self.remotes[key] = self.ray.remote(work).options(
                num_returns="streaming",
                max_retries=0,
                num_cpus=min(takes.cpus, node.cpus),
                num_gpus=takes.gpus,
                memory=takes.memory or None,
                scheduling_strategy=self.nodes.on(node),
                **({"runtime_env": {"py_modules": shipment(self.modules, ships)}} if ships else {}),
            )
        stream = self.remotes[key].remote(tasks, self.shared, self.limits.memory, node.cpus)
        self.running[stream] = _Batch(list(tasks), node, takes, node.take(takes))
        self.began(tasks)

    def hear(self, stream: Any) -> None:
        """Take the next that a batch has to tell."""
        batch = self.running[stream]
        try:
            result = self.ray.get(next(stream))
        except (self.ray.exceptions.RayError, StopIteration) as e:
            self.over(stream)
            self.lost(batch, e)
            return
        batch.since = time.monotonic()
        if result is None:
            return
        batch.tasks.pop(0)
        if not batch.tasks:
            self.over(stream)
        if batch.node.foreign:
            result = replace(result, foreign=True)
        self.queue.learn(result)
        self.done(result)

    def over(self, stream: Any) -> None:
        batch = self.running.pop(stream)
        batch.node.give(batch.takes, batch.gpus)

    def lost(self, batch: _Batch, error: Exception) -> None:
        """Ask first whether the node is still there."""
        self.doubtful.append((batch, error))
        self.nodes.doubt(batch.node)

    def judge(self) -> None:
        """Hand out again what was lost; a fit whose process died twice, while its node lived, has failed."""
        doubtful, self.doubtful = self.doubtful, []
        for batch, error in doubtful:
            if not self.nodes.alive(batch.node):
                self.queue.alone(batch.tasks)
            elif not batch.node.usable:
                self.doubtful.append((batch, error))
            else:
                self.died(batch, error)

    def died(self, batch: _Batch, error: Exception) -> None:
        errors = self.ray.exceptions
        first = batch.tasks[0]
        if isinstance(error, errors.RayTaskError):
            cause = getattr(error, "cause", None) or error
            reason, how = f"{type(cause).__name__}: {cause}", ""
        elif self.queue.again(first):
            self.queue.alone(batch.tasks)
            return
        elif isinstance(error, errors.OutOfMemoryError):
            reason, how = "it used more memory than the machine has", ""
        else:
            reason, how = "its process died", f"twice ({type(error).__name__})"
        self.queue.alone(batch.tasks[1:])
        self.fail(batch, reason, how)

    def fail(self, batch: _Batch, reason: str, how: str = "") -> None:
        result = lost_fit(batch.tasks[0], self.data, reason, batch.seconds, how)
        self.queue.learn(result)
        self.done(result)

    def check(self) -> None:
        """Stop what is overdue."""
        if dead := self.session.dead():
            raise QuorateError(f"Ray's process {dead!r} has ended, so that no fit can be finished: run again")
        for stream, batch in list(self.running.items()):
            together = first_stack(batch.tasks)
            if batch.seconds >= self.limits.seconds * together:
                self.ray.cancel(stream, force=True)
                self.over(stream)
                if together > 1:  # alone, it is known which one takes so long
                    self.queue.alone(batch.tasks)
                    continue
                self.queue.alone(batch.tasks[1:])
                self.fail(batch, self.limits.overdue())
            elif batch.since is None and not self.session.shared and time.monotonic() >= batch.handed + STARTING:
                # Nothing else takes its place there: its process died, and Ray did not say so.
                self.ray.cancel(stream, force=True)
                self.over(stream)
                self.lost(batch, TimeoutError())
            elif batch.seconds >= SLOW * together and batch.told is not batch.tasks[0]:
                batch.told = batch.tasks[0]
                self.limits.slow(batch.tasks[0], batch.seconds)

    def see_room(self) -> None:
        """Wait a while for a node to join, if none that is left has room."""
        if self.running or self.doubtful or not len(self.queue) or any(not n.usable for n in self.nodes.hoped):
            self.lonely = None
        elif self.lonely is None:
            self.lonely = time.monotonic()
            self.limits.warn("no node of the Ray cluster has room for the fits that are left: waiting for one to join")
        elif time.monotonic() - self.lonely > LONELY:
            raise QuorateError(f"no node with room for the fits that are left joined the Ray cluster in {LONELY:g} s")
