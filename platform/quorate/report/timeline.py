"""What ran where and when, from the log of a run."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from quorate.errors import StoreError

Name = tuple[Any, ...]
KILLED = "killed"
LOST = "lost"  # where a fit is said to have run whose process died


@dataclass(frozen=True)
class Interval:
    """A stage, or a fit in a process; `began` is in seconds since 1970."""

    name: str
    began: float
    seconds: float

    @property
    def end(self) -> float:
        """When it was over."""
        return self.began + self.seconds


@dataclass(frozen=True)
class Fit(Interval):
    """A fit that was computed; `name` is its model."""

    fold: int = 0
    place: str = ""
    cpu_seconds: float = 0.0
    key: str = ""
    error: str = ""
    replicate: int = 0

    @property
    def which(self) -> Name:
        """By what name it was handed out."""
        return (self.name, self.fold, self.replicate) if self.replicate else (self.name, self.fold)


@dataclass
class Attempt:
    """One process that worked on the run, from its start to its end; `seconds` goes up to its last word.

    Parameters
    ----------
    state : str
        How it ended; ``killed``, if it did not come to say so.
    handed : dict
        How often each fit, (model, fold), or (model, fold, replicate) beyond the first seed, was handed out.
    cached : dict
        Fits that were taken from the home, per model.
    """

    command: str
    pid: int
    host: str
    version: str
    began: float
    seconds: float = 0.0
    state: str = KILLED
    workers: int = 0
    executor: str = ""
    stages: list[Interval] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    handed: dict[Name, int] = field(default_factory=dict)
    cached: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def end(self) -> float:
        """When its last word was heard."""
        return self.began + self.seconds

    @property
    def lanes(self) -> dict[str, list[Fit]]:
        """The fits of each place in their order, the places by their first fit."""
        lanes: dict[str, list[Fit]] = {}
        for fit in sorted(self.fits, key=lambda fit: fit.began):
            lanes.setdefault(fit.place or LOST, []).append(fit)
        return lanes

    @property
    def span(self) -> float:
        """Seconds from the beginning of the first fit that was computed to the end of the last."""
        return max(f.end for f in self.fits) - min(f.began for f in self.fits) if self.fits else 0.0

    @property
    def busy(self) -> float:
        """Seconds of fits, over all workers."""
        return sum(fit.seconds for fit in self.fits)

    @property
    def idle(self) -> float:
        """Seconds that workers had nothing to do while others had."""
        slots = self.workers or len([place for place in self.lanes if place != LOST]) or 1
        return max(slots * self.span - self.busy, 0.0)

    @property
    def repeated(self) -> int:
        """How often a fit was handed out again because its process was lost."""
        return sum(n - 1 for n in self.handed.values())

    @property
    def in_flight(self) -> int:
        """How many fits were handed out and never came back."""
        back = {fit.which for fit in self.fits}
        return sum(fit not in back for fit in self.handed)


@dataclass(frozen=True)
class Timeline:
    """A run, attempt by attempt."""

    run: str
    attempts: list[Attempt]

    @property
    def fits(self) -> list[Fit]:
        """All fits that were computed, the longest first."""
        return sorted((fit for attempt in self.attempts for fit in attempt.fits), key=lambda f: (-f.seconds, f.began))

    @property
    def models(self) -> list[dict[str, Any]]:
        """What each model took, the most first."""
        rows: dict[str, dict[str, Any]] = {}

        def row(model: str) -> dict[str, Any]:
            zero = {"fits": 0, "cached": 0, "failed": 0, "seconds": 0.0, "cpu_seconds": 0.0, "longest": 0.0}
            return rows.setdefault(model, {"model": model, **zero})

        for attempt in self.attempts:
            for model, cached in attempt.cached.items():
                row(model)["cached"] += cached
        for fit in self.fits:
            of_model = row(fit.name)
            of_model["fits"] += 1
            of_model["failed"] += bool(fit.error)
            of_model["seconds"] = round(of_model["seconds"] + fit.seconds, 6)
            of_model["cpu_seconds"] = round(of_model["cpu_seconds"] + fit.cpu_seconds, 6)
            of_model["longest"] = max(of_model["longest"], fit.seconds)
        return sorted(rows.values(), key=lambda of_model: -of_model["seconds"])

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        attempts = []
        for a in self.attempts:
            window = a.span or 1.0
            attempts.append(
                {
                    **{k: v for k, v in vars(a).items() if k not in ("fits", "handed", "stages", "cached")},
                    "stages": [asdict(stage) for stage in a.stages],
                    "computed": len(a.fits),
                    "cached": sum(a.cached.values()),
                    "failed": sum(bool(fit.error) for fit in a.fits),
                    "handed_out_again": a.repeated,
                    "in_flight_at_the_end": a.in_flight,
                    "fits_seconds": round(a.span, 6),
                    "busy_seconds": round(a.busy, 6),
                    "idle_seconds": round(a.idle, 6),
                    "places": [
                        {
                            "place": place,
                            "fits": len(fits),
                            "busy_seconds": round(sum(f.seconds for f in fits), 6),
                            "utilisation": round(sum(f.seconds for f in fits) / window, 4),
                        }
                        for place, fits in a.lanes.items()
                    ],
                    "fits": [asdict(fit) for fit in a.fits],
                }
            )
        return {"run": self.run, "restarts": len(self.attempts) - 1, "attempts": attempts, "models": self.models}


def make_timeline(run: str, events: Sequence[Mapping[str, Any]], running: bool = False) -> Timeline:
    """Return the timeline that the events of a log tell, see `quorate.runs.log`, of a run that is `running` or not.

    Raises
    ------
    StoreError
        If the log does not say which processes worked on the run, or is none of ours.
    """
    parts: list[list[Mapping[str, Any]]] = []
    for event in events:
        if event["event"] == "run":
            parts.append([])
        if parts:
            parts[-1].append(event)
    if not parts:
        raise StoreError(f"the log of run {run} does not say who worked on it: it was cut short, or is another file")
    try:
        attempts = [_attempt(part) for part in parts]
    except (KeyError, TypeError, ValueError) as e:
        raise StoreError(f"the log of run {run} is not what this quorate writes: {type(e).__name__} {e}") from e
    if running and attempts[-1].state == KILLED:
        attempts[-1].state = "running"
    return Timeline(run, attempts)


def _attempt(events: Sequence[Mapping[str, Any]]) -> Attempt:
    first, last = events[0], max(event["time"] for event in events)
    attempt = Attempt(first["command"], first["pid"], first["host"], first["version"], first["time"])
    given: dict[Name, float] = {}
    arrived: list[tuple[Fit, float, float]] = []
    open_stage: Interval | None = None
    for event in events:
        match event["event"]:
            case "stage" if event["state"] == "begin":
                open_stage = Interval(event["name"], event["time"], last - event["time"])
            case "stage":
                attempt.stages.append(Interval(event["name"], event["began"], event["seconds"]))
                open_stage = None
            case "workers":
                attempt.workers, attempt.executor = event["workers"], event["executor"]
            case "handed":
                for one in map(tuple, event["fits"]):
                    attempt.handed[one] = attempt.handed.get(one, 0) + 1
                    given[one] = event["time"]
            case "fit" if event["cached"]:
                attempt.cached[event["model"]] = attempt.cached.get(event["model"], 0) + 1
            case "fit":
                rest = ("began", "seconds", "fold", "place", "cpu_seconds", "key", "error")
                told = {name: event[name] for name in rest}
                fit = Fit(event["model"], replicate=event.get("replicate", 0), **told)
                arrived.append((fit, given.get(fit.which, fit.began), event["time"]))
            case "warning":
                attempt.warnings.append(event["message"])
            case "end":
                attempt.state = event["state"]
    if open_stage:  # it was killed there
        attempt.stages.append(open_stage)
    attempt.began = min([*(event["time"] for event in events), *(stage.began for stage in attempt.stages)])
    attempt.seconds = last - attempt.began
    attempt.fits = _on_one_clock(arrived, attempt.host)
    return attempt


def host_of(place: str) -> str:
    """Return the host of a place, ``HOST:PID``."""
    return place.rpartition(":")[0]


def _on_one_clock(arrived: Sequence[tuple[Fit, float, float]], host: str) -> list[Fit]:
    """Move the fits of hosts whose clock is off: none begins before it was handed out, or ends after it came back."""
    least, most = defaultdict[str, float](lambda: -math.inf), defaultdict[str, float](lambda: math.inf)
    for fit, given, back in arrived:
        least[host_of(fit.place)] = max(least[host_of(fit.place)], given - fit.began)
        most[host_of(fit.place)] = min(most[host_of(fit.place)], back - fit.end)
    off = {name: 0.0 if name in ("", host) else min(max(0.0, least[name]), most[name]) for name in most}
    return [replace(fit, began=fit.began + off[host_of(fit.place)]) for fit, _, _ in arrived]


def chrome_trace(timeline: Timeline) -> dict[str, Any]:
    """Return the timeline in Chrome's trace format, for chrome://tracing and Perfetto.

    A process per host, with a thread per worker; the driver's stages are its host's first thread. Times are
    in microseconds from the beginning of the run.

    Source: Trace Event Format, Google, the JSON object format and its complete events.
    """
    start = timeline.attempts[0].began
    hosts: dict[str, int] = {}
    events: list[dict[str, Any]] = []

    def thread(host: str, tid: int, name: str) -> dict[str, int]:
        if host not in hosts:
            hosts[host] = len(hosts) + 1
            events.append(_meta("process_name", hosts[host], 0, host or LOST))
        events.append(_meta("thread_name", hosts[host], tid, name))
        return {"pid": hosts[host], "tid": tid}

    def complete(what: Interval, end: float, where: dict[str, int], kind: str, **args: Any) -> None:
        micro = {"ts": round((what.began - start) * 1e6), "dur": max(round((end - what.began) * 1e6), 0)}
        events.append({"name": what.name, "cat": kind, "ph": "X", **micro, **where, "args": args})

    for number, attempt in enumerate(timeline.attempts, 1):
        driver = thread(attempt.host, attempt.pid, f"driver {attempt.pid}")
        whole = Interval(attempt.command, attempt.began, attempt.seconds)
        complete(whole, whole.end, driver, "run", attempt=number, state=attempt.state, version=attempt.version)
        for stage in attempt.stages:
            complete(stage, stage.end, driver, "stage")
        for place, fits in attempt.lanes.items():
            worker = int(place.rpartition(":")[2]) if place != LOST else 0
            where = thread(host_of(place), worker, f"worker {worker}" if worker else LOST)
            for fit, after in zip(fits, [*fits[1:], None], strict=True):
                # Two clocks measure a fit: what is left of their difference must not look like one fit in another.
                end = min(fit.end, after.began) if after and worker else fit.end
                told = {"fold": fit.fold, "cpu_seconds": fit.cpu_seconds, "key": fit.key, "error": fit.error}
                complete(fit, end, where, "fit", **told)
    about = {"run": timeline.run, "began": _iso(start), "cached fits": sum(m["cached"] for m in timeline.models)}
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": about}


def _meta(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
