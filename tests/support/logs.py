"""Logs of made-up runs: many workers, many fits, on a clock of their own."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quorate.store.log import LOG

START = 1_767_260_000.0
Event = dict[str, Any]


def run_event(time: float = START, **more: Any) -> Event:
    """Return how a process says that it works on a run, on a machine that is not this one."""
    about = {"run": "r", "command": "run", "pid": 4012, "host": "atlas", "version": "1"}
    return {"time": time, "event": "run", **about, **more}


def fit_event(time: float, model: str = "gru", fold: int = 0, **more: Any) -> Event:
    """Return how a fit is told that took a second."""
    told = {"model": model, "fold": fold, "key": "", "cached": False, "place": "atlas:7", "began": time - 1,
            "seconds": 1.0, "cpu_seconds": 0.9, "error": "", "notes": []}  # fmt: skip
    return {"time": time, "event": "fit", **told, **more}


def stage_event(time: float, name: str, seconds: float | None = None) -> Event:
    """Return how a stage is told that begins, or is over after so many seconds."""
    if seconds is None:
        return {"time": time, "event": "stage", "state": "begin", "name": name}
    return {"time": time, "event": "stage", "state": "end", "name": name, "began": time - seconds, "seconds": seconds}


def fits_event(time: float, models: list[str], folds: int) -> Event:
    """Return how it is told what is to be fitted."""
    totals = dict.fromkeys(models, folds)
    return {"time": time, "event": "fits", "totals": totals, "folds": folds, "numbers": list(range(folds))}


def trial_event(time: float, number: int, model: str = "lightgbm", of: int = 40, **more: Any) -> Event:
    """Return how it is told of a trial that was decided."""
    told = {"model": model, "trial": number, "state": "complete", "objectives": ["loss"], "values": [0.69], "error": "",
            "params": {}, "best": [0.65], "best_trial": 1, "own": [0.66], "front": None, "luck": 0.002, "of": of,
            "done": number + 1, "running": 2, "raced": 3, "failed": 0, "sharpe_asked": 1.5,
            "left_seconds": 10.0}  # fmt: skip
    return {"time": time, "event": "trial", **told, **more}


def busy(workers: int = 64, models: int = 8, folds: int = 500, seconds: float = 2.0) -> Iterator[Event]:
    """Yield the events of a run whose fits take about so long, on several machines; some fail, and some warn."""
    names = [f"model-{i}" for i in range(models)]
    yield run_event()
    yield stage_event(START + 0.1, "start", 0.8)
    yield stage_event(START + 0.2, "fits")
    yield fits_event(START + 0.3, names, folds)
    yield {"time": START + 0.3, "event": "workers", "workers": workers, "executor": "ray"}
    todo = [(names[i % models], i // models) for i in range(models * folds)][::-1]
    running: list[tuple[float, int, tuple[str, int], float]] = []
    now, given = START + 0.4, 0
    for worker in range(workers):
        if todo:
            fit = todo.pop()
            yield {"time": now, "event": "handed", "fits": [list(fit)]}
            heapq.heappush(running, (now + seconds * (1 + worker % 7 / 7), worker, fit, now))
    while running:
        now, worker, fit, began = heapq.heappop(running)
        given += 1
        error = "its process died" if given % 397 == 0 else ""
        more = {"began": began, "seconds": now - began, "error": error, "place": f"node-{worker // 16}:{worker}"}
        yield fit_event(now, *fit, **more)
        if given % 211 == 0:
            yield {"time": now, "event": "warning", "message": f"model {fit[0]!r} is slow on fold {fit[1]}"}
        if todo:
            fit = todo.pop()
            yield {"time": now, "event": "handed", "fits": [list(fit)]}
            heapq.heappush(running, (now + seconds * (1 + given % 5 / 5), worker, fit, now))
    yield stage_event(now, "fits", now - START - 0.2)
    yield {"time": now, "event": "end", "state": "finished"}


def append(folder: Path, *events: Event) -> None:
    """Write events after those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(event, separators=(",", ":")) + "\n" for event in events)
