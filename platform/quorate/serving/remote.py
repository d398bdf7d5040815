"""A server that is asked over HTTP."""

from __future__ import annotations

import http.client
import json
import math
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.errors import QuorateError, RecipeError, one_of
from quorate.serving.forecaster import Forecast
from quorate.serving.limits import is_loopback

PATIENCE = 60.0  # seconds, for an answer
MOST = 64 << 20  # bytes of an answer
TRIES = 5  # where a server says that it has no time now


class Server:
    """A server of versions.

    Parameters
    ----------
    url : str
        ``http://HOST:PORT``, or ``https://``; a path is put before that of each request.
    token : str
        What it asks for; empty: nothing.
    insecure : bool
        Whether the token may go over http to another machine.

    Raises
    ------
    RecipeError
        If that is no such address, or the token would go to another machine as it is.
    """

    def __init__(self, url: str, token: str = "", *, insecure: bool = False) -> None:
        try:
            place = urlsplit(url)
            kinds: dict[str, type[http.client.HTTPConnection]] = {
                "http": http.client.HTTPConnection,
                "https": http.client.HTTPSConnection,
            }
            host, port = place.hostname or "", place.port
            if place.scheme not in kinds or not host or place.username or place.query:
                raise ValueError
        except ValueError:
            raise RecipeError(f"a server must be http://HOST:PORT, or https://; it was {url!r}") from None
        if token and place.scheme == "http" and not insecure and not is_loopback(host):
            raise RecipeError(
                f"the token would go to {host} over http, where others can read it: use https, or --allow-insecure"
            )
        self._name, self._path = f"{place.scheme}://{place.netloc}", place.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._connection = kinds[place.scheme](host, port, timeout=PATIENCE)

    def of_run(self, run: str) -> Callable[[Bars, int], Forecast]:
        """Return what asks for the forecast at a bar, of a version of this run; only that bar is sent.

        Raises
        ------
        QuorateError
            If there is none.
        """
        served = self._ask("GET", "/models")["versions"]
        own = [one["version"] for one in served if one["run"] == run]
        if not own:
            there = one_of(f"{one['version']} of {one['run']}" for one in served)
            raise QuorateError(f"{self._name} serves no version of run {run}: {there}")

        def ask(bars: Bars, bar: int) -> Forecast:
            answer = self._ask("POST", "/predict", {"version": own[0], "bars": _rows(bars.take(bar, bar + 1))})
            return Forecast(*(answer[name] for name in ("time", "fold", "threshold", "symbols")))

        return ask

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body, allow_nan=False)
        for tried in range(TRIES):
            try:
                self._connection.request(method, self._path + path, content, self._headers)
                answer = self._connection.getresponse()
                text = answer.read(MOST)
            except (OSError, http.client.HTTPException) as e:
                self._connection.close()
                raise QuorateError(f"{self._name} does not answer: {e or type(e).__name__}") from None
            if answer.status not in (429, 503) or tried == TRIES - 1:
                break
            after = answer.headers.get("Retry-After", "1")
            time.sleep(min(int(after), PATIENCE) if after.isdigit() else 1.0)
        try:
            found = json.loads(text)
            if answer.status == 200:
                return found
            why = found["error"]["message"]
        except (ValueError, KeyError, TypeError):
            why = "what it answers is not what quorate serve answers"
        remedy = ": --token-file FILE, or QUORATE_TOKEN" if answer.status in (401, 403) else ""
        raise QuorateError(f"{self._name}{path}: {answer.status}, {why}{remedy}")


def _rows(bars: Bars) -> list[dict[str, Any]]:
    """Return bars as they are sent: a decimal number that is read again is the same float64."""
    rows = []
    for row, column in zip(*np.nonzero(bars.present), strict=True):
        numbers = {name: float(getattr(bars, name)[row, column]) for name in FIELDS}
        known = {name: value for name, value in numbers.items() if not math.isnan(value)}
        rows.append({"time": f"{bars.times[row]}Z", "symbol": bars.symbols[column], **known})
    return rows
