"""The nodes of a Ray cluster of our own on this machine, for trying what needs several."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from quorate.errors import QuorateError, RecipeError
from quorate.execution.machine import command_of, fields_of, start_time

JOBS_PORT = 8265
STORE_BYTES = 512 << 20  # of one node's object store
PREFIX = "quorate-cluster-"  # of the folder that all of a cluster lies in
OWNER = "quorate-home"  # a file there: the state that the folder belongs to
MARK = "QUORATE_CLUSTER"  # in the environment of all that our own cluster starts
START = 120.0  # seconds for all nodes to be there
END = 15.0  # seconds to end by themselves
KILL = 15.0  # seconds more to be gone once they were killed
SOCKET_ROOM = 40  # characters of a temporary folder that leave room for the sockets below it


@dataclass(frozen=True)
class OwnNode:
    """A node of our own cluster: the process that started it, and leads its session.

    `started` tells the process from a later one that was given the same number.
    """

    pid: int
    started: str
    cpus: int


@dataclass(frozen=True)
class Cluster:
    """Our own cluster, as kept in ``HOME/cluster/cluster.json``; the first node is the head."""

    address: str
    jobs: str  # URL of the job server; "" without one
    token: Path
    folder: Path  # Ray's temporary files
    nodes: tuple[OwnNode, ...]

    @property
    def up(self) -> bool:
        """Whether its head runs: without it there is no cluster."""
        return bool(self.nodes) and self.nodes[0] in self.running

    @property
    def running(self) -> tuple[OwnNode, ...]:
        """The nodes whose processes run, as told by their start and by the folder in their command."""
        return tuple(
            node
            for node in self.nodes
            if node.started and start_time(node.pid) == node.started and self._leads(command_of(node.pid))
        )

    def _leads(self, command: list[str]) -> bool:
        return not any(command) or f"--temp-dir={self.folder}" in command  # it has none while it begins

    def check(self, home: Path) -> None:
        """Raise `QuorateError`, unless its folder was made here for this home: what is in a home may say anything."""
        roots = {Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve()}
        try:
            found = self.folder.lstat()
            ours = (
                self.folder.parent.resolve() in roots
                and self.folder.name.startswith(PREFIX)
                and stat.S_ISDIR(found.st_mode)
                and found.st_uid == os.geteuid()
                and (self.folder / OWNER).read_text(encoding="utf-8") == str(state_path(home).resolve())
            )
        except FileNotFoundError:
            ours = not self.folder.exists() and not self.running  # it is gone, and there is nothing to end
        except (OSError, ValueError):
            ours = False
        if not ours:
            raise QuorateError(
                f"{state_path(home)} names {self.folder}, which was not made here for a cluster of this home: nothing "
                "was ended or removed; end its processes by hand, and remove the file"
            )


def state_path(home: Path) -> Path:
    """Return where the state of our own cluster is kept."""
    return home / "cluster" / "cluster.json"


def token_path(home: Path) -> Path:
    """Return where the token of our own cluster is kept."""
    return state_path(home).parent.absolute() / "token"


def known_cluster(home: Path) -> Cluster | None:
    """Return our own cluster as it was left, whether it still runs or not.

    Raises
    ------
    QuorateError
        If its state cannot be read.
    """
    path = state_path(home)
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        nodes = tuple(OwnNode(int(n["pid"]), str(n["started"]), int(n["cpus"])) for n in state["nodes"])
        # The token is the home's own, whatever is written there.
        return Cluster(str(state["address"]), str(state["jobs"]), token_path(home), Path(state["folder"]), nodes)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as e:
        raise QuorateError(
            f"the state of the cluster in {path} cannot be read: {e}; end its processes by hand and remove the file"
        ) from e


def keep(cluster: Cluster, home: Path) -> None:
    """Store the state of our own cluster, atomically."""
    path = state_path(home)
    temporary = path.with_suffix(".tmp")
    state = {key: value for key, value in asdict(cluster).items() if key != "token"}
    temporary.write_text(json.dumps(state, default=str, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def up(home: Path, nodes: int, cpus: int, registered: Callable[[str], int]) -> Cluster:
    """Start our own cluster on this machine, or add nodes to it, and wait until all nodes are there.

    Parameters
    ----------
    nodes, cpus : int
        How many nodes there are to be, and the CPUs of each new one.
    registered : callable
        Tells how many nodes the cluster at an address has.

    Raises
    ------
    QuorateError
        If it is up already, or a node does not start; what was started is ended again.
    """
    if nodes < 1 or cpus < 1:
        raise RecipeError(f"a cluster must have at least one node and one CPU on each; asked for were {nodes}, {cpus}")
    if not Path("/proc/self/environ").exists():
        raise QuorateError("a cluster of several nodes on one machine needs Linux; give the address of a real one")
    cluster = known_cluster(home)
    if cluster is not None:
        cluster.check(home)
        if not cluster.up:
            down(home)
            cluster = None
    if cluster is None:
        cluster = _prepare(home)
    elif nodes <= len(cluster.running):
        raise QuorateError(
            f"a cluster of {len(cluster.running)} nodes is up at {cluster.address}: a larger --nodes adds some, "
            "quorate cluster down stops it"
        )
    before = cluster
    try:
        if not cluster.nodes:
            cluster = _start_head(cluster, home, cpus)
        dead = len(cluster.nodes) - len(cluster.running)
        while len(cluster.nodes) < nodes + dead:
            cluster = _start(cluster, home, cpus, [f"--address={cluster.address}", "--include-log-monitor=false"])
        _wait(cluster, len(before.nodes), lambda: registered(cluster.address) >= nodes)
    except BaseException:
        if before.nodes:  # it was up before, and stays so
            now = known_cluster(home) or cluster
            _end(replace(now, nodes=tuple(node for node in now.nodes if node not in before.nodes)), whole=False)
            keep(before, home)
        else:
            down(home)
        raise
    return cluster


def down(home: Path) -> bool:
    """End every process of our own cluster and remove its files; return whether there was one."""
    if state_path(home).parent.is_symlink():
        raise QuorateError(f"{state_path(home).parent} is a link, which is not followed: nothing was ended or removed")
    cluster = known_cluster(home)
    if cluster is not None:
        cluster.check(home)
        _end(cluster)
        shutil.rmtree(cluster.folder, ignore_errors=True)
    there = state_path(home).parent.exists()
    for path in (state_path(home), state_path(home).with_suffix(".tmp"), token_path(home)):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody keeps something of his own there
        state_path(home).parent.rmdir()
    return there


def _prepare(home: Path) -> Cluster:
    """Make the token and the folders of a new cluster."""
    token = token_path(home)
    token.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise QuorateError(
            "another process is starting a cluster; if none is, remove what is left of an earlier one: quorate cluster "
            "down"
        ) from None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32))
    # Sockets live below it, and their paths are limited.
    root = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=root if len(root) <= SOCKET_ROOM else "/tmp")
    (Path(folder) / OWNER).write_text(str(state_path(home).resolve()), encoding="utf-8")
    jobs = f"http://127.0.0.1:{_free_port(JOBS_PORT)}" if importlib.util.find_spec("aiohttp_cors") else ""
    cluster = Cluster("", jobs, token, Path(folder), ())
    keep(cluster, home)
    return cluster


def _start_head(cluster: Cluster, home: Path, cpus: int) -> Cluster:
    client = f"--ray-client-server-port={_free_port(0)}"  # its usual one may be that of another cluster
    board = ["--dashboard-host=127.0.0.1", f"--dashboard-port={urlsplit(cluster.jobs).port or _free_port(0)}"]
    head = _start(cluster, home, cpus, ["--head", "--port=0", client, *board, "--disable-usage-stats"])
    file = cluster.folder / "ray_current_cluster"
    _wait(head, 0, lambda: file.exists() and file.stat().st_size > 0)  # it is there before it is written
    head = replace(head, address=file.read_text(encoding="utf-8").strip())
    keep(head, home)
    return head


def _start(cluster: Cluster, home: Path, cpus: int, options: list[str]) -> Cluster:
    """Start a node in a session of its own, so that Ctrl-C does not reach it."""
    program = Path(sys.executable).with_name("ray")
    if not program.exists():
        raise QuorateError(f"cannot start a node: there is no {program}; install Ray: pip install 'quorate[cluster]'")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    environment |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(cluster.token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_task_oom_retries": "1",  # by default a task that runs out of memory is retried for ever
        "RAY_worker_niceness": "0",
        "OMP_WAIT_POLICY": "PASSIVE",
        MARK: str(cluster.folder),
    }
    fixed = [f"--num-cpus={cpus}", f"--object-store-memory={STORE_BYTES}", f"--temp-dir={cluster.folder}", "--block"]
    with open(_log(cluster, len(cluster.nodes)), "wb") as log:
        process = subprocess.Popen(
            [str(program), "start", *options, *fixed, "--dashboard-agent-listen-port=0", "--log-color=false"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=cluster.folder,
            start_new_session=True,
        )
    cluster = replace(cluster, nodes=(*cluster.nodes, OwnNode(process.pid, start_time(process.pid), cpus)))
    keep(cluster, home)
    return cluster


def _wait(cluster: Cluster, first: int, ready: Callable[[], bool]) -> None:
    """Wait until all is there, or one of the nodes from number `first` on has ended."""
    end = time.monotonic() + START
    while not ready():
        running = cluster.running
        lost = [number for number in range(first, len(cluster.nodes)) if cluster.nodes[number] not in running]
        if lost or time.monotonic() > end:
            number = lost[0] if lost else len(cluster.nodes) - 1
            said = _log(cluster, number).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
            what = "ended" if lost else f"was not there after {START:.0f} s"
            raise QuorateError("\n".join([f"node {number} of the cluster {what}; the last that it said:", *said]))
        time.sleep(0.2)


def _end(cluster: Cluster, whole: bool = True) -> None:
    """End these nodes and all that they started: gently, then hard; `whole`: there are no other nodes.

    Raises
    ------
    QuorateError
        If some cannot be ended: they are another user's by now, or wait for a device.
    """
    gone = (ProcessLookupError, PermissionError)
    for node in cluster.running:
        with contextlib.suppress(*gone):
            os.kill(node.pid, signal.SIGTERM)  # it ends what it started
    end = time.monotonic() + END
    family = _family(cluster, whole)  # found while their parents live: a job's processes have sessions of their own
    while family:
        if not cluster.running or time.monotonic() > end:
            for pid in family:
                with contextlib.suppress(*gone):
                    os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end + KILL:
            raise QuorateError(
                f"some processes of the cluster at {cluster.address} do not end, though they were killed: "
                f"{', '.join(map(str, sorted(family)))}; end them, then call quorate cluster down again"
            )
        time.sleep(0.1)
        family = {pid: started for pid, started in family.items() if start_time(pid) == started}
        family |= _family(cluster, whole)


def _family(cluster: Cluster, whole: bool) -> dict[int, str]:
    """Return every process of these nodes and when it began: of their sessions, and what descends from those.

    All carry a mark in their environment, but those that gave themselves a title lost it; so it tells which
    sessions are ours, where the process that led one is gone, and finds what its parents left behind.
    """
    mark = f"{MARK}={cluster.folder}".encode()
    parents: dict[int, int] = {}
    sessions: dict[int, int] = {}
    marked: set[int] = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            fields = fields_of(pid)
            parents[pid], sessions[pid] = int(fields[1]), int(fields[3])
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                marked.add(pid)
    led = {sessions[pid] for pid in marked} | {node.pid for node in cluster.running}
    led &= {node.pid for node in cluster.nodes}
    found = {pid for pid, session in sessions.items() if session in led} | (marked if whole else set())
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: started for pid in found if (started := start_time(pid))}


def _log(cluster: Cluster, number: int) -> Path:
    return cluster.folder / f"node-{number}.log"


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise QuorateError("there is no free port on 127.0.0.1")
