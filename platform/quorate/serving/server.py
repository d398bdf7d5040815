"""The application on uvicorn: a socket, signals, and connections that must not dawdle."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from quorate.errors import QuorateError, StoreError, visible
from quorate.serving.models import Models

HEAD = 10.0  # seconds, within which the head of a request must come
IDLE = 15  # seconds, after which a connection that asks nothing is closed
CONNECTIONS = 512
STOP = 30  # seconds, that requests have to be finished in, when the server is stopped


class _Prompt(H11Protocol):
    """A connection that is closed, if the head of a request does not come in time; uvicorn waits for it for ever."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_wait()
        elif self._head is None and self.timeout_keep_alive_task is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._head = self.loop.call_later(HEAD, self.transport.close)

    def _end_wait(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    """A server whose signals are ours: uvicorn would end the process by the signal, once all is finished."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises
    ------
    StoreError
        If it cannot.
    """
    try:
        # With its protocol: asyncio sends at once, in place of waiting for more, on sockets that say that they are TCP.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except (OSError, OverflowError, UnicodeError) as e:
        why = getattr(e, "strerror", None) or e
        raise StoreError(f"cannot listen at {host}, port {port}: {why}; --port 0 takes any that is free") from None
    return found


def run(app: FastAPI, models: Models, at: socket.socket, *, watch: float = 0.0, began: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished.

    Parameters
    ----------
    at : socket
        As `listen` gives it.
    watch : float
        Seconds, after which the registry is read again each time; 0: only when asked, or at SIGHUP.
    began : callable
        Called as soon as it serves.
    """
    config = uvicorn.Config(
        app,
        http=_Prompt,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=STOP,
    )
    asyncio.run(_serve(_Server(config), models, at, watch, began))


async def _serve(server: _Server, models: Models, at: socket.socket, watch: float, began: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Task[Any]] = set()

    def stop() -> None:  # at once, if that is said twice
        server.force_exit, server.should_exit = server.should_exit, True

    def reload() -> None:
        task = loop.create_task(_reload(models))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    for name, do in (("SIGTERM", stop), ("SIGINT", stop), ("SIGHUP", reload)):
        with suppress(NotImplementedError, AttributeError):  # of a system that has no such signal
            loop.add_signal_handler(getattr(signal, name), do)
    if watch:
        task = loop.create_task(_watch(models, watch))
        under_way.add(task)
    at.listen(server.config.backlog)
    began()
    await server.serve(sockets=[at])
    for task in under_way:
        task.cancel()


async def _watch(models: Models, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _reload(models, quiet=True)


async def _reload(models: Models, quiet: bool = False) -> None:
    """Read the registry again, and tell what changed."""
    try:
        found = await asyncio.to_thread(models.reload)
    except (QuorateError, OSError) as e:
        print(visible(f"not reloaded: {e}"), file=sys.stderr, flush=True)
        return
    for name, why in found["failed"].items():
        print(visible(f"{name}: {why}"), file=sys.stderr, flush=True)
    if not quiet or found["loaded"] or found["gone"]:
        print(f"serving {', '.join(found['versions']) or 'nothing'}", file=sys.stderr, flush=True)
