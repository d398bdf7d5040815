"""What a server counts of itself, for Prometheus."""

from __future__ import annotations

import time
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

OVER = 60  # seconds, over which answers a second are counted
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class Metrics:
    """Counts of one server."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("quorate_requests", "Requests.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "quorate_request_seconds", "From the head of a request to its answer.", ["route"], registry=registry,
            buckets=BOUNDS,
        )  # fmt: skip
        self.forecasts = Counter("quorate_forecasts", "Forecasts that were made.", ["version"], registry=registry)
        self.hits = Counter("quorate_cache_hits", "Answers that were known already.", registry=registry)
        self.recorded = Counter("quorate_recorded", "Forecasts put on record.", registry=registry)
        self.shadowless = Counter(
            "quorate_shadow_failures", "Forecasts of shadows that failed, or for which there was no time.",
            registry=registry,
        )  # fmt: skip
        self.waiting = Gauge("quorate_waiting", "Forecasts under way, or waited for.", registry=registry)
        rate = Gauge("quorate_answers_per_second", f"Forecasts given, over the last {OVER} s.", registry=registry)
        rate.set_function(self.rate)
        self._answers: deque[tuple[int, int]] = deque()  # a second, and how many were given in it
        self.most = 0  # that were given in one second

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, now: float | None = None) -> None:
        """Count a forecast that was given."""
        second = int(time.monotonic() if now is None else now)
        if self._answers and self._answers[-1][0] == second:
            self._answers[-1] = (second, self._answers[-1][1] + 1)
        else:
            self._answers.append((second, 1))
        self.most = max(self.most, self._answers[-1][1])
        while self._answers[0][0] <= second - OVER:
            self._answers.popleft()

    def rate(self, now: float | None = None) -> float:
        """Return how many forecasts were given a second, over the last minute."""
        since = int(time.monotonic() if now is None else now) - OVER
        return sum(n for second, n in tuple(self._answers) if second > since) / OVER

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)
