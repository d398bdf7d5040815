"""How many answers a second a server gives: of bars that it has answered, of new ones, and of later ones, on record.

    python tests/benchmarks/load.py http://127.0.0.1:8000 --version nasdaq --seconds 10

The generator has one process and 16 connections that stay open, each with one request at a time. It prints answers a
second and how long they took; `QUORATE_TOKEN` is sent, if it is set. Start the server with ``--rate 0``.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen


def request(host: str, path: str, body: bytes) -> bytes:
    """Return a request as it is sent."""
    token = os.environ.get("QUORATE_TOKEN", "")
    auth = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{auth}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> int:
    """Send a request, read its answer, and return the status."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(None, 2)[1])


async def load(url: str, make: Callable[[], bytes], connections: int, seconds: float) -> dict[str, Any]:
    """Ask for so long, and return what came of it."""
    place = urlsplit(url)
    took: list[float] = []
    statuses: dict[int, int] = {}
    until = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while (began := time.perf_counter()) < until:
            status = await answer(reader, writer, make())
            took.append(time.perf_counter() - began)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    took.sort()
    at = {f"p{p}_ms": round(1e3 * took[min(int(len(took) * p / 100), len(took) - 1)], 2) for p in (50, 95, 99)}
    return {"answers": len(took), "per_second": round(len(took) / (time.perf_counter() - began), 1), **at,
            "statuses": statuses}  # fmt: skip


def bars(time_: str, symbols: list[str], close: float) -> list[dict[str, object]]:
    """Return a bar of each symbol."""
    one = {"time": time_, "open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": 1000.0}
    return [{**one, "symbol": symbol} for symbol in symbols]


def bodies(kind: str, version: str, until: str, symbols: list[str]) -> Iterator[bytes]:
    """Yield requests about the last bar that the server knows, always the same or another; or of the Monday after."""
    if kind == "recorded":
        last = dt.datetime.fromisoformat(until)
        until = f"{last + dt.timedelta(7 - last.weekday()):%Y-%m-%d}"
    for k in itertools.count():
        close = 100.0 if kind == "repeated" else 100.0 + k * 1e-6
        yield json.dumps({"version": version, "bars": bars(until, symbols, close)}).encode()


def used(pid: int | None) -> float:
    """Return the processor seconds of a process."""
    if pid is None:
        return 0.0
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and print JSON."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("url")
    asked.add_argument("--version")
    asked.add_argument("--pid", type=int, help="of the server: its processor time by answer is told, too")
    asked.add_argument("--connections", type=int, default=16)
    asked.add_argument("--seconds", type=float, default=10.0)
    given = asked.parse_args()
    token = os.environ.get("QUORATE_TOKEN", "")
    ask = Request(f"{given.url}/models", headers={"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(ask) as told:
        versions = json.load(told)["versions"]
    one = next(v for v in versions if given.version in (None, v["version"], v["version"].partition("@")[0]))
    place = urlsplit(given.url).netloc
    found: dict[str, Any] = {}
    for kind in ("repeated", "new", "recorded"):
        made = bodies(kind, one["version"], one["bars_until"], one["symbols"])
        make = lambda made=made: request(place, "/predict", next(made))  # noqa: E731
        before = used(given.pid)
        found[kind] = asyncio.run(load(given.url, make, given.connections, given.seconds))
        if given.pid:
            found[kind]["server_cpu_ms"] = round(1e3 * (used(given.pid) - before) / found[kind]["answers"], 3)
    print(json.dumps({"version": one["version"], "connections": given.connections, **found}, indent=1))


if __name__ == "__main__":
    main()
