"""Alerts for the rules, servers of this machine that take them or do not, and what a plugin does with both."""

from __future__ import annotations

import io
import logging
import socket
import socketserver
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from quorate.plugins.options import defaults_of, options_of
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import Alert
from quorate.recipe.environment import mask
from quorate.testing._base import NotApplicable

SECRET = "Kx7Qv93mTz51Lw"  # what stands in an option that is secret, and must be told nowhere
URLS = ("url", "webhook_url", "endpoint", "webhook")
SERVERS = ("server", "host")
FILES = ("path", "file", "filename")
FOLDERS = ("folder", "directory")

ALERTS = (
    Alert(
        "promotion-failed",
        "2026-11-30T18:00:00+00:00",
        "20261130T180000.000000-nasdaq-1a2b",
        "nasdaq",
        "FAIL",
        "nasdaq: it is not promoted: FAIL, by sharpe",
        "holdout: sharpe 0.42, must be > 1.00: FAIL\nquorate gate 20261130T180000.000000-nasdaq-1a2b",
    ),
    Alert(
        "run-failed",
        "2026-11-30T18:00:01+00:00",
        "",
        "nasdaq",
        "",
        "nasdaq: the run ended with an error",
        "the bars of \"Münchener Rück\" end at 30 €, 100 % of them; {it} said '<none>' \\ and \t more\nquorate alerts",
    ),
)


@dataclass
class Server:
    """A server of this machine, and what it was sent."""

    port: int
    got: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """An address with a secret in it."""
        return f"http://127.0.0.1:{self.port}/in/{SECRET}"


@contextmanager
def answering(*statuses: int) -> Iterator[Server]:
    """Take what is sent by HTTP, and answer with these statuses, and then with the last; without any, with 200."""
    left = list(statuses or (200,))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.got.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        server = Server(port)
        yield server


@contextmanager
def mailbox(refusing: bytes = b"") -> Iterator[Server]:
    """Take mails by SMTP; a command that begins with `refusing` is refused, with its own text in the answer."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.split(b" ")[0].strip().upper()
                if refusing and line.upper().startswith(refusing):
                    self.wfile.write(b"535 no: " + line.strip() + b"\r\n")
                elif word == b"EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    server.got.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self.wfile.write(b"250 taken\r\n")
                else:
                    self.wfile.write({b"AUTH": b"235 yes\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 yes\r\n"))
                if word == b"QUIT":
                    return

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        server = Server(port)
        yield server


@contextmanager
def silent() -> Iterator[Server]:
    """Take connections, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Server(listening.getsockname()[1])


@contextmanager
def nobody() -> Iterator[Server]:
    """Give a port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Server(bound.getsockname()[1])


@contextmanager
def _served(server: Any) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder that is removed."""
    with tempfile.TemporaryDirectory(prefix="quorate-") as place:
        yield Path(place)


def names_of(plugin: Plugin, names: tuple[str, ...]) -> list[str]:
    """Return the options of a plugin that are called so."""
    assert plugin.spec is not None
    return [name for name in options_of(plugin.spec) if name in names]


def options_for(plugin: Plugin, server: Server, place: Path, timeout: float = 5.0) -> dict[str, Any]:
    """Return options that lead to this machine alone, with a secret in each that looks as if it held one."""
    assert plugin.spec is not None
    found: dict[str, Any] = dict(defaults_of(plugin.spec))
    known = {
        **dict.fromkeys(URLS, server.url),
        **dict.fromkeys(SERVERS, "127.0.0.1"),
        **dict.fromkeys(FOLDERS, str(place)),
        "port": server.port,
        "timeout": timeout,
        "user": "desk@example.com",
        "to": "desk@example.com",
    }
    for name in options_of(plugin.spec):
        if name in FILES:
            found[name] = str(place / (Path(str(found.get(name) or "alerts.jsonl")).name))
        elif name in known:
            found[name] = known[name]
        elif name not in found or (isinstance(found[name], str) and mask({name: SECRET}) != {name: SECRET}):
            found[name] = SECRET if mask({name: SECRET}) != {name: SECRET} else "some"
    return found


@dataclass(frozen=True)
class Sent:
    """What came of an alert: what it returned or raised, and all that it said."""

    answer: Any
    error: BaseException | None
    said: str


def send(plugin: Plugin, alert: Alert, options: Mapping[str, Any]) -> Sent:
    """Call a plugin's function, and hear all that it prints, logs and warns of."""
    assert plugin.spec is not None
    function: Callable[..., Any] = plugin.spec.resolve()
    out, answer, error = io.StringIO(), None, None
    handler, root = logging.StreamHandler(out), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as told, redirect_stdout(out), redirect_stderr(out):
            warnings.simplefilter("always")
            try:
                answer = function(alert, **options)
            except NotApplicable:
                raise
            except Exception as e:
                error = e
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    return Sent(answer, error, "\n".join([out.getvalue(), *(str(one.message) for one in told)]))
