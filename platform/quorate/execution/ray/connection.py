"""Starting a Ray of our own, or joining a cluster, in the background; and ending it."""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from quorate.errors import QuorateError
from quorate.execution.ray.reaper import LOCK, kill_users, reap, watch

STORE_BYTES = 1 << 30
ANSWER = 5.0  # seconds within which a cluster must accept a connection
KEEPER = "quorate-ray"  # the name of threads that keep a Ray of ours
PATIENCE = 0.3  # seconds that an interrupt waits for a start that is under way
LONGEST = 300.0  # seconds within which Ray starts, or never does: a busy machine takes a minute

# One Ray per process: a start waits until an earlier one, which was interrupted, has ended.
_turn = threading.Lock()


class Connection:
    """Ray, as soon as it has started in its thread: one of our own, or an existing cluster.

    Where the program that starts a run uses Ray already, that one is taken, and left as it is.

    Parameters
    ----------
    environment : mapping
        What Ray reads from the environment, set for this process and those that it starts.
    address : str
        ``HOST:PORT`` of an existing cluster; default: a Ray of our own, in a folder of its own.
    arguments : mapping
        What a Ray of our own is started with.
    """

    def __init__(
        self, environment: Mapping[str, str], address: str = "", arguments: Mapping[str, Any] | None = None
    ) -> None:
        self.address = address
        self.borrowed = not address and _started_here()
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        if not address and not self.borrowed:
            self._folder, self._lock = _make_folder()
        self._watch = watch(self._folder) if self._folder is not None else None
        # Ray's own handler of SIGTERM prints a stack and ends this process before it can clean up.
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1"}
        self._environment = {} if self.borrowed else {**environment, **quiet}
        self._arguments = dict(arguments or {})
        self._before: dict[str, str | None] = {}
        self._failure: BaseException | None = None
        self._connected, self._ended = False, False
        self._started, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, name=KEEPER, daemon=True)
        self._thread.start()

    def ray(self, without: str = "--set execution.executor=processes") -> Any:
        """Return Ray's module, connected; waits for it.

        Parameters
        ----------
        without : str
            What does without a Ray of our own.

        Raises
        ------
        QuorateError
            If it could not be started, or has been ended.
        """
        if not self._started.wait(LONGEST):
            what = f"the Ray cluster at {self.address}" if self.address else "Ray"
            raise QuorateError(f"{what} has not answered for {LONGEST:g} s: run without it: {without}")
        if self._ended:
            raise QuorateError("this executor was closed: make another")
        if self._failure is None:
            return sys.modules["ray"]
        if self.address:
            reason = f"{self._failure}".split("\n")[0]
            cause = self._failure.__cause__ or self._failure.__context__
            raise QuorateError(
                f"the Ray cluster at {self.address} cannot be joined: {reason}{f' ({cause})' if cause else ''}: it "
                "must be running, with the same versions of Ray and Python, and the same token (RAY_AUTH_TOKEN_PATH)"
            ) from self._failure
        raise QuorateError(f"Ray could not be started: {self._failure}; run without it: {without}") from self._failure

    @property
    def shared(self) -> bool:
        """Whether it is not of our own: a cluster, or what the program has started itself."""
        return self._folder is None

    def dead(self) -> str:
        """Return which of the processes of our own Ray has died; without them it waits for ever."""
        node = sys.modules["ray"]._private.worker._global_node
        dead = [] if self.shared or node is None else node.dead_processes()
        return str(dead[0][0]) if dead else ""

    def end(self, at_once: bool = False) -> None:
        """Stop our own Ray and remove its folder, or leave the cluster; may be called twice.

        Parameters
        ----------
        at_once : bool
            Do not wait for a start that is under way: it is ended in the background.
        """
        if self._ended:
            return
        if not at_once:
            self._started.wait(LONGEST)
        self._ended = True
        if not self._started.is_set():
            self._thread.join(PATIENCE)
            if shutdown := getattr(sys.modules.get("ray"), "shutdown", None):
                atexit.unregister(shutdown)  # it would wait for the start
            return
        with _turn:
            self._disconnect()
            self._restore()
        self._over.set()
        self._remove()

    def _live(self) -> None:
        with _turn:
            try:
                if not self._ended:
                    self._start()
            except BaseException as e:
                self._failure = e
            self._started.set()
            if self._ended:  # interrupted while it started
                with suppress(Exception):
                    self._disconnect()
                self._restore()
                self._remove()
                return
        # Ray's processes are told to end with the thread that started them.
        self._over.wait()

    def _start(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        if self.address:
            knock(self.address)  # Ray also prints what it tries
        import ray
        from ray._private import worker

        raylet: Any = importlib.import_module("ray._raylet")

        if self._ended:
            return
        if self.borrowed:
            return
        if ray.is_initialized():
            raise RuntimeError("this process uses Ray already; call ray.shutdown() first")
        # What it read of the environment when it was imported, or for an earlier Ray.
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()
        worker.listen_error_messages = lambda *_: None  # it prints whatever happens to a worker
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address:
            ray.init(address=self.address, **quiet)
        else:
            # "local": never attach to a cluster that happens to run.
            # Below our own, which nobody else may enter: Ray opens its folder to everybody.
            folder = str(self._folder and self._folder / "r")
            ray.init(address="local", include_dashboard=False, _temp_dir=folder, **quiet, **self._arguments)
        self._connected = True

    def _disconnect(self) -> None:
        if not self._connected:
            return
        self._connected = False
        import ray

        # Errors of fits hold references to objects in cycles; one that is collected later, by whatever thread, while
        # Ray is shut down, ends the process.
        gc.collect()

        node = ray._private.worker._global_node
        if self._folder is not None and node is not None:
            # It would ask one process after the other to end, and wait for each.
            stop = node.kill_all_processes

            def kill(**_: Any) -> None:
                if self._folder is not None:
                    kill_users(self._folder)
                stop(check_alive=False, allow_graceful=False)

            node.kill_all_processes = kill
        ray.shutdown()

    def _restore(self) -> None:
        # The token of this Ray must not be taken for the user's when a cluster is joined later.
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}

    def _remove(self) -> None:
        watching, self._watch = self._watch, None
        if self._folder is not None and watching is not None:
            watching.kill()  # it would end this process too, whose logs are there
            watching.communicate()
            reap(self._folder)
        if self._lock is not None:
            self._lock.close()


def _started_here() -> bool:
    """Return whether the program has started Ray, or joined a cluster, itself; of ours, a thread keeps each."""
    ray = sys.modules.get("ray")
    ours = any(thread.name == KEEPER for thread in threading.enumerate())
    return ray is not None and not ours and bool(ray.is_initialized())


def knock(address: str) -> None:
    """Raise `OSError`, if nothing accepts a connection at ``HOST:PORT``: Ray waits much longer for one that is gone."""
    parts = urlsplit(f"//{address}")
    socket.create_connection((parts.hostname, parts.port), timeout=ANSWER).close()


def _make_folder() -> tuple[Path, IO[bytes]]:
    """Make a private folder, with a lock to keep, and remove those that nobody keeps locked any more.

    Numbers of processes do not tell whose they are: containers may share the folders but not these.
    """
    for kept in Path(tempfile.gettempdir()).glob(f"quorate-*-*/{LOCK}"):
        with suppress(OSError), kept.open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            reap(kept.parent)
    # A short path, because Unix sockets live below it and their paths are limited.
    made = Path(tempfile.mkdtemp(prefix=f".quorate-{os.getpid()}-"))
    held = (made / LOCK).open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    # Others see it only now, when it is locked.
    return made.rename(made.with_name(made.name[1:])), held
