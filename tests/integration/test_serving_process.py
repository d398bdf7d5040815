"""A server as a process of its own: how it begins, goes on while its champion is exchanged, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import uvicorn
from uvicorn.server import ServerState

import quorate
from quorate.cli._serve import sources_of
from quorate.errors import RecipeError, StoreError
from quorate.serving import server
from quorate.serving.remote import Server
from quorate.serving.replay import replay
from quorate.store.trust import trust
from support.command import call, message_of
from support.homes import Homes
from support.waiting import wait_until

TOKEN = "a-token-of-some-length"
LATER = {"time": "2002-01-02", "open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0, "volume": 1.0}


@pytest.fixture
def home(_homes: Homes, tmp_path: Path) -> Path:
    shutil.copytree(_homes.served, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


@contextmanager
def _served(home: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str], list[str]]]:
    """Yield the address of a server, its process, and what it says, line by line."""
    command = [sys.executable, "-m", "quorate", "serve", "--home", str(home), "--port", "0", "--log", *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "QUORATE_TOKEN": ""}
    )
    assert process.stderr is not None
    lines: list[str] = []
    reading = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
    reading.start()
    try:
        wait_until(lambda: process.poll() is not None or any(" at http" in line for line in lines))
        assert process.poll() is None, lines
        address = re.search(r"http://\S+", "".join(lines))
        assert address is not None
        yield address[0], process, lines
    finally:
        process.kill()
        process.wait()
        reading.join()
        process.stderr.close()


def _ask(url: str, body: Any = None, path: str = "/predict") -> Any:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, content, headers), timeout=200) as answer:
        return json.load(answer)


def test_a_champion_is_exchanged_while_requests_go_on_and_those_under_way_are_finished(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with _served(home, "--token-file", str(file), "--no-record", "--rate", "0") as (url, process, lines):
        with pytest.raises(URLError, match="401"):
            urlopen(f"{url}/models")
        assert _ask(url, path="/health") == {"status": "ok"}
        found: list[str] = []
        lost: list[BaseException] = []
        asked = threading.Event()

        def ask() -> None:
            k = 0
            while not asked.is_set():
                k += 1
                try:
                    bar = {**LATER, "high": 101.0 + k}
                    found.append(_ask(url, {"version": "tiny", "bars": [bar]})["version"])
                except (URLError, ConnectionError) as e:
                    lost.append(e)
                    return

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(found) > 5)
            registry = quorate.ModelRegistry(home)
            registry.stage("tiny@3", "champion")
            assert _ask(url, {}, "/reload")["loaded"] == ["tiny@3"]
            wait_until(lambda: found[-1] == "tiny@3")
            registry.rollback("tiny")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: found[-1] == "tiny@1")
            assert lost == []
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: process.poll() is not None)
        finally:
            asked.set()
            for thread in threads:
                thread.join()
        assert process.returncode == 0
        # Those that were sent were answered; those that came later found nobody.
        assert all("refused" in str(e) or "reset" in str(e) or "closed" in str(e) for e in lost), lost
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert {one["status"] for one in told if one["path"] == "/predict"} == {200}
    assert len([one for one in told if one["path"] == "/predict"]) == len(found)
    assert not any(TOKEN in line for line in lines)


def test_a_server_is_replayed_as_a_run_is(home: Path) -> None:
    with _served(home, "tiny@1", "--no-record", "--watch", "0.1") as (url, _, lines):
        run = quorate.ModelRegistry(home).get("tiny@1").standing.run
        result = call("replay", run, "--url", url, "--home", home)
        assert result.exit_code == 0, result.output
        assert "nothing differs" in result.output
        other = quorate.ModelRegistry(home).get("tiny@2").standing.run
        with pytest.raises(quorate.QuorateError, match=rf"serves no version of run {other}: tiny@1 of {run}"):
            replay(other, server=Server(url), home=home)
        quorate.ModelRegistry(home).stage("tiny@1", "retired")
        assert lines  # and goes on: it was named by its number
        assert _ask(url, {"bars": [LATER]})["version"] == "tiny@1"


@pytest.mark.full
def test_the_same_is_served_on_ray(home: Path) -> None:
    pytest.importorskip("ray.serve", exc_type=ImportError)  # it needs more than Ray itself
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _served(home, "tiny@1", "--no-record", "--ray", "--port", str(port)) as (url, process, _):
        run = quorate.ModelRegistry(home).get("tiny@1").standing.run
        assert call("replay", run, "--url", url, "--home", home).exit_code == 0
        process.terminate()
        wait_until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_what_ray_serve_lacks_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.serve", None)
    told = message_of(call("serve", "--ray", "--home", home), 1)
    assert "--ray needs Ray Serve" in told
    assert "pip install 'quorate[serve]' 'ray[serve]'" in told


def test_a_connection_that_asks_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD", 0.1)

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def asked() -> list[bytes]:
        config = uvicorn.Config(nothing, log_config=None, lifespan="off")
        config.load()
        listening = await asyncio.get_running_loop().create_server(
            lambda: server._Prompt(config, ServerState(), {}), "127.0.0.1", 0
        )
        found = []
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ", b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT"):
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
            writer.write(sent)
            found.append(await asyncio.wait_for(reader.read(), 60))
            writer.close()
        listening.close()
        return found

    silent, slow, second = asyncio.run(asked())
    assert (silent, slow) == (b"", b"")
    assert second.startswith(b"HTTP/1.1 204")


def test_mistakes_on_the_line_are_told(home: Path, tmp_path: Path) -> None:
    def told(*options: object, code: int = 2) -> str:
        return message_of(call("serve", *options, "--home", home), code)

    assert "--host is 0.0.0.0: give --token-file FILE" in told("--host", "0.0.0.0")
    assert "--port must be 0 to 65535; it was 70000" in told("--port", 70000)
    assert "--rate must be 0 or more; it was -1" in told("--rate", -1)
    assert "--seconds must be 0.01 or more; it was 0" in told("--seconds", 0)
    assert "there is no" in told("--source", "a=nowhere")
    assert "no version of 'tinny' is registered" in told("tinny", code=1)
    empty = tmp_path / "empty"
    empty.write_text("\n")
    assert "is empty" in told("--token-file", empty)
    assert "No such file" in told("--token-file", tmp_path / "none", code=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "--port 0 takes any" in told("--port", taken.getsockname()[1], code=1)
    assert sources_of(["now", "far=s3://bars/us", f"near={empty}"]) == {
        "now": None,
        "far": "s3://bars/us",
        "near": str(empty),
    }
    with pytest.raises(RecipeError, match="NAME=PATH"):
        sources_of(["=x"])
    with pytest.raises(StoreError, match="cannot listen"):
        server.listen("no.such.host.invalid", 0)


def test_answers_are_sent_at_once() -> None:
    with server.listen("127.0.0.1", 0) as at:
        assert at.proto == socket.IPPROTO_TCP  # else asyncio leaves Nagle's algorithm on: 40 ms for each answer


def test_what_is_not_installed_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else name)
    assert "quorate serve needs uvicorn: pip install 'quorate[serve]'" in message_of(call("serve", "--home", home), 1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--url", "ftp://host"], "must be http://HOST:PORT, or https://; it was 'ftp://host'"),
        (["--url", "http://a:b@host"], "must be http://HOST:PORT"),
        (["--url", "http://127.0.0.1:1", "--all"], "a server has the last fold alone"),
        (["--token-file", "x"], "--token-file is about a server: give --url, too"),
    ],
)
def test_mistakes_about_a_server_are_told(home: Path, options: list[str], told: str) -> None:
    assert told in message_of(call("replay", *options, "--home", home), 2)


def test_a_token_goes_over_http_to_this_machine_alone() -> None:
    with pytest.raises(RecipeError, match=r"would go to example\.com over http"):
        Server("http://example.com", TOKEN)
    Server("http://127.0.0.1:8000", TOKEN)
    Server("https://example.com", TOKEN)
    Server("http://example.com", TOKEN, insecure=True)
