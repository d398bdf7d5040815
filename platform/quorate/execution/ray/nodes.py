"""The nodes of a Ray: what they have, and whether fits may run there."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.executor import Told
from quorate.execution.machine import LIBRARIES, differing, libraries, machine
from quorate.execution.queue import Resources, check_room
from quorate.execution.ray.work import distribution_modules, make_probe
from quorate.execution.resources import cpu_count
from quorate.execution.task import FitTask

LOOK = 1.0  # seconds between looks at who is there
ANSWER = 120.0  # seconds in which a node must have told its versions
ASKED = 4  # times, if its processes die


@dataclass(eq=False)
class Node:
    """One machine of the cluster, and how much of it is free of our fits."""

    id: str
    host: str
    total: Resources
    cpus: float  # as Ray counts them: a fit that asks for more runs alone
    probe: Any = None  # its answer, as long as it is awaited
    asked: float = field(default_factory=time.monotonic)
    failures: int = 0  # of probes
    usable: bool = False
    ships: frozenset[str] = frozenset()  # distributions that it lacks
    foreign: bool = False  # its processor is of another kind than this machine's

    def __post_init__(self) -> None:
        self._free = self.total
        self._gpus = [1.0] * int(self.total.gpus)  # what is free of each

    @property
    def free(self) -> Resources:
        """What is free; of GPUs the most that one fit could have: a share is never spread over several."""
        whole = sum(share > 1 - 1e-9 for share in self._gpus)
        return replace(self._free, gpus=whole or max(self._gpus, default=0.0))

    def take(self, takes: Resources) -> list[int]:
        """Take what a fit takes; return which GPUs. As Ray does, those that have the least room for it."""
        self._free -= takes
        share = min(takes.gpus, 1.0)
        able = [i for i, free in enumerate(self._gpus) if free >= share - 1e-9]
        gpus = sorted(able, key=lambda i: self._gpus[i])[: math.ceil(takes.gpus)]
        for i in gpus:
            self._gpus[i] -= share
        return gpus

    def give(self, takes: Resources, gpus: Sequence[int]) -> None:
        """Give back what was taken."""
        self._free += takes
        for i in gpus:
            self._gpus[i] += min(takes.gpus, 1.0)


class Nodes:
    """The nodes that are alive, looked at again every second; a new one is asked for its versions first.

    Parameters
    ----------
    ray : module
        Connected.
    cluster : bool
        Whether others than this machine may be there.
    warn : callable
        Hears of nodes that cannot be used.
    """

    def __init__(self, ray: Any, cluster: bool, warn: Told) -> None:
        self._ray, self._cluster, self.warn = ray, cluster, warn
        self._nodes: dict[str, Node] = {}
        self._packages: dict[str, str] = {}
        self._told: set[str] = set()
        self._looked = 0.0
        self._admitted = False
        self._versions = libraries()

    @property
    def usable(self) -> list[Node]:
        """Those that fits may run on, the freest first."""
        return sorted((n for n in self._nodes.values() if n.usable), key=lambda n: -n.free.cpus)

    @property
    def hoped(self) -> list[Node]:
        """Those that were not refused."""
        return [node for node in self._nodes.values() if node.id not in self._told]

    @property
    def total(self) -> Resources:
        """What the nodes have together, save those that were refused."""
        return sum((node.total for node in self.hoped), Resources())

    def alive(self, node: Node) -> bool:
        """Whether a node is still there, as far as is known; one that was refused gives nothing any more."""
        return self._nodes.get(node.id) is node and node.id not in self._told

    def doubt(self, node: Node) -> None:
        """Give a node nothing until it has answered: a process died there, and perhaps all of it."""
        if self._cluster:
            node.usable, node.probe, node.failures = False, None, 0
        self.look(at_once=True)

    def admit(self, tasks: Sequence[FitTask]) -> None:
        """Ask all nodes for their versions, and wait for the answers.

        Raises
        ------
        QuorateError
            If a version of one differs from this process's, or no node is left that was not refused earlier.
        RecipeError
            If a fit asks for more than any has.
        """
        self._packages |= {
            t.plugin.distribution: t.plugin.version or ""
            for t in tasks
            if t.plugin.distribution and t.plugin.distribution not in self._versions
        }
        for node in self._nodes.values():  # there may be packages that it was not asked for
            node.usable, node.probe = False, None
        refused: list[str] = []
        self._admitted = True
        while True:
            self.look(refused.append, at_once=True)
            if all(node.usable or node.id in self._told for node in self._nodes.values()):
                break
            asked = [node.probe for node in self._nodes.values() if node.probe]
            if asked:
                self._ray.wait(asked, timeout=LOOK)
        if refused:
            raise QuorateError(
                "the nodes of the Ray cluster must have the versions that this process has, for numbers to be the "
                "same everywhere:\n  " + "\n  ".join(refused)
            )
        homeless = [t for t in tasks if not any(n.total.holds(Resources.of(t)) for n in self.usable)]
        if self._nodes and not self.usable:
            raise QuorateError(
                "the Ray cluster has no node that can be used: all that are there were refused, as was told before: "
                "repair them and run again"
            )
        if homeless and self._nodes:
            where = "the largest node of the Ray cluster" if self._cluster else "this machine"
            check_room(homeless, max((n.total for n in self.usable), key=lambda t: (t.cpus, t.gpus, t.memory)), where)

    def look(self, refuse: Callable[[str], None] | None = None, at_once: bool = False) -> None:
        """See who has come, who has answered, and who is gone."""
        if not at_once and time.monotonic() < self._looked + LOOK:
            return
        self._looked = time.monotonic()
        there = {n["NodeID"]: n for n in self._ray.nodes() if n["Alive"]}
        self._nodes = {key: node for key, node in self._nodes.items() if key in there}
        for key, found in there.items():
            if key not in self._nodes:
                has = found["Resources"]
                total = Resources(has.get("CPU", 0.0), int(has.get("GPU", 0)), has.get("memory", 0.0))
                if total.cpus:
                    if not self._cluster:
                        total = replace(total, cpus=max(total.cpus, cpu_count()))
                    self._nodes[key] = Node(key, found["NodeManagerHostname"], total, has["CPU"])
        for node in self._nodes.values():
            if not self._cluster:
                node.usable = True
            elif self._admitted and not node.usable and node.id not in self._told:
                self._ask(node, refuse or self._refuse)

    def _ask(self, node: Node, refuse: Callable[[str], None]) -> None:
        """Ask a node for its versions, or hear the answer."""
        if node.probe is None:
            probe = self._ray.remote(make_probe(list(LIBRARIES), list(self._packages)))
            node.probe = probe.options(num_cpus=0, max_retries=0, scheduling_strategy=self.on(node)).remote()
            node.asked = time.monotonic()
            return
        if self._ray.wait([node.probe], timeout=0)[0]:
            try:
                reason = self._judge(node, self._ray.get(node.probe))
            except self._ray.exceptions.RayError as e:
                node.failures += 1
                if node.failures < ASKED:  # it may be about to be gone
                    node.probe = None
                    return
                reason = f"its processes die: {type(e).__name__}"
        elif time.monotonic() - node.asked < ANSWER:
            return
        else:
            reason = f"it started no process within {ANSWER:g} s"
        node.probe, node.usable = None, not reason
        if reason:
            self._told.add(node.id)
            refuse(f"node {node.host} ({node.id[:8]}): {reason}")

    def _refuse(self, reason: str) -> None:
        self.warn(f"a node joined that cannot be used: {reason}")

    def _judge(self, node: Node, told: dict[str, Any]) -> str:
        """Return why a node cannot be used, or nothing."""
        if told["error"]:
            install = f"pip install quorate=={self._versions['quorate']}"
            return f"quorate {told['libraries']['quorate']}: {told['error']}: {install} there"
        differences = differing(self._versions, told["libraries"])
        if differences:
            return f"{', '.join(differences)} (here -> there)"
        node.foreign = told["cpu"] != machine()["cpu"]
        if node.foreign and told["cpu"] not in self._told:
            self._told.add(told["cpu"])
            self.warn(
                f"node {node.host} has another processor ({told['cpu']}) than this machine ({machine()['cpu']}): the "
                "last bits of results may differ, and its results are not kept for later runs"
            )
        node.ships = frozenset(name for name, version in told["packages"].items() if version != self._packages[name])
        return ""

    def on(self, node: Node) -> Any:
        """Return the strategy that puts a task there."""
        if not self._cluster:
            return "DEFAULT"
        return self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)


def shipment(modules: dict[str, str], distributions: frozenset[str]) -> list[str]:
    """Give Ray the packages that a node lacks, and return where it finds them; `modules`: one per distribution."""
    import importlib.util

    from ray._private.runtime_env.py_modules import upload_py_modules_if_needed

    found: list[str] = []
    for distribution in sorted(distributions):
        for name in distribution_modules(distribution, modules[distribution]):
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.submodule_search_locations:
                found += list(spec.submodule_search_locations)
            elif spec is not None and spec.origin:
                found.append(spec.origin)
    with tempfile.TemporaryDirectory() as scratch:
        uploaded: list[str] = upload_py_modules_if_needed({"py_modules": found}, False, scratch)["py_modules"]
    return uploaded
