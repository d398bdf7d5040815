"""From what is asked to what is answered: a forecast is made once, put on record, and then told."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import DataError, FitError, QuorateError, reason_of, visible
from quorate.execution.resources import cpu_count
from quorate.runs.registering import Version
from quorate.serving.forecaster import Forecast
from quorate.serving.metrics import Metrics
from quorate.serving.models import Models, Served
from quorate.serving.requests import SHOWN, Ask, Refused, sent
from quorate.store import Home

CACHED = 10_000  # answers that are kept
WAITING = 64  # forecasts that may be under way
SHADOWS = 256  # forecasts of shadows that may wait; more are left out
SERVED_BY = "quorate serve"

Record = Callable[[Version, Forecast, str], None]


def recorder(home: Home) -> Record:
    """Return what puts a forecast on record, and returns when that is durable."""
    record = importlib.import_module("quorate.serving.record")
    kept = record.ForwardRecord(home)

    def commit(version: Version, forecast: Forecast, bars: str) -> None:
        kept.commit(record.forecast_entry(version, forecast, served_by=SERVED_BY, bars=bars))

    return commit


class Answers:
    """Answers of the versions that are served.

    Parameters
    ----------
    models : Models
        These.
    sources : mapping of str to path or None
        By the names that clients know, what may be read in place of bars that are sent; None: what the recipe reads.
    record : callable, optional
        Puts a forecast on record.
    cached, waiting : int
        How many answers are kept, and how many forecasts may be under way.
    """

    def __init__(
        self,
        models: Models,
        sources: Mapping[str, Path | None] | None = None,
        record: Record | None = None,
        *,
        cached: int = CACHED,
        waiting: int = WAITING,
    ) -> None:
        self.models, self.metrics = models, Metrics()
        self._sources, self._record = dict(sources or {}), record
        self._cached, self._waiting = cached, waiting
        self._known: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._under_way: dict[tuple[str, str], asyncio.Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(max(1, cpu_count()), "forecast")
        self._beside = ThreadPoolExecutor(1, "shadow")
        self._pending = threading.Semaphore(SHADOWS)

    async def answer(self, ask: Ask, where: str = "") -> bytes:
        """Return the answer, as JSON; `where` it stands in the request, e.g. ``requests[2].``.

        Raises
        ------
        Refused
            If what is asked is wrong, or it cannot be answered now.
        """
        try:
            answer = await self._answer(ask)
        except Refused as e:
            if where and e.field:
                raise Refused(e.status, str(e).removeprefix(f"{e.field} "), where + e.field, e.headers) from None
            raise
        self.metrics.answered()
        return answer

    async def _answer(self, ask: Ask) -> bytes:
        one = self.models.now.find(ask.version)
        if (ask.bars is None) == (ask.source is None):
            raise Refused(422, "must be given, or source in its place, and not both", "bars")
        if ask.bars is None:
            bars = await self._read(one, str(ask.source))
            return await self._given(one, bars.fingerprint, lambda: bars, "")
        if why := one.bars_alone:
            raise Refused(422, f"cannot be taken: {why}", "bars")
        own = sent(ask.bars, one.known)
        return await self._given(one, own.digest, lambda: own.bars(one.known, "bars"), own.late(one.known))

    async def _read(self, one: Served, source: str) -> Bars:
        if source not in self._sources:
            offered = ", ".join(sorted(self._sources)) or "none is offered"
            raise Refused(422, f"must be one of those that are offered ({offered}); it was {source[:SHOWN]!a}", "source")
        path = self._sources[source]
        self._check_room()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, one.read, path and str(path))
        except QuorateError as e:  # it may tell of paths, which are no matter of a client
            print(visible(f"source {source}: {e}"), file=sys.stderr)
            raise Refused(503, f"{source!r} cannot be read now: the server's log says why", "source") from None

    def _check_room(self) -> None:
        if len(self._under_way) >= self._waiting:
            raise Refused(503, f"{self._waiting} forecasts are waited for already", headers={"Retry-After": "1"})

    async def _given(self, one: Served, digest: str, bars: Callable[[], Bars], warning: str) -> bytes:
        """Return the answer for bars: as it is known, as it is under way, or made now."""
        key = (one.key, digest)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            self.metrics.hits.inc()
            return known
        if key not in self._under_way:
            self._check_room()
            loop = asyncio.get_running_loop()
            made = loop.run_in_executor(self._pool, self._make, one, digest, bars, warning)
            self._under_way[key] = made
            self.metrics.waiting.set(len(self._under_way))
            made.add_done_callback(lambda done: self._done(key, done))
        # Whoever asked may be gone, or out of time; the forecast goes on, and is known to who asks next.
        return await asyncio.shield(self._under_way[key])

    def _done(self, key: tuple[str, str], made: asyncio.Future[bytes]) -> None:
        self._under_way.pop(key)
        self.metrics.waiting.set(len(self._under_way))
        if not made.cancelled() and made.exception() is None:
            self._known[key] = made.result()
            while len(self._known) > self._cached:
                self._known.popitem(last=False)

    def _make(self, one: Served, digest: str, bars: Callable[[], Bars], warning: str) -> bytes:
        """Return a new answer; it is on record before it is told."""
        read = bars()
        try:
            forecast = self._forecast(one, read, digest)
        except (DataError, FitError) as e:
            raise Refused(422, f"cannot be forecast from: {e}", "bars") from None
        if self.models.now.beside(one):
            self._have_shadows(one, read, digest)
        told = one.answer(forecast, digest) | ({"warning": warning} if warning else {})
        return json.dumps(told, allow_nan=False, separators=(",", ":")).encode()

    def _forecast(self, one: Served, bars: Bars, digest: str) -> Forecast:
        forecast = one.forecast(bars)
        self.metrics.forecasts.labels(one.label).inc()
        if self._record is not None and one.later(forecast):
            try:
                self._record(one.version, forecast, digest)
            except (QuorateError, OSError) as e:
                print(visible(f"a forecast of {one.label} cannot be put on record: {reason_of(e)}"), file=sys.stderr)
                why = "the forecast cannot be put on record, so it is not given: the server's log says why"
                raise Refused(503, why, headers={"Retry-After": "5"}) from None
            self.metrics.recorded.inc()
        return forecast

    def _have_shadows(self, one: Served, bars: Bars, digest: str) -> None:
        """Have the shadows forecast the same bars, when there is time; what becomes of it changes no answer."""

        def forecast() -> None:
            try:
                for shadow in self.models.now.beside(one):
                    self._forecast(shadow, bars, digest)
            except Exception as e:
                self.metrics.shadowless.inc()
                print(visible(f"a shadow of {one.label} has no forecast: {reason_of(e)}"), file=sys.stderr)
            finally:
                self._pending.release()

        if self._pending.acquire(blocking=False):
            self._beside.submit(forecast)
        else:
            self.metrics.shadowless.inc()

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()
        self._beside.shutdown()
