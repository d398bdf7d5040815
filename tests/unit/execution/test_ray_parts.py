"""What the Ray executor is made of, without Ray."""

from __future__ import annotations

import importlib.metadata
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from quorate.dataset.folds import Fold
from quorate.errors import QuorateError
from quorate.execution import machine
from quorate.execution.executor import Limits, Remote
from quorate.execution.queue import Queue, Resources
from quorate.execution.ray import connection
from quorate.execution.ray.connection import Connection, _make_folder
from quorate.execution.ray.executor import RayExecutor
from quorate.execution.ray.nodes import Node
from quorate.execution.ray.reaper import LOCK, kill_users, users, watch
from quorate.execution.ray.work import distribution_modules, make_probe
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.plugins.provider import Reference

HOLDS = "import sys, time; f = open(sys.argv[1], 'w'); print('open', flush=True); time.sleep(600)"

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc")


def hold(file: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_only_those_that_use_the_folder_are_killed(tmp_path: Path) -> None:
    for name in ("ours", "ours-too"):
        (tmp_path / name).mkdir()
    ours, other = hold(tmp_path / "ours" / "log"), hold(tmp_path / "ours-too" / "log")
    with (tmp_path / "ours" / "mine").open("w"):  # this process is spared
        assert users(tmp_path / "ours") == [ours.pid]
        kill_users(tmp_path / "ours")
    assert ours.wait(60) == -9
    assert other.poll() is None
    other.kill()
    for process in (ours, other):
        process.communicate()


def test_the_watch_ends_what_uses_the_folder_once_nobody_holds_its_input(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    folder.mkdir()
    ours = hold(folder / "log")
    watching = watch(folder)
    time.sleep(0.3)
    assert ours.poll() is None
    watching.communicate()
    assert ours.wait(10) == -9
    ours.communicate()
    assert not folder.exists()


def test_a_probe_tells_versions_and_what_is_absent() -> None:
    told = make_probe(["numpy"], ["scikit-learn", "no-such-package"])()
    assert told["libraries"]["numpy"] == importlib.metadata.version("numpy")
    assert told["libraries"]["quorate"] == importlib.metadata.version("quorate")
    assert told["packages"] == {"scikit-learn": importlib.metadata.version("scikit-learn"), "no-such-package": ""}
    assert told["error"] == ""


def test_the_modules_of_a_distribution_are_found() -> None:
    assert distribution_modules("scikit-learn", "sklearn.linear_model") == ["sklearn"]
    assert distribution_modules("unheard-of", "unheard.models") == ["unheard"]


def test_a_folder_is_removed_only_when_its_lock_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    live, held = _make_folder()
    # As a container sees it that shares the folders: no process here has that number.
    elsewhere = live.rename(tmp_path / "quorate-99999999-live")
    others = tmp_path / "quorate-1-data"
    others.mkdir()
    second, too = _make_folder()
    assert elsewhere.exists()
    looking = hold(second / LOCK)
    assert users(second) == []
    for file in (held, too):
        file.close()
    third, last = _make_folder()
    assert looking.poll() is None
    assert sorted(tmp_path.iterdir()) == sorted([others, third])
    last.close()
    looking.kill()
    looking.communicate()


def test_a_cluster_that_is_not_there_is_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        start = time.monotonic()
        session = Connection({}, address)
        with pytest.raises(QuorateError, match=f"the Ray cluster at {address} cannot be joined: .*refused"):
            session.ray()
        assert time.monotonic() - start < 60
        assert session._failure is not None
        session.end()
        with pytest.raises(QuorateError, match="this executor was closed"):
            session.ray()
    assert capfd.readouterr() == ("", "")


def test_a_ray_that_never_answers_is_an_error_and_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(connection, "LONGEST", 0.1)
    monkeypatch.setattr(connection, "PATIENCE", 0.1)
    monkeypatch.setattr(Connection, "_start", lambda self: go_on.wait(60))
    monkeypatch.setattr(Connection, "_disconnect", lambda self: ended.set())
    session = Connection({}, "127.0.0.1:1")
    try:
        with pytest.raises(QuorateError, match=r"at 127.0.0.1:1 has not answered for 0.1 s: run without it: --set"):
            session.ray()
        session.end()
        assert not ended.is_set()
    finally:
        go_on.set()
    assert ended.wait(60)  # in the background, as soon as it can be


def test_a_share_of_a_gpu_is_never_spread_over_two() -> None:
    node = Node("a", "host", Resources(8, 2, 100), 8)
    assert node.free.gpus == 2
    first = node.take(Resources(1, 0.6))
    assert node.free.gpus == 1
    second = node.take(Resources(1, 0.6))
    assert first != second
    assert not node.free.holds(Resources(1, 0.6))
    third = node.take(Resources(1, 0.4))
    assert third in (first, second)
    for took, gpus in ((0.6, first), (0.6, second), (0.4, third)):
        node.give(Resources(1, took), gpus)
    assert node.free == Resources(8, 2, 100)
    thirds = [node.take(Resources(1, 1 / 3)) for _ in range(3)]
    assert thirds == [[0]] * 3
    assert node.take(Resources(1, 1)) == [1]
    assert node.free.gpus == pytest.approx(0)


class Lost(Exception):
    """Ray's error."""


@dataclass
class Machine:
    """A node of a cluster that is only played."""

    name: str
    cpus: int = 1
    cpu: str = field(default_factory=lambda: machine.machine()["cpu"])
    breaks: bool = False  # from its second process on
    processes: int = 0


class PlayedRay:
    """As much of Ray as the executor uses: a task has run as soon as it is started."""

    def __init__(self, *machines: Machine) -> None:
        self.machines = list(machines)
        self.exceptions = SimpleNamespace(RayError=Lost, RayTaskError=ZeroDivisionError, OutOfMemoryError=MemoryError)
        on = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = SimpleNamespace(scheduling_strategies=on)

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"NodeID": m.name, "Alive": True, "NodeManagerHostname": m.name, "Resources": {"CPU": float(m.cpus)}}
            for m in self.machines
        ]

    def remote(self, function: Any) -> Any:
        def options(scheduling_strategy: str, num_returns: str = "", **_: Any) -> Any:
            [there] = [m for m in self.machines if m.name == scheduling_strategy]

            def start(*arguments: Any) -> Any:
                there.processes += 1
                if there.breaks and there.processes > 1:
                    return iter([Lost()]) if num_returns else Lost()
                if num_returns:
                    return (
                        FitResult(t.model, t.fold, np.zeros(1), n_train=1, seconds=1.0, place=there.name)
                        for t in arguments[0]
                    )
                return {**function(), "cpu": there.cpu}

            return SimpleNamespace(remote=start)

        return SimpleNamespace(options=options)

    def put(self, value: Any) -> Any:
        return value

    def get(self, value: Any) -> Any:
        if isinstance(value, Lost):
            raise value
        return value

    def wait(self, streams: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return list(streams), []

    def cancel(self, stream: Any, force: bool) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def play(
    ray: PlayedRay, monkeypatch: pytest.MonkeyPatch, address: str, warned: list[str]
) -> tuple[RayExecutor, FitData, list[FitTask]]:
    monkeypatch.setattr("quorate.execution.ray.nodes.LOOK", 0.0)
    executor = RayExecutor(0, cluster=Remote(address))
    monkeypatch.setattr(executor._connection, "ray", lambda: ray)
    monkeypatch.setattr(executor._connection, "dead", lambda: "")
    rows = np.arange(2)
    data = FitData(None, tuple(Fold(i, 0, 1, rows, rows) for i in range(6)))  # type: ignore[arg-type]
    plugin = Reference("model", "m", "no.module")
    return executor, data, [FitTask("m", i, plugin, {}, 0, 1, True) for i in range(6)]


def test_what_a_node_had_that_is_refused_later_is_handed_out_again(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    broken = Machine("broken", cpus=2, breaks=True)
    warned: list[str] = []
    executor, data, tasks = play(PlayedRay(broken, Machine("sound")), monkeypatch, address, warned)
    results: list[FitResult] = []
    with executor:
        executor.run(data, Queue(data, tasks), results.append, lambda tasks: None, Limits(warn=warned.append))
    assert sorted(r.fold for r in results) == list(range(6))
    assert {(r.place, r.error) for r in results} == {("sound", "")}
    assert executor.workers == 1
    [message] = warned
    assert "node broken (broken): its processes die" in message
    executor._there()._ray.machines.pop()
    with pytest.raises(QuorateError, match="no node that can be used"):
        executor.run(data, Queue(data, tasks), results.append, lambda tasks: None)


def test_nodes_that_join_add_slots_and_other_processors_are_marked(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    ray = PlayedRay(Machine("here"))
    warned: list[str] = []
    executor, data, tasks = play(ray, monkeypatch, address, warned)
    results: list[FitResult] = []
    handed: list[FitTask] = []
    under_way: list[int] = []

    def done(result: FitResult) -> None:
        results.append(result)
        if len(ray.machines) == 1:
            ray.machines.append(Machine("there", cpus=2, cpu="Abacus 3000"))

    def began(batch: Sequence[FitTask]) -> None:
        handed.extend(batch)
        under_way.append(len(handed) - len(results))

    with executor:
        executor.run(data, Queue(data, tasks), done, began, Limits(warn=warned.append))
    assert {r.place: r.foreign for r in results} == {"here": False, "there": True}
    assert executor.workers == 3
    assert max(under_way) == 3
    [message] = warned
    assert "another processor (Abacus 3000)" in message


class SilentRay(PlayedRay):
    """It does not say that the first process died before it began."""

    def __init__(self, *machines: Machine, deaths: int) -> None:
        super().__init__(*machines)
        self.deaths = deaths
        self.dead: list[Any] = []
        self.cancelled: list[Any] = []

    def wait(self, streams: list[Any], **options: Any) -> tuple[list[Any], list[Any]]:
        fits = [s for s in streams if not isinstance(s, dict) and s not in self.dead]  # a probe is a mapping
        self.dead += fits[: self.deaths - len(self.dead)]
        return [s for s in streams if s not in self.dead], []

    def cancel(self, stream: Any, force: bool) -> None:
        self.cancelled.append(stream)


@pytest.mark.parametrize("deaths", [1, 2])
def test_what_does_not_begin_is_handed_out_again_once(
    monkeypatch: pytest.MonkeyPatch, address: str, deaths: int
) -> None:
    ray = SilentRay(Machine("here"), deaths=deaths)
    executor, data, tasks = play(ray, monkeypatch, address, [])
    executor._there()  # the node is played as one of a cluster, that nobody else uses
    monkeypatch.setattr(type(executor._connection), "shared", False)
    monkeypatch.setattr("quorate.execution.ray.executor.STARTING", 0.0)
    results: list[FitResult] = []
    with executor:
        executor.run(data, Queue(data, tasks[:1]), results.append, lambda tasks: None, Limits(memory=1))
    assert len(ray.cancelled) == deaths
    assert [r.error for r in results] == ([""] if deaths == 1 else ["its process died"])
