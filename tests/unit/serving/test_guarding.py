"""What a server asks of a request before it reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from quorate.errors import RecipeError
from quorate.serving.limits import CLIENTS, Buckets, Guard, Limits, check_token, is_loopback, own_names
from quorate.serving.metrics import OVER, Metrics

TOKEN = "0123456789abcdef"


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(60)
    if scope["path"] == "/broken":
        raise ValueError("a secret")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def _ask(
    limits: Limits,
    headers: dict[str, str] | None = None,
    path: str = "/predict",
    parts: Iterable[bytes] = (b"",),
    metrics: Metrics | None = None,
    times: int = 1,
) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of the last of as many answers."""
    guard = Guard(_echo, limits, metrics or Metrics(), ["/predict"])
    sent: list[Any] = []

    left: list[bytes] = []

    async def receive() -> Any:
        if not left:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    async def asked() -> None:
        for _ in range(times):
            sent.clear()
            left[:] = parts
            own = {"host": "127.0.0.1:8000", **(headers or {})}
            told = [(name.encode(), value.encode("latin-1")) for name, value in own.items()]
            scope = {"type": "http", "method": "POST", "path": path, "headers": told, "client": ("10.0.0.1", 5)}
            await guard(scope, receive, send)

    asyncio.run(asked())
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = json.loads(sent[1]["body"])
    return sent[0]["status"], told, body["error"]["message"] if isinstance(body, dict) else body


def test_a_token_is_asked_for_and_never_told(capsys: pytest.CaptureFixture[str]) -> None:
    limits = Limits(token=TOKEN, log=True)
    status, headers, message = _ask(limits)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in message
    for wrong in (f"Bearer {TOKEN}x", "Bearer ä", "Bearer " + "x" * 10_000):
        assert _ask(limits, {"authorization": wrong})[0] == 403
    assert _ask(limits, {"authorization": f"Basic {TOKEN}"})[0] == 401
    assert _ask(limits, {"authorization": f"bearer {TOKEN}"})[0] == 200
    assert _ask(limits, path="/health")[0] == 200
    told = capsys.readouterr().err
    assert TOKEN not in told
    assert json.loads(told.splitlines()[0])["status"] == 401


@pytest.mark.parametrize("host", ["evil.com", "evil.com:8000", "localhost.evil.com", "", "127.0.0.1.evil.com", "a:b:c"])
def test_a_name_that_is_not_ours_is_refused(host: str) -> None:
    assert _ask(Limits(), {"host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000", "10.1.2.3:80", "me.lan:8000"])
def test_addresses_and_own_names_are_not(host: str) -> None:
    assert _ask(Limits(hosts=own_names("127.0.0.1", ["Me.Lan"])), {"host": host})[0] == 200


def test_a_page_of_another_site_is_refused() -> None:
    assert _ask(Limits(), {"origin": "https://evil.com"})[0] == 403
    assert _ask(Limits(), {"origin": "null"})[0] == 403
    assert _ask(Limits(), {"origin": "http://127.0.0.1:8000"})[0] == 200


def test_a_long_body_is_refused_told_or_not() -> None:
    limits = Limits(body=10)
    assert _ask(limits, {"content-length": "11"})[0] == 413
    assert _ask(limits, parts=[b"12345", b"67890"]) == (200, {}, 10)
    status, _, message = _ask(limits, parts=[b"12345", b"67890", b"1"])
    assert (status, message) == (413, "a request must have 10 bytes at most: send fewer bars")
    assert _ask(limits, {"content-length": "9" * 5000})[0] == 413


def test_who_is_slow_is_told_so() -> None:
    limits = Limits(seconds=0.05)
    assert _ask(limits, parts=())[0] == 408
    status, headers, message = _ask(limits, path="/slow")
    assert (status, message) == (503, "not answered within 0.05 s")
    assert headers["retry-after"] == "5"


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    status, headers, message = _ask(Limits(rate=0.5), times=2)
    assert (status, headers["retry-after"]) == (429, "2")
    assert "more than 0.5 requests a second" in message
    assert _ask(Limits(rate=0), times=50)[0] == 200


def test_a_fault_is_told_as_one_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, message = _ask(Limits(), path="/broken")
    assert (status, message) == (500, "a fault of the server: its log says where")
    assert "a secret" in capsys.readouterr().err


def test_buckets_fill_at_their_rate_and_forget_whom_they_have_not_seen() -> None:
    buckets = Buckets(2.0)
    assert [buckets.take("a", 0.0) for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0
    assert [buckets.take("a", 1.0) for _ in range(3)] == [0, 0, 0.5]
    for k in range(CLIENTS):
        buckets.take(f"client {k}", 1.0)
    assert buckets.take("a", 1.0) == 0


def test_beyond_this_machine_a_token_is_needed_and_it_must_be_long() -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.com"):
        assert not is_loopback(host)
        with pytest.raises(RecipeError, match="--token-file FILE"):
            check_token("", host)
        check_token(TOKEN, host)
    for host in ("127.0.0.1", "::1", "localhost", "127.1.2.3"):
        check_token("", host)
    for bad in ("short", "a token with spaces in it", "ä" * 20):
        with pytest.raises(RecipeError, match="openssl rand"):
            check_token(bad, "127.0.0.1")


def test_answers_a_second_are_those_of_the_last_minute_and_requests_have_few_names() -> None:
    metrics = Metrics()
    for k in range(120):
        metrics.answered(float(k))
        metrics.answered(float(k))
    assert metrics.rate(119.5) == 2.0
    assert metrics.rate(119.5 + OVER / 2) == 1.0
    for k in range(50):
        _ask(Limits(), path=f"/{k}", metrics=metrics)
    lines = [line for line in metrics.text().decode().splitlines() if line.startswith("quorate_requests_total")]
    assert lines == ['quorate_requests_total{route="other",status="200"} 50.0']
