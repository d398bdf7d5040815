"""What a server asks of every request before it is read: who, how often, how much, for how long."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quorate.errors import RecipeError, visible
from quorate.serving.requests import Refused

if TYPE_CHECKING:
    from quorate.serving.metrics import Metrics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LEAST_TOKEN = 16  # characters
CLIENTS = 10_000  # that are told apart
OPEN = ("/health",)  # for everybody
SHOWN_PATH = 100
FAULT = "a fault of the server: its log says where"


@dataclass(frozen=True)
class Limits:
    """What is asked of requests.

    Parameters
    ----------
    token : str
        That clients send as ``Authorization: Bearer TOKEN``; empty: none.
    hosts : frozenset of str
        Names that the server may be called by. Addresses, and ``localhost``, always do.
    body : int
        Bytes of a request, at most.
    rate : float
        Requests of a client a second, at most, on average; twice as many at once. 0: any number.
    seconds : float
        Until a request is answered, at most.
    log : bool
        Whether each request is a line of JSON on standard error.
    """

    token: str = ""
    hosts: frozenset[str] = frozenset()
    body: int = 1 << 20
    rate: float = 1000.0
    seconds: float = 30.0
    log: bool = False


def is_loopback(host: str) -> bool:
    """Return whether only this machine can come in at an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Return by which names a server that listens at `host` may be called."""
    here = () if is_loopback(host) else (socket.gethostname(), socket.getfqdn())
    return frozenset(name.lower() for name in (host, *here, *more))


def check_token(token: str, host: str) -> None:
    """Raise `RecipeError`, if a server at `host` needs a token, or one that is harder to guess."""
    if not token and not is_loopback(host):
        raise RecipeError(
            f"a server that others can reach needs a token, and --host is {host}: give --token-file FILE, or "
            "QUORATE_TOKEN in the environment"
        )
    if token and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise RecipeError(
            f"a token must be {LEAST_TOKEN} letters, digits and signs at least, without spaces; it has {len(token)}: "
            "openssl rand -hex 32 makes one"
        )


class Buckets:
    """How many requests each client may make: a bucket of tokens that fills at a rate, up to twice that."""

    def __init__(self, rate: float) -> None:
        self._rate, self._room = rate, max(2 * rate, 1.0)
        self._of: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when that was

    def take(self, client: str, now: float) -> float:
        """Take a token, and return 0; or, if there is none, how many seconds until there is."""
        tokens, then = self._of.pop(client, (self._room, now))
        tokens = min(self._room, tokens + (now - then) * self._rate)
        enough = tokens >= 1
        self._of[client] = (tokens - enough, now)
        if len(self._of) > CLIENTS:
            self._of.popitem(last=False)
        return 0.0 if enough else (1 - tokens) / self._rate


class Guard:
    """An application behind these limits: what is beyond them does not reach it.

    Parameters
    ----------
    app : callable
        ASGI.
    limits : Limits
        What is asked.
    metrics : Metrics
        Where each request is counted.
    routes : iterable of str
        Paths that there are; others are counted together.
    """

    def __init__(self, app: App, limits: Limits, metrics: Metrics, routes: Iterable[str]) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._routes = frozenset(routes)
        self._token = limits.token.encode()
        self._buckets = Buckets(limits.rate) if limits.rate else None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        body = _Body(receive, self._limits.body)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            self._check(scope)
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, body.receive, sending)
        except Refused as e:
            await _answer(sending, e)
        except TimeoutError:
            late = f"within {self._limits.seconds:g} s"
            slow = Refused(408, f"the body did not come {late}") if not body.whole else None
            if not status:
                await _answer(sending, slow or Refused(503, f"not answered {late}", headers={"Retry-After": "5"}))
        except Exception:  # nothing that a client sends ends the server, or is told where it failed
            print(visible(traceback.format_exc()), file=sys.stderr)
            if not status:
                await _answer(sending, Refused(500, FAULT))
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _check(self, scope: Message) -> None:
        """Raise `Refused`, if a request is not to be read."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = _name(headers.get(b"host", b""))
        if not self._may_be_called(host):
            raise Refused(403, f"this server is not called {host[:SHOWN_PATH]!a}: --allow-host adds a name")
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
            raise Refused(403, "a page of another site may not ask")
        if self._buckets is not None:
            client = (scope.get("client") or ("",))[0]
            if wait := self._buckets.take(client, time.monotonic()):
                after = {"Retry-After": str(int(wait) + 1)}
                raise Refused(429, f"more than {self._limits.rate:g} requests a second", headers=after)
        if scope["path"] not in OPEN and self._token:
            self._check_token(headers.get(b"authorization", b""))
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._limits.body:
            raise _too_long(self._limits.body)

    def _may_be_called(self, host: str) -> bool:
        if host == "localhost" or host in self._limits.hosts:
            return True
        try:  # a name can be made to mean any address; an address means itself
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True

    def _check_token(self, given: bytes) -> None:
        kind, _, token = given.partition(b" ")
        if kind.lower() != b"bearer" or not token:
            asks = {"WWW-Authenticate": "Bearer"}
            raise Refused(401, "a token is asked for: Authorization: Bearer TOKEN", headers=asks)
        if not hmac.compare_digest(token.strip(), self._token):
            raise Refused(403, "the token is another one")

    def _count(self, scope: Message, status: int, seconds: float) -> None:
        path = scope["path"]
        self._metrics.request(path if path in self._routes else "other", status, seconds)
        if self._limits.log:
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "client": (scope.get("client") or ("",))[0],
                "method": scope["method"][:SHOWN_PATH],
                "path": path[:SHOWN_PATH],
                "status": status,
                "ms": round(seconds * 1e3, 2),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)


class _Body:
    """The body of a request, as far as it may go."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left, self._most = receive, most, most
        self.whole = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self.whole = not message.get("more_body", False)
            if self._left < 0:
                raise _too_long(self._most)
        return message


def _too_long(most: int) -> Refused:
    return Refused(413, f"a request must have {most:,} bytes at most: send fewer bars", headers={"Connection": "close"})


def _name(host: bytes) -> str:
    """Return the name in a header ``Host``, without the port."""
    text = host.decode("latin-1").lower().strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


async def _answer(send: Send, refused: Refused) -> None:
    content = json.dumps(refused.to_dict()).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **refused.headers}
    told = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": told})
    await send({"type": "http.response.body", "body": content})
