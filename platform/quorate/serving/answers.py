"""From what is asked to what is answered: a forecast is made once, put on record, and then told."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from quorate.bars.digest import history_digest
from quorate.bars.panel import Bars
from quorate.errors import QuorateError, StoreError, one_of, reason_of, visible
from quorate.runs.registering import Version
from quorate.runs.served import note_served
from quorate.serving.forecaster import Forecast
from quorate.serving.metrics import Metrics
from quorate.serving.models import Loaded, Models, Served
from quorate.serving.record import ForwardRecord, forecast_entry
from quorate.serving.requests import SHOWN, Ask, Batch, Refused, read, sent
from quorate.serving.workers import WorkerEnded
from quorate.store import Home

CACHED = 64  # MiB of answers that are kept, and as much of requests
WAITING = 64  # forecasts that may be under way
SHADOWS = 256  # forecasts of shadows that may wait; more are left out
SERVED_BY = "quorate serve"

Record = Callable[[Version, Forecast, str], None]
Key = tuple[str, str]  # of an answer: of which version, and of which bars
K = TypeVar("K")
V = TypeVar("V")


def recorder(home: Home) -> Record:
    """Return what puts a forecast, and the digest of all prices up to it, on record; it is durable on return."""
    kept = ForwardRecord(home)

    def commit(version: Version, forecast: Forecast, bars: str) -> None:
        kept.commit(forecast_entry(version, forecast, served_by=SERVED_BY, bars=bars))

    return commit


class Latest(Generic[K, V]):
    """What was used last, up to so many bytes."""

    def __init__(self, room: int) -> None:
        self._left = room
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K | None) -> V | None:
        """Return what is kept under a key."""
        if key is None or key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep something of that many bytes; what was not used for longest makes room."""
        self._left += self._kept.pop(key, (None, 0))[1] - size
        self._kept[key] = (value, size)
        while self._left < 0:
            self._left += self._kept.popitem(last=False)[1][1]


class Answers:
    """Answers of the versions that are served.

    Parameters
    ----------
    models : Models
        These.
    sources : mapping of str to str or None
        By the names that clients know, what may be read in place of bars that are sent; None: what the recipe reads.
    record : callable, optional
        Puts a forecast on record.
    cached : int
        MiB of answers that are kept for who asks again.
    waiting : int
        How many forecasts may be under way.
    """

    def __init__(
        self,
        models: Models,
        sources: Mapping[str, str | None] | None = None,
        record: Record | None = None,
        *,
        cached: int = CACHED,
        waiting: int = WAITING,
    ) -> None:
        self.models, self.metrics = models, Metrics()
        self._sources, self._record = dict(sources or {}), record
        self._waiting, self._room = waiting, cached << 20
        self._known = Latest[Key, bytes](self._room)
        self._bodies, self._bodies_for = Latest[bytes, Key](self._room), models.now
        self._under_way: dict[Key, asyncio.Future[Any]] = {}
        self._pool = ThreadPoolExecutor(models.at_a_time, "forecast")
        self._beside = ThreadPoolExecutor(1, "shadow")
        self._sourced = ThreadPoolExecutor(1, "source")  # which may take seconds: no forecast waits for it
        self._pending = threading.Semaphore(SHADOWS)

    async def predict(self, body: bytes) -> bytes:
        """Return the answer, as JSON, to what a body asks; one that was asked before, letter by letter, is not read.

        Raises
        ------
        Refused
            If what is asked is wrong, or it cannot be answered now.
        """
        now = self.models.now
        if now is not self._bodies_for:
            self._bodies, self._bodies_for = Latest(self._room), now
        key = self._bodies.get(body)
        answer = self._known.get(key)
        if answer is not None:
            self.metrics.hits.inc()
        else:
            ask = read(body, Ask)
            key, answer = await self._answer(now, ask)
            if ask.source is None:
                self._bodies.put(body, key, len(body))
        self.metrics.answered()
        return answer

    async def batch(self, body: bytes) -> bytes:
        """Return the answers to several requests; the same as `predict` of each. One that is wrong refuses all."""
        found, now = [], self.models.now
        for at, ask in enumerate(read(body, Batch).requests):
            try:
                found.append((await self._answer(now, ask))[1])
            except Refused as e:
                raise e.within(f"requests[{at}]") from None
            self.metrics.answered()
        return b'{"answers":[' + b",".join(found) + b"]}"

    async def _answer(self, now: Loaded, ask: Ask) -> tuple[Key, bytes]:
        one = now.find(ask.version)
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
            offered = one_of(self._sources)
            raise Refused(422, f"must be one that is offered, {offered}; it was {source[:SHOWN]!a}", "source")
        path = self._sources[source]
        try:
            bars: Bars = await self._once((one.key, f"source {source}"), lambda: one.read(path), self._sourced)
        except QuorateError as e:  # it may tell of paths, which are no matter of a client
            print(visible(f"source {source}: {e}"), file=sys.stderr)
            raise Refused(503, f"{source!r} cannot be read now: the server's log says why", "source") from None
        return bars

    async def _given(self, one: Served, digest: str, bars: Callable[[], Bars], warning: str) -> tuple[Key, bytes]:
        """Return the answer for bars, and its key: as it is known, as it is under way, or made now."""
        key = (one.key, digest)
        if (known := self._known.get(key)) is not None:
            self.metrics.hits.inc()
            return key, known
        answer: bytes = await self._once(key, lambda: self._make(one, digest, bars, warning))
        return key, answer

    async def _once(self, key: Key, make: Callable[[], Any], pool: ThreadPoolExecutor | None = None) -> Any:
        """Return what is made in a thread, or is under way there already."""
        if key not in self._under_way:
            if len(self._under_way) >= self._waiting:
                raise Refused(503, f"{self._waiting} forecasts are waited for already", headers={"Retry-After": "1"})
            made = asyncio.get_running_loop().run_in_executor(pool or self._pool, make)
            self._under_way[key] = made
            self.metrics.waiting.set(len(self._under_way))
            made.add_done_callback(lambda done: self._done(key, done))
        # Whoever asked may be gone, or out of time; the forecast goes on, and is known to who asks next.
        return await asyncio.shield(self._under_way[key])

    def _done(self, key: Key, made: asyncio.Future[Any]) -> None:
        self._under_way.pop(key)
        self.metrics.waiting.set(len(self._under_way))
        if not made.cancelled() and made.exception() is None and isinstance(made.result(), bytes):
            self._known.put(key, made.result(), len(made.result()))

    def _make(self, one: Served, digest: str, bars: Callable[[], Bars], warning: str) -> bytes:
        """Return a new answer; it is on record before it is told."""
        read = bars()
        try:
            forecast = self._forecast(one, read)
        except WorkerEnded as e:
            raise Refused(503, f"{e}", headers={"Retry-After": "1"}) from None
        except QuorateError as e:  # also of a plugin that such bars are too much for
            raise Refused(422, f"cannot be forecast from: {e}", "bars") from None
        if self.models.now.beside(one):
            self._have_shadows(one, read)
        told = one.answer(forecast, digest) | ({"warning": warning} if warning else {})
        return json.dumps(told, allow_nan=False, separators=(",", ":")).encode()

    def _forecast(self, one: Served, bars: Bars) -> Forecast:
        forecast = one.forecast(bars)
        self.metrics.forecasts.labels(one.label).inc()
        if self._record is not None and one.later(forecast):
            try:
                self._record(one.version, forecast, history_digest(bars, after=one.known))
            except (QuorateError, OSError) as e:
                print(visible(f"a forecast of {one.label} cannot be put on record: {reason_of(e)}"), file=sys.stderr)
                why = "the forecast cannot be put on record, so it is not given: the server's log says why"
                raise Refused(503, why, headers={"Retry-After": "5"}) from None
            self.metrics.recorded.inc()
        return forecast

    def _have_shadows(self, one: Served, bars: Bars) -> None:
        """Have the shadows forecast the same bars, when there is time; what becomes of it changes no answer."""

        def forecast() -> None:
            try:
                for shadow in self.models.now.beside(one):
                    self._forecast(shadow, bars)
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
        """Wait for what is under way, and note in the home how many answers a second were asked for at most."""
        self._pool.shutdown()
        self._sourced.shutdown()
        self._beside.shutdown()
        self.models.close()
        with suppress(StoreError, OSError):  # of a home that is read-only
            note_served(self.models.home, self.metrics.most)
